/**
 * Text of a PDF, page by page.
 * Invariant: whatever the file holds, the answer comes within the deadline, says which pages it is, and says clearly
 * when there is no text; only a few are read at a time.
 */
import { CodedError } from '../../core/errors.js';
import { inThread, type ThreadLimits } from '../thread.js';
import type { PdfOutput, PdfPage } from './pdf-worker.js';

export interface PdfPages {
  readonly total: number;
  /** From 1. */
  readonly first: number;
  readonly pages: readonly PdfPage[];
}

export interface PdfQuery {
  readonly first: number;
  readonly count: number;
  /** No further page is begun past this many characters. */
  readonly chars: number;
}

/** @throws CodedError PDF_UNREADABLE; the abort reason when `signal` fired */
export type PdfReader = (bytes: Uint8Array, query: PdfQuery, signal: AbortSignal) => Promise<PdfPages>;

/** A page takes some ten milliseconds; a file that takes this long was made to. */
const LIMITS_OF_THREAD: ThreadLimits = { deadlineMs: 20_000, memoryMb: 512 };
/** Characters of one page: a broadsheet has about 30,000. */
const PAGE_CHARS = 40_000;
/** A batch may hold many calls, and each thread may take all its memory. */
const AT_ONCE = 2;

export function createPdfReader(limits: ThreadLimits = LIMITS_OF_THREAD): PdfReader {
  const takeTurn = turns(AT_ONCE);
  return async (given, query, signal) => {
    const output = await takeTurn(() => {
      // A copy: it is handed over to the thread, and the caller keeps its own.
      const bytes = new Uint8Array(given);
      return inThread<PdfOutput>(new URL('./pdf-worker.js', import.meta.url), { bytes, pageChars: PAGE_CHARS, ...query }, { ...limits, signal, transfer: [bytes.buffer], fail: unreadable });
    });
    if ('problem' in output) throw unreadable(output.problem);
    if (output.pages.length > 0 && output.pages.every((page) => page.problem !== undefined)) throw unreadable(`it is damaged (${output.pages[0]!.problem})`);
    return { total: output.total, first: query.first, pages: output.pages };
  };
}

const unreadable = (why: string): CodedError => new CodedError('PDF_UNREADABLE', `The PDF cannot be read: ${why}.`);

/** Runs at most `places` at a time, in the order of asking. */
function turns(places: number): <T>(work: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = [];
  let free = places;
  return async (work) => {
    if (free > 0) free -= 1;
    else await new Promise<void>((go) => waiting.push(go));
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next) next();
      else free += 1;
    }
  };
}
