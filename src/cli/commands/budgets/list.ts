import { showBudgets } from '../../lib/budget-view.js';
import { RpcCommand } from '../../lib/rpc-command.js';
import type { BudgetsAnswer } from '../../lib/wire.js';

export default class BudgetsListCommand extends RpcCommand {
  static override summary = 'List what is spent of which limit, and the questions that wait for an answer.';
  static override examples = ['<%= config.bin %> budgets list'];

  async run(): Promise<BudgetsAnswer> {
    const { flags } = await this.parse(BudgetsListCommand);
    return this.withGateway(flags, async (gateway) => {
      const answer = await gateway.request<BudgetsAnswer>('budgets.list', {});
      this.log(showBudgets(answer));
      return answer;
    });
  }
}
