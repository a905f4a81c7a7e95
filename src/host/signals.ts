/** Signals that end the process: the first one drains, the second one leaves at once. */

const ENDING = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;

/**
 * Ctrl-C under `npm start` arrives twice: from the terminal, which signals the whole process group, and from npm, which
 * passes it on. The same signal this soon is an echo and no second wish.
 */
const ECHO_MS = 1_000;

/** Resolves with the first ending signal; from then on a second one exits with its usual code. */
export function untilSignal(from: Pick<NodeJS.Process, 'on' | 'exit'> = process, now: () => number = () => performance.now()): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    let first: { readonly signal: NodeJS.Signals; readonly at: number } | undefined;
    for (const signal of ENDING) {
      from.on(signal, () => {
        if (!first) {
          first = { signal, at: now() };
          resolve(signal);
        } else if (signal !== first.signal || now() - first.at >= ECHO_MS) {
          from.exit(signal === 'SIGINT' ? 130 : 143);
        }
      });
    }
  });
}
