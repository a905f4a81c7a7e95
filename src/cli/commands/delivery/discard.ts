import { whichArgs, whichFlags, whichOf } from '../../lib/which-delivery.js';
import { RpcCommand } from '../../lib/rpc-command.js';

interface Answer {
  readonly ok: boolean;
  readonly ids: readonly string[];
}

export default class DeliveryDiscardCommand extends RpcCommand {
  static override summary = 'Put a delivery away unsent.';
  static override examples = ['<%= config.bin %> delivery discard reply-4f3a9c', '<%= config.bin %> delivery discard --all --channel telegram'];
  static override args = whichArgs;
  static override flags = whichFlags;

  async run(): Promise<Answer> {
    const { args, flags } = await this.parse(DeliveryDiscardCommand);
    const which = whichOf(args.id, flags);
    return this.withGateway(flags, async (gateway) => {
      const answer = await gateway.request<Answer>('delivery.discard', which);
      this.log(answer.ids.length === 0 ? 'There is none.' : `Put away: ${answer.ids.join(', ')}`);
      return answer;
    });
  }
}
