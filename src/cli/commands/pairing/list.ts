import * as Flags from '@oclif/core/flags';
import * as Args from '@oclif/core/args';
import { type PairingList, showStrangers } from '../../lib/people-view.js';
import { RpcCommand } from '../../lib/rpc-command.js';

export default class PairingListCommand extends RpcCommand {
  static override summary = 'List the strangers who wait to be let in, with their codes.';
  static override description = 'What they wrote is held, in order and with its files, until you let them in.';
  static override examples = ['<%= config.bin %> pairing list', '<%= config.bin %> pairing list telegram --json'];
  static override args = { channel: Args.string({ description: 'Of one messenger only.' }) };
  static override flags = { account: Flags.string({ description: 'Of one account only.', helpValue: '<name>' }) };

  async run(): Promise<PairingList> {
    const { args, flags } = await this.parse(PairingListCommand);
    const of = { ...(args.channel === undefined ? {} : { channel: args.channel.trim().toLowerCase() }), ...(flags.account === undefined ? {} : { account: flags.account }) };
    return this.withGateway(flags, async (gateway) => {
      const answer = await gateway.request<PairingList>('pairing.list', of);
      this.log(answer.requests.length === 0 ? 'Nobody waits to be let in.' : showStrangers(answer.requests));
      return answer;
    });
  }
}
