/**
 * The body of a request as parameters and uploaded files: JSON, a form, or multipart.
 *
 * Invariant: a part is what its boundary encloses, byte for byte. grammY writes file names without quotes, which the
 * parsers of Node and busboy refuse or cut at a blank, and which Telegram takes; hence a small parser of our own.
 */
import type { IncomingMessage } from 'node:http';

import { badRequest } from './refusal.js';
import { type Params, fromForm } from './schema.js';

export interface Upload {
  readonly name: string;
  readonly bytes: Uint8Array;
}

export interface Body {
  readonly params: Params;
  /** By part name; `attach://<name>` refers to it. */
  readonly files: ReadonlyMap<string, Upload>;
}

const NO_FILES: ReadonlyMap<string, Upload> = new Map();

export async function readBody(request: IncomingMessage, method: string, query: URLSearchParams): Promise<Body> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const raw = Buffer.concat(chunks);
  const type = request.headers['content-type'] ?? '';
  const fields = new Map<string, unknown>([...query].map(([name, value]) => [name, fromForm(method, name, value)]));
  let files = NO_FILES;
  if (/^multipart\/form-data/i.test(type)) files = readParts(raw, type, method, fields);
  else if (/^application\/x-www-form-urlencoded/i.test(type)) for (const [name, value] of new URLSearchParams(raw.toString('utf8'))) fields.set(name, fromForm(method, name, value));
  else if (raw.length > 0) for (const [name, value] of Object.entries(readJson(raw))) fields.set(name, value);
  return { params: Object.fromEntries(fields), files };
}

function readJson(raw: Buffer): Params {
  try {
    const value = JSON.parse(raw.toString('utf8')) as unknown;
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Params;
  } catch {
    // Answered below like any other body that is no object.
  }
  throw badRequest("can't parse JSON object");
}

function readParts(raw: Buffer, type: string, method: string, fields: Map<string, unknown>): ReadonlyMap<string, Upload> {
  const boundary = /boundary="?([^";]+)"?/i.exec(type)?.[1];
  if (boundary === undefined) throw badRequest('boundary is missing in the multipart body');
  const files = new Map<string, Upload>();
  for (const { head, content } of partsOf(raw, `--${boundary}`)) {
    const name = /[;\s]name="((?:[^"\\]|\\.)*)"/i.exec(head)?.[1];
    if (name === undefined) throw badRequest('a part has no name');
    const file = /filename="((?:[^"\\]|\\.)*)"/i.exec(head)?.[1] ?? /filename=([^\r\n]*)/i.exec(head)?.[1];
    if (file === undefined) fields.set(name, fromForm(method, name, content.toString('utf8')));
    else files.set(name, { name: file.trim(), bytes: new Uint8Array(content) });
  }
  // A file sent directly under the parameter's name, without attach://, as curl does.
  const written = JSON.stringify([...fields.values()]);
  for (const name of files.keys()) if (!written.includes(`attach://${name}`) && !fields.has(name)) fields.set(name, `attach://${name}`);
  return files;
}

function* partsOf(raw: Buffer, delimiter: string): Generator<{ readonly head: string; readonly content: Buffer }> {
  const mark = Buffer.from(delimiter);
  let start = raw.indexOf(mark);
  if (start < 0) throw badRequest('the multipart body has no parts');
  for (;;) {
    const from = start + mark.length;
    if (raw.toString('latin1', from, from + 2) === '--') return;
    const end = raw.indexOf(Buffer.from(`\r\n${delimiter}`), from);
    const gap = raw.indexOf('\r\n\r\n', from);
    if (end < 0 || gap < 0 || gap > end) throw badRequest('the multipart body ends early');
    yield { head: raw.toString('utf8', from, gap), content: raw.subarray(gap + 4, end) };
    start = end + 2;
  }
}
