/**
 * Reads requests like `run: ls` out of a message. Pure.
 * Invariant: the same text always gives the same plan, so every attempt of a step makes the same calls.
 */

interface PlannedCall {
  readonly tool: 'exec' | 'read' | 'write';
  readonly args: Readonly<Record<string, unknown>>;
}

export interface Plan {
  /** Each is one batch of calls. */
  readonly steps: readonly (readonly PlannedCall[])[];
  /** What to say in the end instead of the outputs. */
  readonly closing?: string;
  readonly kind: Directive;
}

type Directive = 'run' | 'read' | 'remember' | 'chain' | 'parallel' | 'slow';

/** Calls of one request: far below the loop's step limit, so that the last word is always said. */
const MAX_CALLS = 50;
/** Longest `slow:`, in seconds: below the shell tool's own time limit. */
const MAX_SLEEP = 1_500;
const NOTES = 'memory/notes.md';

/** At a line's start; in groups the speaker's name stands before it, and a time in brackets may too. */
const DIRECTIVE = /^(?:\[[^\]\n]*\]\s*)?(?:[^:\n]{1,60}:\s+)??(run|read|remember|chain|parallel|slow):[ \t]*(\S.*)$/im;

/** @returns undefined when the text asks for nothing this provider can do */
export function planOf(text: string): Plan | undefined {
  const found = DIRECTIVE.exec(text);
  if (!found) return undefined;
  const kind = found[1]!.toLowerCase() as Directive;
  const rest = found[2]!.trim();
  switch (kind) {
    case 'run':
      return { kind, steps: [[exec(rest)]] };
    case 'read':
      return { kind, steps: [[{ tool: 'read', args: { path: rest } }]] };
    case 'remember':
      return { kind, steps: [[{ tool: 'write', args: { path: NOTES, content: `- ${rest}\n`, append: true } }]], closing: `Remembered in ${NOTES}: ${rest}` };
    case 'slow': {
      const [, seconds, said] = /^(\d+(?:\.\d+)?)\s*(?:s\b)?\s*(.*)$/.exec(rest) ?? [];
      if (seconds === undefined) return undefined;
      const wait = Math.min(Number(seconds), MAX_SLEEP);
      return { kind, steps: [[exec(`sleep ${wait}`)]], closing: said || `Done after ${wait} s.` };
    }
    case 'chain':
    case 'parallel': {
      const [, count, command] = /^(\d+)\s+(\S.*)$/.exec(rest) ?? [];
      if (count === undefined || command === undefined || Number(count) < 1) return undefined;
      const total = Math.min(Number(count), MAX_CALLS);
      // `{i}` is the call's number, so that a test can tell the calls apart.
      const calls = Array.from({ length: total }, (_, i) => exec(command.replaceAll('{i}', String(i + 1))));
      return { kind, steps: kind === 'chain' ? calls.map((call) => [call]) : [calls] };
    }
  }
}

const exec = (command: string): PlannedCall => ({ tool: 'exec', args: { command } });
