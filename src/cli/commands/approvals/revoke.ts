import { resolveGrant } from '../../lib/approval-id.js';
import { showGrant } from '../../lib/approval-view.js';
import { RpcCommand } from '../../lib/rpc-command.js';
import { idArg } from '../../lib/text-arg.js';
import type { GrantInfo } from '../../lib/wire.js';

interface Answer {
  readonly ok: boolean;
  readonly grant: GrantInfo;
}

export default class ApprovalsRevokeCommand extends RpcCommand {
  static override summary = 'Take back what was allowed always; it is asked about again.';
  static override examples = ['<%= config.bin %> approvals revoke gr-7kfm2xwa'];
  static override args = { grant: idArg('Its id, from "approvals grants"; its first characters are enough.', 'See what is allowed always: openclaw approvals grants') };

  async run(): Promise<Answer> {
    const { args, flags } = await this.parse(ApprovalsRevokeCommand);
    return this.withGateway(flags, async (gateway) => {
      const { id } = await resolveGrant(gateway, args.grant);
      const answer = await gateway.request<Answer>('approvals.revoke', { id });
      this.log(`${showGrant(answer.grant)}\nTaken back.`);
      return answer;
    });
  }
}
