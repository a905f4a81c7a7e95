import * as Flags from '@oclif/core/flags';
import { type DeliveryInfo, showDeliveries } from '../../lib/channel-view.js';
import { RpcCommand } from '../../lib/rpc-command.js';

interface Answer {
  readonly deliveries: readonly DeliveryInfo[];
}

export default class DeliveryListCommand extends RpcCommand {
  static override summary = 'List what was not sent: waiting, held because it was too old, or not delivered and why.';
  static override examples = ['<%= config.bin %> delivery list', '<%= config.bin %> delivery list --all --channel telegram'];
  static override flags = {
    all: Flags.boolean({ description: 'Also what was sent or put away.' }),
    channel: Flags.string({ description: 'Only this messenger.', helpValue: '<channel>' }),
    limit: Flags.integer({ description: 'How many of the newest.', default: 50, min: 1, max: 500, helpValue: '<n>' }),
  };

  async run(): Promise<Answer> {
    const { flags } = await this.parse(DeliveryListCommand);
    return this.withGateway(flags, async (gateway) => {
      const answer = await gateway.request<Answer>('delivery.list', { limit: flags.limit, ...(flags.all ? { all: true } : {}), ...(flags.channel === undefined ? {} : { channel: flags.channel }) });
      this.log(showDeliveries(answer.deliveries));
      return answer;
    });
  }
}
