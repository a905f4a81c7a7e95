import * as Flags from '@oclif/core/flags';
import { resolveApproval } from '../../lib/approval-id.js';
import { showAnswer, showApproval } from '../../lib/approval-view.js';
import { RpcCommand } from '../../lib/rpc-command.js';
import { idArg } from '../../lib/text-arg.js';
import type { ApprovalAnswer } from '../../lib/wire.js';

export default class ApprovalsDenyCommand extends RpcCommand {
  static override summary = 'Refuse a command that waits; the agent is told.';
  static override examples = ['<%= config.bin %> approvals deny ap-7kfm2xwa', '<%= config.bin %> approvals deny 7kf --reason "use a branch"'];
  static override args = { id: idArg('Its id, from "approvals list"; its first characters are enough.', 'See what waits: openclaw approvals list') };
  static override flags = { reason: Flags.string({ description: 'Why; the agent reads it.', helpValue: '<text>' }) };

  async run(): Promise<ApprovalAnswer> {
    const { args, flags } = await this.parse(ApprovalsDenyCommand);
    const reason = flags.reason?.trim() ?? '';
    return this.withGateway(flags, async (gateway) => {
      const approval = await resolveApproval(gateway, args.id);
      const answer = await (reason === ''
        ? gateway.request<ApprovalAnswer>('exec.approval.resolve', { id: approval.id, decision: 'deny' })
        : gateway.request<ApprovalAnswer>('approvals.deny', { id: approval.id, reason }));
      this.log(`${showApproval(approval)}\n${showAnswer(answer, reason)}`);
      return answer;
    });
  }
}
