import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { createAgentView, terminalOutput } from '../../lib/agent-view.js';
import { follow } from '../../lib/follow.js';
import { onInterrupt } from '../../lib/interrupt.js';
import { answerOf, textOf } from '../../lib/outcome.js';
import { RpcCommand } from '../../lib/rpc-command.js';
import { printable } from '../../lib/terminal.js';
import type { AgentAnswer } from '../../lib/wire.js';

export default class RunsWaitCommand extends RpcCommand {
  static override summary = 'Wait for a run and print its answer; at once when it has ended.';
  static override examples = ['<%= config.bin %> runs wait 8f14e45f-ceea-4672-9a1b-0d2f3a6b7c8d'];
  static override args = { run: Args.string({ description: 'Its run id.', required: true }) };
  static override flags = {
    timeout: Flags.integer({ description: 'Seconds to wait; the run goes on without you.', min: 1, helpValue: '<seconds>' }),
  };

  async run(): Promise<AgentAnswer> {
    const { args, flags } = await this.parse(RunsWaitCommand);
    const live = process.stdout.isTTY && !this.jsonEnabled();
    const view = createAgentView(terminalOutput);
    const note = (line: string): void => this.note(line);
    const interrupts = onInterrupt(args.run, note, false);
    try {
      const followed = await follow({
        target: await this.target({ ...flags, timeout: undefined }),
        question: { runId: args.run },
        waitMs: flags.timeout === undefined ? undefined : flags.timeout * 1_000,
        note,
        left: interrupts.left,
        ...(live ? { onEvent: view.handle } : {}),
      });
      const answer = answerOf(followed, undefined);
      if (live) view.finish(textOf(answer));
      else this.log(printable(textOf(answer)));
      return answer;
    } finally {
      if (live) view.breakLine();
      interrupts.dispose();
    }
  }
}
