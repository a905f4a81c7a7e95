/**
 * What the bot asked for, call by call, and what was wrong with it.
 *
 * Invariant: every request with the right token is written down before anything is done for it, so that a call whose
 * answer was lost is seen all the same.
 */
import type { Params } from './schema.js';

export interface Call {
  /** Unix milliseconds. */
  readonly at: number;
  /** As the documentation spells it; an unknown one as it came. */
  readonly method: string;
  readonly params: Params;
  readonly files: readonly { readonly part: string; readonly name: string; readonly size: number }[];
  /** `open` while nothing was answered; `cut` when the connection was dropped on purpose; `gone` when the client hung up. */
  readonly outcome: 'open' | 'ok' | 'refused' | 'cut' | 'gone';
  /** Whether it took effect: the truth behind an answer that never came. */
  readonly effect: boolean;
  readonly status?: number;
  readonly description?: string;
  readonly result?: unknown;
}

export interface Violation {
  readonly at: number;
  readonly method: string;
  readonly what: string;
}

export type OpenCall = { -readonly [K in keyof Call]: Call[K] };

export interface CallLog {
  readonly calls: OpenCall[];
  readonly violations: Violation[];
  open(method: string, params: Params, files: Call['files']): OpenCall;
  violation(method: string, what: string): void;
}

export function createCallLog(): CallLog {
  const calls: OpenCall[] = [];
  const violations: Violation[] = [];
  return {
    calls,
    violations,
    open(method, params, files) {
      const call: OpenCall = { at: Date.now(), method, params, files, outcome: 'open', effect: false };
      calls.push(call);
      return call;
    },
    violation: (method, what) => void violations.push({ at: Date.now(), method, what }),
  };
}
