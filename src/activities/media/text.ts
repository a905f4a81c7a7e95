/**
 * Bytes of a document as text. Pure.
 * Invariant: bytes that are no text are never decoded as if they were.
 */
import { fileTypeFromBuffer } from 'file-type';

/** Enough for every signature, and to meet a null byte in what is binary. */
const SNIFF_BYTES = 8_192;
/** Formats that have a type of their own and are text. */
const TEXT_TYPES = /xml|svg|rtf|x-ms-regedit|vcard|calendar/;

/** What bytes are: their type where they have a signature, and whether they are text that can be read as UTF-8. */
export async function sniff(start: Uint8Array): Promise<{ readonly mime?: string; readonly text: boolean }> {
  const head = start.subarray(0, SNIFF_BYTES);
  const type = await fileTypeFromBuffer(head);
  const text = !head.includes(0) && (type === undefined || TEXT_TYPES.test(type.mime));
  return { text, ...(type ? { mime: type.mime } : {}) };
}

/** Every second byte of plain English is null there: only the mark tells it from what is binary. */
export const isUtf16 = ([a, b]: Uint8Array): boolean => (a === 0xff && b === 0xfe) || (a === 0xfe && b === 0xff);

/** @returns undefined when it is no text */
export async function decodeText(bytes: Uint8Array): Promise<string | undefined> {
  if (isUtf16(bytes)) return decode(bytes[0] === 0xff ? 'utf-16le' : 'utf-16be', bytes);
  if (!(await sniff(bytes)).text || bytes.includes(0)) return undefined;
  // Without a mark and no UTF-8: what old programs write. Every byte is a character there.
  return decode('utf-8', bytes) ?? decode('windows-1252', bytes);
}

function decode(encoding: string, bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
