import * as Flags from '@oclif/core/flags';
import { showUsage } from '../lib/budget-view.js';
import { RpcCommand } from '../lib/rpc-command.js';
import type { BudgetsAnswer, UsageAnswer } from '../lib/wire.js';

export default class UsageCommand extends RpcCommand {
  static override summary = 'Show what was used: today, this month, by model and session, and the budgets.';
  static override examples = ['<%= config.bin %> usage', '<%= config.bin %> usage --days 7 --json'];
  static override flags = { days: Flags.integer({ description: 'Days that models and sessions are summed over, today included.', default: 30, min: 1, max: 3_660 }) };

  async run(): Promise<UsageAnswer & { readonly budgets: BudgetsAnswer }> {
    const { flags } = await this.parse(UsageCommand);
    return this.withGateway(flags, async (gateway) => {
      const [usage, budgets] = await Promise.all([gateway.request<UsageAnswer>('usage.summary', { days: flags.days }), gateway.request<BudgetsAnswer>('budgets.list', {})]);
      this.log(showUsage(usage, budgets));
      return { ...usage, budgets };
    });
  }
}
