/**
 * Reading a job's output file while it grows, and its two ends when it is large.
 *
 * Invariant: a piece never ends inside a character (a sequence of UTF-8 bytes), so offsets handed out can be read on
 * from and joined pieces are the whole.
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { stripVTControlCharacters } from 'node:util';
import { capParts, TEXT_CAP } from '../truncate.js';

export interface Piece {
  readonly text: string;
  /** Where the next piece begins. */
  readonly next: number;
  /** Bytes in the file now. */
  readonly size: number;
}

/** @param final nothing will follow: bytes of a torn last character are given out too */
export function readPiece(path: string, offset: number, maxBytes: number, final: boolean): Piece {
  const file = openOrNothing(path);
  if (file === undefined) return { text: '', next: 0, size: 0 };
  try {
    const size = fstatSync(file).size;
    const from = Math.min(Math.max(0, offset), size);
    const data = readAt(file, from, Math.min(maxBytes, size - from));
    const atEnd = from + data.length >= size;
    const whole = final && atEnd ? data.length : wholeCharacters(data);
    return { text: data.subarray(0, whole).toString('utf8'), next: from + whole, size };
  } finally {
    closeSync(file);
  }
}

/** The output as a model reads it: without terminal control codes, both ends if it is too long. */
export function readEnds(path: string, reference: string, cap = TEXT_CAP): { readonly text: string; readonly size: number } {
  const file = openOrNothing(path);
  if (file === undefined) return { text: '', size: 0 };
  try {
    const size = fstatSync(file).size;
    // Four bytes a character at most, and control codes that will be dropped.
    const share = cap * 4;
    if (size <= 2 * share) return { text: capParts(clean(readAt(file, 0, size)), undefined, size, reference, cap), size };
    const head = readAt(file, 0, share);
    const tail = readAt(file, size - share, share);
    return { text: capParts(clean(head), clean(tail), size, reference, cap), size };
  } finally {
    closeSync(file);
  }
}

const clean = (data: Buffer): string => stripVTControlCharacters(data.toString('utf8'));

function openOrNothing(path: string): number | undefined {
  try {
    return openSync(path, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

function readAt(file: number, position: number, length: number): Buffer {
  const data = Buffer.alloc(length);
  let filled = 0;
  while (filled < length) {
    const read = readSync(file, data, filled, length - filled, position + filled);
    if (read === 0) break;
    filled += read;
  }
  return data.subarray(0, filled);
}

/** Bytes up to the last complete character; bytes that are no UTF-8 at all are not held back. */
function wholeCharacters(data: Buffer): number {
  for (let back = 1; back <= Math.min(3, data.length); back += 1) {
    const byte = data[data.length - back] ?? 0;
    if (byte < 0x80) return data.length;
    if (byte >= 0xc0) {
      const needs = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
      return needs > back ? data.length - back : data.length;
    }
  }
  return data.length;
}
