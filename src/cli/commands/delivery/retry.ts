import { whichArgs, whichFlags, whichOf } from '../../lib/which-delivery.js';
import { RpcCommand } from '../../lib/rpc-command.js';

interface Answer {
  readonly ok: boolean;
  readonly ids: readonly string[];
}

export default class DeliveryRetryCommand extends RpcCommand {
  static override summary = 'Send a delivery that failed or is held after all. Parts that were sent stay sent.';
  static override examples = ['<%= config.bin %> delivery retry reply-4f3a9c', '<%= config.bin %> delivery retry --all --channel telegram'];
  static override args = whichArgs;
  static override flags = whichFlags;

  async run(): Promise<Answer> {
    const { args, flags } = await this.parse(DeliveryRetryCommand);
    const which = whichOf(args.id, flags);
    return this.withGateway(flags, async (gateway) => {
      const answer = await gateway.request<Answer>('delivery.retry', which);
      this.log(answer.ids.length === 0 ? 'There is none.' : `Queued again: ${answer.ids.join(', ')}`);
      return answer;
    });
  }
}
