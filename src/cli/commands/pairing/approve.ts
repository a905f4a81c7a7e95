import * as Flags from '@oclif/core/flags';
import { strangerArgs, strangerFlags, strangerOf } from '../../lib/pairing-command.js';
import { type PairingAnswer, type PairingList, showDecision } from '../../lib/people-view.js';
import { RpcCommand } from '../../lib/rpc-command.js';
import { askYesNo, mayAsk } from '../../lib/yes-no.js';

/** Handing over waits for the engine; the gateway gives up before this. */
const APPROVE_MS = 30_000;

export default class PairingApproveCommand extends RpcCommand {
  static override summary = 'Let a stranger in: what they wrote is answered, and from then on they just write.';
  static override description = 'It counts for this messenger and this account alone. The first one of an installation may be made its owner: at a terminal you are asked.';
  static override examples = ['<%= config.bin %> pairing approve telegram CLAW-7X9K', '<%= config.bin %> pairing approve telegram 7x9k --owner', '<%= config.bin %> pairing approve telegram --sender 123456789 --account work'];
  static override args = strangerArgs;
  static override flags = { ...strangerFlags, owner: Flags.boolean({ description: 'They are you: the owner. --no-owner: they are not, and nobody asks.', allowNo: true }) };

  async run(): Promise<PairingAnswer> {
    const { args, flags } = await this.parse(PairingApproveCommand);
    const stranger = strangerOf(args, flags);
    return this.withGateway(flags, async (gateway) => {
      const isFirst = flags.owner === undefined && (await gateway.request<PairingList>('pairing.list', { channel: stranger.channel })).hasOwner === false;
      const asks = isFirst && mayAsk() && !this.jsonEnabled();
      const owner = flags.owner ?? (asks && (await askYesNo('You have no owner on any messenger yet. Is this you: shall they be the owner, with your rights and your sessions?')));
      const answer = await gateway.request<PairingAnswer>('pairing.approve', { ...stranger, ...(owner ? { owner } : {}) }, { timeoutMs: flags.timeout ?? APPROVE_MS });
      this.log(showDecision(answer));
      if (isFirst && !asks && answer.contact && !this.jsonEnabled()) this.note(`Nobody is the owner on a messenger yet. If this is you: openclaw contacts owner ${answer.contact.id}`);
      return answer;
    });
  }
}
