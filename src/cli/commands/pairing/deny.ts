import { strangerArgs, strangerFlags, strangerOf } from '../../lib/pairing-command.js';
import { type PairingAnswer, showDecision } from '../../lib/people-view.js';
import { RpcCommand } from '../../lib/rpc-command.js';

export default class PairingDenyCommand extends RpcCommand {
  static override summary = 'Refuse a stranger: what they wrote is dropped, they are told nothing, and may ask again later.';
  static override examples = ['<%= config.bin %> pairing deny telegram CLAW-7X9K', '<%= config.bin %> pairing deny telegram --sender 123456789'];
  static override args = strangerArgs;
  static override flags = strangerFlags;

  async run(): Promise<PairingAnswer> {
    const { args, flags } = await this.parse(PairingDenyCommand);
    const stranger = strangerOf(args, flags);
    return this.withGateway(flags, async (gateway) => {
      const answer = await gateway.request<PairingAnswer>('pairing.deny', { ...stranger });
      this.log(showDecision(answer));
      return answer;
    });
  }
}
