/**
 * Runs a program in our place: same terminal, same signals, same exit code.
 *
 * Invariant: the program gets each signal once. Ctrl-C in a terminal reaches every process of the foreground group (and
 * npm passes it on besides), so it is not forwarded there; a second one would mean "at once".
 */
import { spawn } from 'node:child_process';
import { constants } from 'node:os';

/** npm passes a signal on that the whole process group got anyway: the same one again this soon is not a second wish. */
const ECHO_MS = 500;

/** Resolves with the exit code; 128 + n when signal n ended the program. */
export function forward(command, args, options = {}) {
  const child = spawn(command, args, { stdio: 'inherit', ...options });
  const fromTerminal = Boolean(process.stdin.isTTY);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT']) {
    let last = -ECHO_MS;
    process.on(signal, () => {
      const isEcho = performance.now() - last < ECHO_MS;
      last = performance.now();
      const reachesAll = fromTerminal && (signal === 'SIGINT' || signal === 'SIGQUIT');
      if (!isEcho && !reachesAll) child.kill(signal);
    });
  }
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => resolve(code ?? 128 + constants.signals[signal]));
  });
}
