/**
 * Joins deltas that come in quick succession. Every frame bears the whole text so far, so sending each token would cost
 * the square of the answer's length, to every client.
 * Invariants: order within a run is kept; a first delta after a pause goes out at once; nothing is held past `windowMs`.
 */
import type { RunEvent } from '../core/events.js';

/** Below what an eye sees as a step. */
const WINDOW_MS = 40;
/** Runs whose last time is remembered; forgetting one only sends its next delta at once. */
const MAX_RUNS = 1_000;

export interface Coalescer {
  push(event: RunEvent): void;
  /** Sends what is held of a run, before something else is said of it. */
  flush(run: string): void;
  close(): void;
}

type Delta = Extract<RunEvent, { readonly delta: string }>;

export function createCoalescer(send: (event: RunEvent) => void, windowMs = WINDOW_MS): Coalescer {
  const held = new Map<string, { event: Delta; readonly timer: NodeJS.Timeout }>();
  const sentAt = new Map<string, number>();

  return {
    push(event) {
      if (!isDelta(event)) {
        flush(event.run);
        return send(event);
      }
      const before = held.get(event.run);
      if (before && sameStream(before.event, event)) {
        before.event = { ...before.event, delta: before.event.delta + event.delta };
        return;
      }
      flush(event.run);
      const wait = (sentAt.get(event.run) ?? 0) + windowMs - Date.now();
      if (wait <= 0) return deliver(event);
      const timer = setTimeout(() => flush(event.run), wait);
      timer.unref();
      held.set(event.run, { event, timer });
    },
    flush,
    close() {
      for (const { timer } of held.values()) clearTimeout(timer);
      held.clear();
      sentAt.clear();
    },
  };

  function flush(run: string): void {
    const entry = held.get(run);
    if (!entry) return;
    clearTimeout(entry.timer);
    held.delete(run);
    deliver(entry.event);
  }

  function deliver(event: Delta): void {
    sentAt.delete(event.run);
    sentAt.set(event.run, Date.now());
    if (sentAt.size > MAX_RUNS) sentAt.delete(sentAt.keys().next().value!);
    send(event);
  }
}

const isDelta = (event: RunEvent): event is Delta => event.type === 'text' || event.type === 'thinking' || event.type === 'tool-output';

const sameStream = (a: Delta, b: Delta): boolean =>
  a.type === b.type && a.step === b.step && a.attempt === b.attempt && (a.type !== 'tool-output' || b.type !== 'tool-output' || a.index === b.index);
