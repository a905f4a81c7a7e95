/**
 * A run as it happens, on a terminal: text as it is written, tool calls as dim lines.
 * Invariant: whatever was lost, replayed or started over on the way, the final answer stands on the screen once, whole.
 */
import { oneLine, paint, printable } from './terminal.js';
import { toolLine } from './tool-line.js';

export interface AgentView {
  /** Payload of an `agent` event of this run. */
  handle(payload: AgentEventPayload): void;
  /** The answer as the run's row has it. */
  finish(text: string): void;
  /** Ends an unfinished line before something else is written. */
  breakLine(): void;
}

export interface AgentEventPayload {
  readonly runId?: string;
  readonly stream?: string;
  readonly data?: Readonly<Record<string, unknown>>;
}

export interface ViewOutput {
  /** Text of the answer. */
  readonly text: (text: string) => void;
  /** A whole line beside the answer. */
  readonly aside: (line: string) => void;
}

export function createAgentView(output: ViewOutput): AgentView {
  /** Which message is being written, and what of it is on the screen. */
  let item: unknown;
  let shown = '';
  let lineOpen = false;

  const write = (text: string): void => {
    if (text === '') return;
    output.text(printable(text));
    lineOpen = !text.endsWith('\n');
  };
  const breakLine = (): void => {
    if (lineOpen) write('\n');
  };
  const aside = (line: string): void => {
    breakLine();
    output.aside(oneLine(line, 160));
  };

  /** Brings the screen from `shown` to `text`. */
  const show = (text: string): void => {
    if (text.startsWith(shown)) write(text.slice(shown.length));
    else {
      breakLine();
      write(text);
    }
    shown = text;
  };

  return {
    breakLine,
    handle({ stream, data = {} }) {
      if (stream === 'assistant' && typeof data['text'] === 'string') {
        if (data['itemId'] !== item) {
          breakLine();
          item = data['itemId'];
          shown = '';
        }
        show(data['text']);
      } else if (stream === 'tool' && data['phase'] === 'start') {
        aside(`· ${toolLine(String(data['name']), data['args'] as Readonly<Record<string, unknown>> | undefined)}`);
      } else if (stream === 'tool' && data['phase'] === 'result' && data['isError'] === true) {
        aside(`  ${String(data['name'])} failed: ${firstText(data['result'])}`);
      } else if (stream === 'lifecycle' && data['phase'] === 'fallback') {
        aside(`· ${String(data['from'])} failed (${String(data['reason'])}), trying ${String(data['to'])}`);
      }
    },
    finish(text) {
      if (text !== '') show(text);
      breakLine();
    },
  };
}

function firstText(result: unknown): string {
  const content = (result as { readonly content?: readonly { readonly text?: unknown }[] } | undefined)?.content;
  const text = content?.find((part) => typeof part.text === 'string')?.text;
  return typeof text === 'string' ? text : 'no reason given';
}

export const terminalOutput: ViewOutput = {
  text: (text) => void process.stdout.write(text),
  aside: (line) => void process.stderr.write(`${paint('dim', line, process.stderr)}\n`),
};
