import * as Flags from '@oclif/core/flags';
import { showApprovals } from '../../lib/approval-view.js';
import { RpcCommand } from '../../lib/rpc-command.js';
import type { ApprovalInfo } from '../../lib/wire.js';

interface Answer {
  readonly approvals: readonly ApprovalInfo[];
}

export default class ApprovalsListCommand extends RpcCommand {
  static override summary = 'List the commands that wait for your word, newest first.';
  static override examples = ['<%= config.bin %> approvals list', '<%= config.bin %> approvals list --all --json'];
  static override flags = { all: Flags.boolean({ description: 'Also those that were decided.' }) };

  async run(): Promise<Answer> {
    const { flags } = await this.parse(ApprovalsListCommand);
    return this.withGateway(flags, async (gateway) => {
      const answer = await gateway.request<Answer>('approvals.list', flags.all ? { all: true } : {});
      this.log(answer.approvals.length === 0 ? 'Nothing waits for your word.' : showApprovals(answer.approvals));
      return answer;
    });
  }
}
