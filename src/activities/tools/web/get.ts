/**
 * One page over HTTP, with its redirects.
 *
 * Invariant: at most so many bytes, seconds and redirects; each hop is http or https, and connects through the guarded
 * dispatcher, which alone decides about addresses.
 */
import { fetch, type Agent, type Response } from 'undici';
import { CodedError } from '../../../core/errors.js';
import { AddressRefused } from './address.js';

const MAX_REDIRECTS = 5;

export interface Page {
  /** After redirects. */
  readonly url: string;
  readonly status: number;
  /** Lower case, without parameters. */
  readonly mime: string;
  readonly charset: string | undefined;
  readonly body: Buffer;
  /** The body went on past the limit. */
  readonly cut: boolean;
}

interface GetOptions {
  readonly dispatcher: Agent;
  readonly maxBytes: number;
  readonly signal: AbortSignal;
}

/** @throws CodedError FETCH_REFUSED, FETCH_FAILED; the signal's reason */
export async function getPage(url: string, options: GetOptions): Promise<Page> {
  let at = checkUrl(url);
  for (let hops = 0; ; hops += 1) {
    const response = await request(at, options);
    const location = response.headers.get('location');
    if (response.status < 300 || response.status > 399 || location === null) return readPage(at, response, options);
    await response.body?.cancel();
    if (hops >= MAX_REDIRECTS) throw new CodedError('FETCH_FAILED', `${url} redirects more than ${MAX_REDIRECTS} times.`);
    at = checkUrl(location, at);
  }
}

function checkUrl(text: string, base?: URL): URL {
  const url = URL.parse(text, base?.href);
  if (!url) throw new CodedError('FETCH_REFUSED', `Not a URL: ${JSON.stringify(text.slice(0, 200))}.`);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') throw new CodedError('FETCH_REFUSED', `Only http and https are fetched, not ${url.protocol}`);
  if (url.username !== '' || url.password !== '') throw new CodedError('FETCH_REFUSED', 'A URL with a user name or password is not fetched.');
  url.hash = '';
  return url;
}

async function request(url: URL, { dispatcher, signal }: GetOptions): Promise<Response> {
  try {
    return await fetch(url, {
      dispatcher,
      signal,
      redirect: 'manual',
      headers: {
        // Some sites answer nothing to an unknown client; this says what it is all the same.
        'user-agent': 'Mozilla/5.0 (compatible; OpenClaw)',
        accept: 'text/html,application/xhtml+xml,text/markdown,text/plain,application/json;q=0.9,*/*;q=0.5',
        'accept-language': 'en,*;q=0.5',
      },
    });
  } catch (error) {
    signal.throwIfAborted();
    throw translate(url, error);
  }
}

/** undici wraps what happened in causes and, with several addresses, in lists. */
function translate(url: URL, error: unknown): CodedError {
  const causes: unknown[] = [error];
  for (const one of causes) {
    if (one instanceof AddressRefused) return new CodedError('FETCH_REFUSED', `${url.host} is refused: ${one.message}. Only public addresses are fetched.`);
    if (one instanceof AggregateError) causes.push(...one.errors);
    if (one instanceof Error && one.cause !== undefined) causes.push(one.cause);
  }
  const last = causes.filter((one) => one instanceof Error).at(-1);
  return new CodedError('FETCH_FAILED', `${url.host} could not be fetched: ${last?.message || 'no connection'}.`);
}

async function readPage(url: URL, response: Response, { maxBytes, signal }: GetOptions): Promise<Page> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  let cut = false;
  try {
    // After decompression: a small answer may be a large page.
    for await (const chunk of response.body ?? []) {
      const room = maxBytes - size;
      chunks.push(chunk.length > room ? chunk.subarray(0, room) : chunk);
      size += Math.min(chunk.length, room);
      cut = chunk.length > room;
      if (cut) break;
    }
  } catch (error) {
    signal.throwIfAborted();
    throw translate(url, error);
  }
  const type = response.headers.get('content-type') ?? '';
  return {
    url: url.href,
    status: response.status,
    mime: (type.split(';')[0] ?? '').trim().toLowerCase(),
    charset: /charset=\s*"?([\w-]+)/i.exec(type)?.[1],
    body: Buffer.concat(chunks),
    cut,
  };
}
