import * as Flags from '@oclif/core/flags';
import { RpcCommand } from '../../lib/rpc-command.js';
import { showRuns } from '../../lib/run-view.js';
import { sessionFlag } from '../../lib/text-arg.js';
import type { RunSummary } from '../../lib/wire.js';

export default class RunsListCommand extends RpcCommand {
  static override summary = 'List runs, newest first.';
  static override examples = ['<%= config.bin %> runs list', '<%= config.bin %> runs list --state running', '<%= config.bin %> runs list --session main --limit 5'];
  static override flags = {
    session: sessionFlag('Only of this session.'),
    state: Flags.string({ description: 'Only in this state.', options: ['queued', 'running', 'ok', 'error', 'aborted', 'merged', 'dropped'] }),
    limit: Flags.integer({ description: 'At most this many.', default: 20, min: 1, max: 500 }),
  };

  async run(): Promise<{ readonly runs: readonly RunSummary[] }> {
    const { flags } = await this.parse(RunsListCommand);
    return this.withGateway(flags, async (gateway) => {
      const answer = await gateway.request<{ readonly runs: readonly RunSummary[] }>('runs.list', {
        limit: flags.limit,
        ...(flags.session === undefined ? {} : { sessionKey: flags.session }),
        ...(flags.state === undefined ? {} : { state: flags.state }),
      });
      this.log(showRuns(answer.runs));
      return answer;
    });
  }
}
