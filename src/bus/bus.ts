/**
 * The event bus inside one process.
 * Invariants: a listener that throws hurts neither the publisher nor its neighbours, and a publish never waits; what a
 * replaced attempt still says reaches nobody (see fence.ts).
 */
import type { RunEvent } from '../core/events.js';
import type { RunEvents } from '../core/ports.js';
import { createFence } from './fence.js';

export interface BusOptions {
  /** Hears of a listener's error; the bus itself goes on. */
  readonly onError?: (error: unknown) => void;
}

export function createBus(options: BusOptions = {}): RunEvents {
  const fence = createFence();
  const listeners = new Set<(event: RunEvent) => void>();
  return {
    publish(event) {
      if (!fence.passes(event)) return;
      // A copy: listeners may come and go while they are called.
      for (const listener of [...listeners]) {
        try {
          listener(event);
        } catch (error) {
          report(error);
        }
      }
    },
    subscribe(listener) {
      // Wrapped, so that the same function given twice is two subscriptions.
      const own = (event: RunEvent): void => listener(event);
      listeners.add(own);
      return () => void listeners.delete(own);
    },
  };

  function report(error: unknown): void {
    try {
      options.onError?.(error);
    } catch {
      // The reporter is the last resort; nothing is left to tell.
    }
  }
}
