import * as Args from '@oclif/core/args';
import { type ChannelsAnswer, showChannelStatus } from '../../lib/channel-view.js';
import { RpcCommand } from '../../lib/rpc-command.js';

export default class ChannelsStatusCommand extends RpcCommand {
  static override summary = 'Show all that is known of each messenger: state, last error and what to do, last message in and out.';
  static override examples = ['<%= config.bin %> channels status', '<%= config.bin %> channels status telegram --json'];
  static override args = { channel: Args.string({ description: 'Only this one.' }) };

  async run(): Promise<ChannelsAnswer> {
    const { args, flags } = await this.parse(ChannelsStatusCommand);
    return this.withGateway(flags, async (gateway) => {
      const all = await gateway.request<ChannelsAnswer>('channels.list', {});
      const answer = { ...all, accounts: all.accounts.filter(({ channel }) => args.channel === undefined || channel === args.channel) };
      this.log(showChannelStatus(answer.accounts));
      return answer;
    });
  }
}
