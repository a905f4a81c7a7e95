import { strangerArgs, strangerFlags, strangerOf } from '../../lib/pairing-command.js';
import { type PairingAnswer, showDecision } from '../../lib/people-view.js';
import { RpcCommand } from '../../lib/rpc-command.js';

export default class PairingBlockCommand extends RpcCommand {
  static override summary = 'Refuse a stranger for good: nothing of theirs is ever heard again.';
  static override examples = ['<%= config.bin %> pairing block telegram CLAW-7X9K', '<%= config.bin %> pairing block telegram --sender 123456789'];
  static override args = strangerArgs;
  static override flags = strangerFlags;

  async run(): Promise<PairingAnswer> {
    const { args, flags } = await this.parse(PairingBlockCommand);
    const stranger = strangerOf(args, flags);
    return this.withGateway(flags, async (gateway) => {
      const answer = await gateway.request<PairingAnswer>('pairing.block', { ...stranger });
      this.log(showDecision(answer));
      return answer;
    });
  }
}
