import { RpcCommand } from '../../lib/rpc-command.js';
import { showRun } from '../../lib/run-view.js';
import { runArg, sessionFlag } from '../../lib/text-arg.js';
import type { RunAnswer } from '../../lib/wire.js';

export default class RunsShowCommand extends RpcCommand {
  static override summary = 'Show what a run did: steps, tools, durations, tokens, cost, retries, waits.';
  static override examples = ['<%= config.bin %> runs show 8f14e45f-ceea-4672-9a1b-0d2f3a6b7c8d'];
  static override args = { run: runArg() };
  static override flags = { session: sessionFlag('Its session, when several used the same id.') };

  async run(): Promise<RunAnswer> {
    const { args, flags } = await this.parse(RunsShowCommand);
    return this.withGateway(flags, async (gateway) => {
      const answer = await gateway.request<RunAnswer>('runs.get', { runId: args.run, ...(flags.session === undefined ? {} : { sessionKey: flags.session }) });
      this.log(showRun(answer));
      return answer;
    });
  }
}
