import { type ChannelsAnswer, showChannels } from '../../lib/channel-view.js';
import { RpcCommand } from '../../lib/rpc-command.js';

export default class ChannelsListCommand extends RpcCommand {
  static override summary = 'List the messengers, whether they are connected, and what they could not send.';
  static override examples = ['<%= config.bin %> channels list'];

  async run(): Promise<ChannelsAnswer> {
    const { flags } = await this.parse(ChannelsListCommand);
    return this.withGateway(flags, async (gateway) => {
      const answer = await gateway.request<ChannelsAnswer>('channels.list', {});
      this.log(showChannels(answer.accounts));
      return answer;
    });
  }
}
