/**
 * Pages of a PDF as text, in a thread of its own. Runs alone, unbuilt too, so it imports packages only.
 * Invariant: it answers with one message of bounded size, also about a PDF that cannot be read.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { getResolvedPDFJS } from 'unpdf';

export interface PdfInput {
  readonly bytes: Uint8Array;
  /** From 1. */
  readonly first: number;
  /** Most pages. */
  readonly count: number;
  /** No further page is begun past this many characters. */
  readonly chars: number;
  /** Most characters of one page. */
  readonly pageChars: number;
}

export interface PdfPage {
  readonly text: string;
  /** The page has more text. */
  readonly cut?: true;
  /** It could not be read. */
  readonly problem?: string;
}

export type PdfOutput = { readonly total: number; readonly pages: readonly PdfPage[] } | { readonly problem: string };

/** Enough of a parser's error for a person who knows PDFs. */
const PROBLEM_CHARS = 200;

type Document = Awaited<ReturnType<Awaited<ReturnType<typeof getResolvedPDFJS>>['getDocument']>['promise']>;

async function read({ bytes, first, count, chars, pageChars }: PdfInput): Promise<PdfOutput> {
  const { getDocument } = await getResolvedPDFJS();
  try {
    // Nothing of the document is executed, fetched or drawn.
    const document = await getDocument({ data: bytes, verbosity: 0, useSystemFonts: false, disableFontFace: true, enableXfa: false }).promise;
    const pages: PdfPage[] = [];
    let size = 0;
    for (let number = first; number <= document.numPages && pages.length < count && size < chars; number += 1) {
      const page = await readPage(document, number, pageChars);
      pages.push(page);
      size += page.text.length;
    }
    return { total: document.numPages, pages };
  } catch (error) {
    if (error instanceof Error && error.name === 'PasswordException') return { problem: 'it is encrypted and needs a password' };
    return { problem: `it is damaged or no PDF (${words(error)})` };
  }
}

async function readPage(document: Document, number: number, most: number): Promise<PdfPage> {
  try {
    const reader = (await document.getPage(number)).streamTextContent().getReader() as ReadableStreamDefaultReader<{ readonly items: readonly { readonly str?: string; readonly hasEOL?: boolean }[] }>;
    let text = '';
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return { text: text.trim() };
      text += value.items.map(({ str, hasEOL }) => (str ?? '') + (hasEOL ? '\n' : '')).join('');
      if (text.length <= most) continue;
      // Not waited for: it may be what takes long.
      reader.cancel(new Error('enough')).catch(() => undefined);
      return { text: text.slice(0, most).trim(), cut: true };
    }
  } catch (error) {
    return { text: '', problem: words(error) };
  }
}

const words = (error: unknown): string => (error instanceof Error ? error.message : String(error)).replace(/\s+/g, ' ').slice(0, PROBLEM_CHARS);

parentPort?.postMessage(await read(workerData as PdfInput));
