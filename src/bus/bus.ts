/**
 * The event bus inside one process.
 * Invariant: a listener that throws hurts neither the publisher nor its neighbours, and a publish never waits.
 */
import type { RunEvent } from '../core/events.js';
import type { RunEvents } from '../core/ports.js';

export interface BusOptions {
  /** Hears of a listener's error; the bus itself goes on. */
  readonly onError?: (error: unknown) => void;
}

export function createBus(options: BusOptions = {}): RunEvents {
  const listeners = new Set<(event: RunEvent) => void>();
  return {
    publish(event) {
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
