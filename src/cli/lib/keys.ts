/**
 * One key from the terminal, without Enter.
 * Invariants: the terminal is raw only while a key is awaited, however that ends; what was typed before the question
 * stood on the screen, and what was pasted, answers nothing; Ctrl-C does what it always does.
 */
import type { ReadStream } from 'node:tty';

/** What was typed ahead arrives at once when the terminal turns raw; a person needs longer to read a command. */
const SETTLE_MS = 300;

const CTRL_C = '\u0003';

export interface KeyOptions {
  readonly stdin: ReadStream;
  readonly keys: string;
  /** Called when a key counts from now on. */
  readonly onReady: () => void;
  /** Called once, when something is typed that is none of the keys. */
  readonly onIgnored: () => void;
  readonly signal: AbortSignal;
}

/** @returns undefined when the signal fires or the terminal goes away first */
export async function readKey({ stdin, keys, onReady, onIgnored, signal }: KeyOptions): Promise<string | undefined> {
  if (signal.aborted) return undefined;
  const { promise, resolve } = Promise.withResolvers<string | undefined>();
  let ready = false;
  let ignored = false;
  const onData = (data: Buffer | string): void => {
    const text = data.toString();
    // A raw terminal sends the character in place of the signal.
    if (text.includes(CTRL_C)) process.kill(process.pid, 'SIGINT');
    else if (!ready) return;
    else if (text.length === 1 && keys.includes(text)) resolve(text);
    else if (!ignored) {
      ignored = true;
      onIgnored();
    }
  };
  const nothing = (): void => resolve(undefined);
  signal.addEventListener('abort', nothing, { once: true });
  stdin.on('data', onData).once('end', nothing).once('error', nothing);
  const settled = setTimeout(() => {
    ready = true;
    onReady();
  }, SETTLE_MS);
  try {
    stdin.setRawMode(true);
    stdin.resume();
    return await promise;
  } finally {
    clearTimeout(settled);
    stdin.setRawMode(false);
    stdin.pause();
    stdin.off('data', onData).off('end', nothing).off('error', nothing);
    signal.removeEventListener('abort', nothing);
  }
}
