/**
 * Turns a page into readable Markdown, in a worker thread with limits.
 *
 * Invariant: no page can hold up the process that asked: the thread has a deadline and a memory limit, and is gone afterwards.
 */
import { existsSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { CodedError } from '../../../core/errors.js';
import type { ReadableInput, ReadableOutput } from './readable-worker.js';

/** Half a megabyte takes about a third of a second; longer than this is no page for reading. */
const DEADLINE_MS = 20_000;
const MEMORY_MB = 512;

export async function toReadable(input: ReadableInput, signal: AbortSignal): Promise<ReadableOutput> {
  const compiled = new URL('./readable-worker.js', import.meta.url);
  const script = existsSync(compiled) ? compiled : new URL('./readable-worker.ts', import.meta.url);
  const worker = new Worker(script, { workerData: input, resourceLimits: { maxOldGenerationSizeMb: MEMORY_MB } });
  try {
    return await new Promise<ReadableOutput>((resolve, reject) => {
      const unreadable = (why: string): void => reject(new CodedError('PAGE_UNREADABLE', `The page could not be turned into text: ${why}.`));
      worker.once('message', resolve);
      worker.once('error', (error) => unreadable(error instanceof Error ? error.message : String(error)));
      worker.once('exit', () => unreadable('the parser ended'));
      setTimeout(() => unreadable(`it took longer than ${DEADLINE_MS / 1000} s`), DEADLINE_MS).unref();
      signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
    });
  } finally {
    await worker.terminate();
  }
}
