/**
 * Where a command that stays with a run writes: the answer as it comes when standard output is a terminal, whole at the end
 * when it is not, words beside it on standard error.
 */
import { createAgentView, terminalOutput, type AgentEventPayload } from './agent-view.js';
import { printable } from './terminal.js';

export interface Screen {
  /** Takes the run's events, on a terminal. */
  readonly onEvent?: (payload: AgentEventPayload) => void;
  /** A line of ours beside the answer. */
  note(line: string): void;
  /** Text as it is, beside the answer. */
  say(text: string): void;
  /** The whole answer. */
  finish(text: string): void;
  /** Ends an unfinished line. */
  breakLine(): void;
}

/** @param write the command's own ways out, which keep its conventions under `--json` */
export function createScreen(write: { readonly json: boolean; readonly note: (line: string) => void; readonly log: (text: string) => void }): Screen {
  const view = process.stdout.isTTY && !write.json ? createAgentView(terminalOutput) : undefined;
  const breakLine = (): void => view?.breakLine();
  return {
    ...(view ? { onEvent: view.handle } : {}),
    breakLine,
    note(line) {
      breakLine();
      write.note(line);
    },
    say(text) {
      breakLine();
      process.stderr.write(`${text}\n`);
    },
    finish(text) {
      if (view) view.finish(text);
      else write.log(printable(text));
    },
  };
}
