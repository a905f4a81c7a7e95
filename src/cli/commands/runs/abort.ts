import { CodedError } from '../../../core/errors.js';
import { showRunHint } from '../../lib/hints.js';
import { RpcCommand } from '../../lib/rpc-command.js';
import { runArg } from '../../lib/text-arg.js';
import type { RunAnswer } from '../../lib/wire.js';

interface Answer {
  readonly aborted: boolean;
  readonly runIds: readonly string[];
}

export default class RunsAbortCommand extends RpcCommand {
  static override summary = 'Stop a run, waiting or running.';
  static override examples = ['<%= config.bin %> runs abort 8f14e45f-ceea-4672-9a1b-0d2f3a6b7c8d'];
  static override args = { run: runArg() };

  async run(): Promise<Answer> {
    const { args, flags } = await this.parse(RunsAbortCommand);
    return this.withGateway(flags, async (gateway) => {
      const { run } = await gateway.request<RunAnswer>('runs.get', { runId: args.run });
      const answer = await gateway.request<Answer>('chat.abort', { sessionKey: run.sessionKey, runId: args.run });
      if (!answer.aborted) throw new CodedError('NOT_RUNNING', `The run ${args.run} is not running (${run.state})`, `See how it ended: ${showRunHint(args.run)}`);
      this.log(`Stopped ${args.run}.`);
      return answer;
    });
  }
}
