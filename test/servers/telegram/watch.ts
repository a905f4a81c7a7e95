/**
 * Waiting without sleeping: who waits names what he looks for, and is asked again after every change.
 *
 * Invariant: nothing is missed between two looks, because a change asks every waiter before it returns; who waits in
 * vain is told what he waited for instead of letting the test run into its time limit.
 */
export interface Watch {
  /** Resolves as soon as `look` finds something (anything but undefined and false). */
  until<T>(look: () => T | undefined | false, what: string | (() => string), timeoutMs?: number): Promise<T>;
  changed(): void;
}

/** Long for a busy machine, short of vitest's own limit, whose message says less. */
const PATIENCE_MS = 20_000;

export function createWatch(): Watch {
  const waiting = new Set<() => boolean>();
  return {
    async until<T>(look: () => T | undefined | false, what: string | (() => string), timeoutMs = PATIENCE_MS): Promise<T> {
      const first = look();
      if (first !== undefined && first !== false) return first;
      const { promise, resolve, reject } = Promise.withResolvers<T>();
      const timer = setTimeout(() => {
        waiting.delete(again);
        reject(new Error(`Telegram stand-in: waited ${timeoutMs} ms in vain for ${typeof what === 'string' ? what : what()}`));
      }, timeoutMs);
      const again = (): boolean => {
        const found = look();
        if (found === undefined || found === false) return false;
        clearTimeout(timer);
        resolve(found);
        return true;
      };
      waiting.add(again);
      return promise;
    },
    changed() {
      for (const again of [...waiting]) if (again()) waiting.delete(again);
    },
  };
}
