/**
 * What a process opened, closed again in the opposite order.
 * Invariant: one thing that fails or hangs while it closes neither keeps the others open nor the process alive, and never
 * hides the reason why the process ends.
 */
import { messageOf } from '../core/errors.js';

export interface Closing {
  /** Called as soon as a thing is open, or before it is when its opening can be cut short. */
  readonly opened: (name: string, close: () => unknown) => void;
  /** Closes everything once. @param onProblem hears of what did not close */
  readonly close: (limitMs: number, onProblem: (problem: string) => void) => Promise<void>;
}

export function createClosing(): Closing {
  const open: { readonly name: string; readonly close: () => unknown }[] = [];
  return {
    opened: (name, close) => void open.push({ name, close }),
    async close(limitMs, onProblem) {
      const late = Promise.withResolvers<void>();
      let current = '';
      const timer = setTimeout(() => {
        onProblem(`${current}: still open after ${limitMs / 1_000} s`);
        late.resolve();
      }, limitMs);
      const all = async (): Promise<void> => {
        for (let next = open.pop(); next; next = open.pop()) {
          current = next.name;
          try {
            await next.close();
          } catch (error) {
            onProblem(`${current}: ${messageOf(error)}`);
          }
        }
      };
      await Promise.race([all(), late.promise]);
      clearTimeout(timer);
    },
  };
}
