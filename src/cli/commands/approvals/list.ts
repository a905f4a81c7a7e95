import * as Flags from '@oclif/core/flags';
import { showApprovals } from '../../lib/approval-view.js';
import { RpcCommand } from '../../lib/rpc-command.js';
import type { ApprovalsAnswer } from '../../lib/wire.js';

export default class ApprovalsListCommand extends RpcCommand {
  static override summary = 'List the commands that wait for your word, newest first.';
  static override examples = ['<%= config.bin %> approvals list', '<%= config.bin %> approvals list --all --json'];
  static override flags = {
    all: Flags.boolean({ description: 'Also those that were decided.' }),
    limit: Flags.integer({ description: 'At most this many.', default: 200, min: 1, max: 500 }),
    offset: Flags.integer({ description: 'Leave out so many of the newest.', default: 0, min: 0 }),
  };

  async run(): Promise<ApprovalsAnswer> {
    const { flags } = await this.parse(ApprovalsListCommand);
    return this.withGateway(flags, async (gateway) => {
      const { all, limit, offset } = flags;
      const answer = await gateway.request<ApprovalsAnswer>('approvals.list', { limit, offset, ...(all ? { all } : {}) });
      const { approvals, totalCount = 0, nextOffset } = answer;
      if (approvals.length > 0) this.log(showApprovals(approvals));
      else this.log(offset === 0 ? 'Nothing waits for your word.' : `No more: there are ${totalCount}.`);
      if (nextOffset != null) this.log(`\n${totalCount - nextOffset} more: openclaw approvals list${all ? ' --all' : ''} --limit ${limit} --offset ${nextOffset}`);
      return answer;
    });
  }
}
