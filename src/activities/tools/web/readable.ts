/**
 * Turns a page into readable Markdown, in a worker thread with limits.
 *
 * Invariant: no page can hold up the process that asked (`thread.ts`).
 */
import { CodedError } from '../../../core/errors.js';
import { inThread } from '../../thread.js';
import type { ReadableInput, ReadableOutput } from './readable-worker.js';

/** Half a megabyte takes about a third of a second; longer than this is no page for reading. */
const DEADLINE_MS = 20_000;
const MEMORY_MB = 512;

export const toReadable = (input: ReadableInput, signal: AbortSignal): Promise<ReadableOutput> =>
  inThread<ReadableOutput>(new URL('./readable-worker.js', import.meta.url), input, {
    deadlineMs: DEADLINE_MS, memoryMb: MEMORY_MB, signal, fail: (why) => new CodedError('PAGE_UNREADABLE', `The page could not be turned into text: ${why}.`),
  });
