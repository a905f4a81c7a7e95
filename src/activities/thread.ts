/**
 * One piece of work on foreign content in a thread of its own.
 * Invariant: no content can hold up or bring down the process that asked: the thread has a deadline and a memory limit,
 * counted with its buffers, and is gone afterwards.
 */
import { existsSync } from 'node:fs';
import { Worker, type Transferable } from 'node:worker_threads';

export interface ThreadLimits {
  readonly deadlineMs: number;
  /** Megabytes of objects and buffers. */
  readonly memoryMb: number;
}

/** Inflating fills some ten megabytes in this time. */
const WATCH_MS = 50;

/**
 * @param script the thread's file, as it is called when built; it answers with one message
 * @param fail makes the error of an end without an answer; `why` is a part of a sentence
 * @throws the abort reason when `signal` fired
 */
export async function inThread<Answer>(
  script: URL,
  input: unknown,
  options: ThreadLimits & { readonly signal: AbortSignal; readonly transfer?: readonly Transferable[]; readonly fail: (why: string) => Error },
): Promise<Answer> {
  const { deadlineMs, memoryMb, signal, fail } = options;
  signal.throwIfAborted();
  const worker = new Worker(existsSync(script) ? script : new URL(script.href.replace(/\.js$/, '.ts')), {
    workerData: input,
    transferList: [...(options.transfer ?? [])],
    resourceLimits: { maxOldGenerationSizeMb: memoryMb },
  });
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const ended = (why: string): void => reject(fail(why));
  const tooMuch = (): void => ended(`it needs more than ${memoryMb} MB of memory`);
  const onAbort = (): void => reject(signal.reason as Error);
  worker.once('message', resolve);
  worker.once('error', (error) => ((error as NodeJS.ErrnoException).code === 'ERR_WORKER_OUT_OF_MEMORY' ? tooMuch() : ended(error instanceof Error ? error.message : String(error))));
  worker.once('exit', () => ended('the parser ended'));
  signal.addEventListener('abort', onAbort, { once: true });
  const deadline = setTimeout(() => ended(`it took longer than ${deadlineMs / 1000} s`), deadlineMs);
  // The engine's own limit does not count buffers, and those are what a small file can inflate to.
  const watch = setInterval(() => {
    worker.getHeapStatistics().then((heap) => heap.used_heap_size + heap.external_memory > memoryMb * 1024 ** 2 && tooMuch(), () => undefined);
  }, WATCH_MS);
  try {
    return await promise;
  } finally {
    clearTimeout(deadline);
    clearInterval(watch);
    signal.removeEventListener('abort', onAbort);
    await worker.terminate();
  }
}
