import * as Flags from '@oclif/core/flags';
import { resolveApproval } from '../../lib/approval-id.js';
import { showAnswer, showApproval } from '../../lib/approval-view.js';
import { RpcCommand } from '../../lib/rpc-command.js';
import { idArg } from '../../lib/text-arg.js';
import type { ApprovalAnswer } from '../../lib/wire.js';

export default class ApprovalsApproveCommand extends RpcCommand {
  static override summary = 'Allow a command that waits, once or always.';
  static override description = 'Exactly what was shown runs. --always allows the same command in the same folder with the same variables from now on: see "approvals grants".';
  static override examples = ['<%= config.bin %> approvals approve ap-7kfm2xwa', '<%= config.bin %> approvals approve 7kf --always'];
  static override args = { id: idArg('Its id, from "approvals list"; its first characters are enough.', 'See what waits: openclaw approvals list') };
  static override flags = { always: Flags.boolean({ description: 'Do not ask about this command again.' }) };

  async run(): Promise<ApprovalAnswer> {
    const { args, flags } = await this.parse(ApprovalsApproveCommand);
    return this.withGateway(flags, async (gateway) => {
      const approval = await resolveApproval(gateway, args.id);
      const answer = await gateway.request<ApprovalAnswer>('exec.approval.resolve', { id: approval.id, decision: flags.always ? 'allow-always' : 'allow-once' });
      this.log(`${showApproval(approval)}\n${showAnswer(answer)}`);
      return answer;
    });
  }
}
