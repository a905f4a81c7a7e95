/**
 * A part of a text as `read` gives it: lines of a file, pages of a PDF.
 * Invariant: what comes back says exactly which part it is and how to read on, and is never longer than a result may be
 * (a first line or page excepted).
 */
import type { PdfReader } from '../media/pdf.js';
import { CodedError } from '../../core/errors.js';
import { TEXT_CAP } from './truncate.js';
import { textResult, type ToolResult } from './types.js';

export interface Part {
  /** From 1: a line, of a PDF a page. */
  readonly offset?: number;
  readonly limit?: number;
}

const DEFAULT_LINES = 1_000;
/** Minified files have lines of megabytes. */
const LINE_CHARS = 2_000;
/** Scanned pages have no characters that would end a part. */
const DEFAULT_PAGES = 50;

/** @param size bytes of the whole */
export async function linesPart(lines: AsyncIterable<string> | Iterable<string>, part: Part, size: number): Promise<ToolResult> {
  const first = part.offset ?? 1;
  const limit = part.limit ?? DEFAULT_LINES;
  const shown: string[] = [];
  let chars = 0;
  let number = 0;
  let more = false;
  for await (const line of lines) {
    number += 1;
    if (number < first) continue;
    const cut = line.length > LINE_CHARS ? `${line.slice(0, LINE_CHARS)} [… ${line.length - LINE_CHARS} characters of this line left out]` : line;
    if (shown.length >= limit || (chars + cut.length > TEXT_CAP && shown.length > 0)) {
      more = true;
      break;
    }
    shown.push(cut);
    chars += cut.length + 1;
  }
  const last = first + shown.length - 1;
  if (shown.length === 0) return textResult(size === 0 ? '(empty file)' : `The file has only ${number} lines.`, size > 0, { bytes: size });
  return { ...textResult(more ? `${shown.join('\n')}\n[lines ${first} to ${last}; read on with offset ${last + 1}]` : shown.join('\n'), false, { bytes: size, first, last }), bytes: size };
}

/** Lines of a text that has no file a command could cut: overlong ones go on in the next, so that all of it can be read. */
export function* foldedLines(text: string): Generator<string> {
  for (let at = 0; at < text.length; ) {
    const end = /\r\n|[\r\n]/g;
    end.lastIndex = at;
    const found = end.exec(text);
    const stop = found?.index ?? text.length;
    if (stop === at) yield '';
    while (at < stop) {
      let to = Math.min(at + LINE_CHARS, stop);
      // Never between the halves of a surrogate pair.
      if (to < stop && /[\ud800-\udbff]/.test(text[to - 1]!)) to -= 1;
      yield text.slice(at, to);
      at = to;
    }
    at = stop + (found?.[0].length ?? 0);
  }
}

/** @throws CodedError PDF_UNREADABLE, also when there is no text */
export async function pagesPart(read: PdfReader, bytes: Uint8Array, part: Part, signal: AbortSignal): Promise<ToolResult> {
  const first = part.offset ?? 1;
  const { total, pages } = await read(bytes, { first, count: part.limit ?? DEFAULT_PAGES, chars: TEXT_CAP }, signal);
  if (pages.length === 0) return textResult(`The PDF has only ${total} pages.`, true, { bytes: bytes.length, pages: total });
  const shown: string[] = [];
  let chars = 0;
  for (const [index, { text, cut, problem }] of pages.entries()) {
    const body = problem !== undefined ? `(this page cannot be read: ${problem})` : text === '' ? '(no text on this page)' : cut ? `${text}\n[the rest of this page is left out]` : text;
    if (shown.length > 0 && chars + body.length > TEXT_CAP) break;
    shown.push(`[page ${first + index} of ${total}]\n${body}`);
    chars += body.length;
  }
  const last = first + shown.length - 1;
  const on = last < total ? `; read on with offset ${last + 1}` : '';
  if (pages.slice(0, shown.length).every((page) => page.text === '' && page.problem === undefined)) throw new CodedError('PDF_UNREADABLE', noText(first, last, total, on));
  const mark = last < total || first > 1 ? `\n[pages ${first} to ${last} of ${total}${on}]` : '';
  return { ...textResult(`${shown.join('\n\n')}${mark}`, false, { bytes: bytes.length, pages: total, first, last }), bytes: bytes.length };
}

function noText(first: number, last: number, total: number, on: string): string {
  if (first === 1 && last === total) return `The PDF has no text layer (scanned pages): ${total === 1 ? '1 page' : `${total} pages`} of images.`;
  return `Pages ${first} to ${last} of ${total} have no text layer (scanned pages)${on}.`;
}
