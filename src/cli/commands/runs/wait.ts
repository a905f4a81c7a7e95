import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { createAgentView, terminalOutput } from '../../lib/agent-view.js';
import { onInterrupt } from '../../lib/interrupt.js';
import { answerOf, textOf } from '../../lib/outcome.js';
import { RpcCommand } from '../../lib/rpc-command.js';
import { hasPerson, stay } from '../../lib/stay.js';
import { printable } from '../../lib/terminal.js';
import { tellWaiting, type Waiting } from '../../lib/waiting.js';
import type { AgentAnswer } from '../../lib/wire.js';

export default class RunsWaitCommand extends RpcCommand {
  static override summary = 'Wait for a run and print its answer; at once when it has ended.';
  static override description = 'A run that waits for an approval or a budget is asked about at the terminal, or left to itself with exit code 3, as by "agent".';
  static override examples = ['<%= config.bin %> runs wait 8f14e45f-ceea-4672-9a1b-0d2f3a6b7c8d'];
  static override args = { run: Args.string({ description: 'Its run id.', required: true }) };
  static override flags = {
    timeout: Flags.integer({ description: 'Seconds to wait; the run goes on without you.', min: 1, helpValue: '<seconds>' }),
  };

  async run(): Promise<AgentAnswer | Waiting> {
    const { args, flags } = await this.parse(RunsWaitCommand);
    const live = process.stdout.isTTY && !this.jsonEnabled();
    const view = createAgentView(terminalOutput);
    const note = (line: string): void => {
      if (live) view.breakLine();
      this.note(line);
    };
    const say = (text: string): void => {
      if (live) view.breakLine();
      process.stderr.write(`${text}\n`);
    };
    const interrupts = onInterrupt(args.run, note, false);
    try {
      const followed = await stay({
        target: await this.target({ ...flags, timeout: undefined }),
        question: { runId: args.run },
        waitMs: flags.timeout === undefined ? undefined : flags.timeout * 1_000,
        note,
        say,
        left: interrupts.left,
        person: hasPerson(this.jsonEnabled()),
        ...(live ? { onEvent: view.handle } : {}),
      });
      if (followed.kind === 'waiting') {
        if (live) view.breakLine();
        return tellWaiting(followed.waiting, this.jsonEnabled());
      }
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
