/** Signals that end the process: the first one drains, the second one leaves at once. */

const ENDING = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;

/** Resolves with the first ending signal; from then on a second one exits with its usual code. */
export function untilSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    let first = true;
    for (const signal of ENDING) {
      process.on(signal, () => {
        if (!first) process.exit(signal === 'SIGINT' ? 130 : 143);
        first = false;
        resolve(signal);
      });
    }
  });
}
