import * as Flags from '@oclif/core/flags';
import { onInterrupt } from '../../lib/interrupt.js';
import { answerOf, textOf } from '../../lib/outcome.js';
import { RpcCommand } from '../../lib/rpc-command.js';
import { createScreen } from '../../lib/screen.js';
import { hasPerson, stay } from '../../lib/stay.js';
import { runArg } from '../../lib/text-arg.js';
import { tellWaiting, type Waiting } from '../../lib/waiting.js';
import type { AgentAnswer } from '../../lib/wire.js';

export default class RunsWaitCommand extends RpcCommand {
  static override summary = 'Wait for a run and print its answer; at once when it has ended.';
  static override description = 'A run that waits for an approval or a budget is asked about at the terminal, or left to itself with exit code 3, as by "agent".';
  static override examples = ['<%= config.bin %> runs wait 8f14e45f-ceea-4672-9a1b-0d2f3a6b7c8d'];
  static override args = { run: runArg() };
  static override flags = {
    timeout: Flags.integer({ description: 'Seconds to wait; the run goes on without you.', min: 1, helpValue: '<seconds>' }),
  };

  async run(): Promise<AgentAnswer | Waiting> {
    const { args, flags } = await this.parse(RunsWaitCommand);
    const screen = createScreen({ json: this.jsonEnabled(), note: (line) => this.note(line), log: (text) => this.log(text) });
    const interrupts = onInterrupt(args.run, screen.note, false);
    try {
      const followed = await stay({
        target: await this.target({ ...flags, timeout: undefined }),
        question: { runId: args.run },
        waitMs: flags.timeout === undefined ? undefined : flags.timeout * 1_000,
        ...screen,
        left: interrupts.left,
        person: hasPerson(this.jsonEnabled()),
      });
      if (followed.kind === 'waiting') {
        screen.breakLine();
        return tellWaiting(followed.waiting, this.jsonEnabled());
      }
      const answer = answerOf(followed, undefined);
      screen.finish(textOf(answer));
      return answer;
    } finally {
      screen.breakLine();
      interrupts.dispose();
    }
  }
}
