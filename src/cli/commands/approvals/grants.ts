import { showGrants } from '../../lib/approval-view.js';
import { RpcCommand } from '../../lib/rpc-command.js';
import type { GrantInfo } from '../../lib/wire.js';

interface Answer {
  readonly grants: readonly GrantInfo[];
}

export default class ApprovalsGrantsCommand extends RpcCommand {
  static override summary = 'List what you allowed always.';
  static override examples = ['<%= config.bin %> approvals grants'];

  async run(): Promise<Answer> {
    const { flags } = await this.parse(ApprovalsGrantsCommand);
    return this.withGateway(flags, async (gateway) => {
      const answer = await gateway.request<Answer>('approvals.grants', {});
      this.log(answer.grants.length === 0 ? 'Nothing is allowed always. What waits can be, with "approvals approve" and --always: openclaw approvals list' : showGrants(answer.grants));
      return answer;
    });
  }
}
