import * as Flags from '@oclif/core/flags';
import { QUEUE_MODES } from '../../core/queue.js';
import { THINKING_LEVELS } from '../../core/model.js';
import { questionOf } from '../lib/ask.js';
import { onInterrupt } from '../lib/interrupt.js';
import { answerOf, asRunFailure, textOf } from '../lib/outcome.js';
import { RpcCommand } from '../lib/rpc-command.js';
import { createScreen } from '../lib/screen.js';
import { hasPerson, stay } from '../lib/stay.js';
import { filled, textFlag } from '../lib/text-arg.js';
import { tellWaiting, type Waiting } from '../lib/waiting.js';
import type { AgentAnswer } from '../lib/wire.js';

export default class AgentCommand extends RpcCommand {
  static override summary = 'Send the agent a message and print its answer.';
  static override description =
    'Ctrl-C leaves the run to itself and says how to come back; a second Ctrl-C stops it. Restarts of the gateway are waited out.\n\nWhat the run asks is asked at the terminal: a allows once, A always, d denies, l leaves it open. Without a terminal, or with --json, a run that waits for an approval or a budget is left to itself after --timeout, without one after a minute: status "waiting_approval" or "waiting_budget", exit code 3. "runs wait" gets the answer later.\n\nExit codes: 0 answered, 1 failed, 2 used wrongly, 3 out of time or waiting for a person.';
  static override examples = ['<%= config.bin %> agent -m "what is in my workspace?"', 'git diff | <%= config.bin %> agent -m -', '<%= config.bin %> agent -m "look" --attach photo.jpg --json'];
  static override flags = {
    message: Flags.string({ char: 'm', description: 'The message; - reads it from standard input.', helpValue: '<text>' }),
    session: Flags.string({ description: 'Session to speak in.', default: 'main', helpValue: '<key>', parse: filled('--session', 'Leave it out to speak in the main one; see those there are: openclaw sessions list') }),
    timeout: Flags.integer({ description: 'Seconds to wait for the answer; the run goes on without you.', min: 1, helpValue: '<seconds>' }),
    model: textFlag('model', 'Leave it out to use the default model; see which there are: openclaw models list', { description: 'Model for this run.', helpValue: '<provider/model>' }),
    thinking: Flags.string({ description: 'How much the model thinks first.', options: [...THINKING_LEVELS] }),
    queue: Flags.string({ description: 'What the message does while a run is going on.', options: [...QUEUE_MODES] }),
    attach: Flags.string({ description: 'A file to send along.', multiple: true, multipleNonGreedy: true, helpValue: '<file>' }),
    'run-id': textFlag('run-id', 'Leave it out to get a new one.', { description: 'Run id to use. The same id and message again give the same answer.', helpValue: '<id>' }),
  };

  async run(): Promise<AgentAnswer | Waiting> {
    const { flags } = await this.parse(AgentCommand);
    const question = await questionOf(flags, process.stdin);
    const screen = createScreen({ json: this.jsonEnabled(), note: (line) => this.note(line), log: (text) => this.log(text) });
    const interrupts = onInterrupt(question.runId, screen.note, true);
    try {
      const followed = await stay({
        target: await this.target({ ...flags, timeout: undefined }),
        question,
        waitMs: flags.timeout === undefined ? undefined : flags.timeout * 1_000,
        ...screen,
        left: interrupts.left,
        // Standard input that was the message has no keys left to read.
        person: hasPerson(this.jsonEnabled()) && flags.message !== '-',
      });
      if (followed.kind === 'waiting') {
        screen.breakLine();
        return tellWaiting(followed.waiting, this.jsonEnabled());
      }
      const answer = answerOf(followed, flags.session);
      screen.finish(textOf(answer));
      return answer;
    } catch (error) {
      screen.breakLine();
      throw asRunFailure(error, question.runId);
    } finally {
      interrupts.dispose();
    }
  }
}
