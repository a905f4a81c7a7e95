/**
 * Faults on purpose: rate limits, server errors, dropped connections, silence. Each names the calls it strikes and how
 * often, before or after the call took effect; "after" is the window in which a bot cannot know whether it was heard.
 *
 * Invariant: a fault strikes exactly as often as asked, in the order in which the faults were set, and tells when it did.
 */
import type { Call, OpenCall } from './calls.js';
import { Refusal, tooMany } from './refusal.js';

export type When = 'before' | 'after';

/** Which calls: a method, everything in a chat, or both together. */
export type Target = string | { readonly id: number } | { readonly method?: string; readonly chat?: { readonly id: number } };

export interface Fault {
  /** The first call it struck. */
  readonly met: Promise<Call>;
  readonly hits: number;
  /** Ends it; what it holds goes on as if nothing had been. */
  lift(): void;
}

export type Blow = { readonly how: 'refuse'; readonly when: When; readonly refusal: Refusal } | { readonly how: 'cut'; readonly when: When } | { readonly how: 'hold'; readonly when: When; readonly until: Promise<void> };

export interface Faults {
  limit(target: Target, options: { readonly retryAfter: number; readonly times?: number }): Fault;
  fail(target: Target, options?: { readonly status?: number; readonly description?: string; readonly times?: number; readonly when?: When }): Fault;
  cut(when: When, target: Target, options?: { readonly times?: number }): Fault;
  hang(target?: Target, options?: { readonly when?: When; readonly times?: number }): Fault;
}

interface Rule {
  readonly matches: (call: Call) => boolean;
  readonly blow: Blow;
  left: number;
  hits: number;
  readonly met: PromiseWithResolvers<Call>;
}

/** A client needs a moment to hear of a limit: calls already on their way are not held against it. */
const HEARING_MS = 250;
/** Timers of Node may fire this much early. */
const EARLY_MS = 25;

export function createFaults(violation: (method: string, what: string) => void): Faults & { strike(call: OpenCall): Blow | undefined } {
  const rules: Rule[] = [];
  const told: { readonly matches: (call: Call) => boolean; readonly at: number; readonly until: number }[] = [];

  const add = (target: Target | undefined, blow: Blow, times: number, lifted?: () => void): Fault => {
    const rule: Rule = { matches: matcher(target), blow, left: times, hits: 0, met: Promise.withResolvers() };
    rules.push(rule);
    return {
      met: rule.met.promise,
      get hits() {
        return rule.hits;
      },
      lift() {
        rule.left = 0;
        lifted?.();
      },
    };
  };

  return {
    limit: (target, { retryAfter, times = 1 }) => add(target, { how: 'refuse', when: 'before', refusal: tooMany(retryAfter) }, times),
    fail: (target, { status = 500, description, times = 1, when = 'before' } = {}) => add(target, { how: 'refuse', when, refusal: new Refusal(status, description ?? wordsOf(status)) }, times),
    cut: (when, target, { times = 1 } = {}) => add(target, { how: 'cut', when }, times),
    hang(target, { when = 'before', times = Infinity } = {}) {
      const gate = Promise.withResolvers<void>();
      return add(target, { how: 'hold', when, until: gate.promise }, times, gate.resolve);
    },
    strike(call) {
      for (const limit of told) {
        if (limit.matches(call) && call.at > limit.at + HEARING_MS && call.at < limit.until - EARLY_MS) violation(call.method, `called ${limit.until - call.at} ms before the time it was told to wait for`);
      }
      const rule = rules.find((one) => one.left > 0 && one.matches(call));
      if (rule === undefined) return undefined;
      rule.left -= 1;
      rule.hits += 1;
      rule.met.resolve(call);
      const wait = rule.blow.how === 'refuse' ? rule.blow.refusal.parameters?.retry_after : undefined;
      if (wait !== undefined) told.push({ matches: rule.matches, at: call.at, until: call.at + wait * 1000 });
      return rule.blow;
    },
  };
}

function matcher(target: Target | undefined): (call: Call) => boolean {
  if (target === undefined) return () => true;
  const { method, chat } = typeof target === 'string' ? { method: target, chat: undefined } : 'id' in target ? { method: undefined, chat: target } : target;
  return (call) => (method === undefined || call.method.toLowerCase() === method.toLowerCase()) && (chat === undefined || String(call.params.chat_id) === String(chat.id));
}

function wordsOf(status: number): string {
  const words: Readonly<Record<number, string>> = { 401: 'Unauthorized', 404: 'Not Found', 409: 'Conflict: terminated by other getUpdates request; make sure that only one bot instance is running', 500: 'Internal Server Error', 502: 'Bad Gateway', 503: 'Service Unavailable', 504: 'Gateway Timeout' };
  return words[status] ?? `Error ${status}`;
}
