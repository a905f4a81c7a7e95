import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { resolveQuestion } from '../../lib/approval-id.js';
import { usageError } from '../../lib/fail.js';
import { RpcCommand } from '../../lib/rpc-command.js';
import { idArg } from '../../lib/text-arg.js';
import type { BudgetQuestionInfo } from '../../lib/wire.js';

interface Answer {
  readonly ok: boolean;
  readonly question: BudgetQuestionInfo;
}

const DONE: Readonly<Record<string, string>> = { raise: 'The limit is raised', once: 'These runs may pass the limit', stop: 'These runs end, and the next message is asked about anew' };

export default class BudgetsAnswerCommand extends RpcCommand {
  static override summary = 'Answer a question about a budget, for every run that waits for it.';
  static override description = '"raise" adds to the limit (by itself as much again), "once" lets the waiting runs pass it to their end, "stop" ends them.';
  static override examples = ['<%= config.bin %> budgets answer bq-7kfm2xwa raise', '<%= config.bin %> budgets answer bq-7kfm2xwa raise --usd 5', '<%= config.bin %> budgets answer bq-7kfm2xwa stop'];
  static override args = {
    id: idArg('Its id, from "budgets list"; its first characters are enough.', 'See the questions there are: openclaw budgets list'),
    answer: Args.string({ description: 'What to do.', required: true, options: ['raise', 'once', 'stop'] }),
  };
  static override flags = {
    tokens: Flags.integer({ description: 'Raise by this many tokens.', min: 1, helpValue: '<n>' }),
    usd: Flags.string({ description: 'Raise by this many dollars.', helpValue: '<n>' }),
  };

  async run(): Promise<Answer> {
    const { args, flags } = await this.parse(BudgetsAnswerCommand);
    const usd = flags.usd === undefined ? undefined : Number(flags.usd);
    if (usd !== undefined && !(usd > 0)) throw usageError(`--usd must be a number above 0, not "${flags.usd}"`);
    if (args.answer !== 'raise' && (usd !== undefined || flags.tokens !== undefined)) throw usageError(`--tokens and --usd belong to "raise", not to "${args.answer}"`);
    return this.withGateway(flags, async (gateway) => {
      const answer = await gateway.request<Answer>('budgets.answer', {
        id: await resolveQuestion(gateway, args.id), answer: args.answer,
        ...(flags.tokens === undefined ? {} : { tokens: flags.tokens }),
        ...(usd === undefined ? {} : { usd }),
      });
      const runs = answer.question.waiting.length;
      this.log(`${DONE[args.answer]}; ${runs} ${runs === 1 ? 'run' : 'runs'} waited.`);
      return answer;
    });
  }
}
