/**
 * Fetches what people sent into the media store.
 * Invariants: a file that cannot be fetched is a `problem`, never a lost message; no more than the limit is read, whatever
 * the server claims; few files are in memory at once.
 */
import { messageOf } from '../../core/errors.js';
import type { Attachment } from '../../core/message.js';
import type { Logger, MediaStore } from '../../core/ports.js';
import { createBackoff, pause } from '../lib/backoff.js';
import type { AdapterTimings } from '../contract.js';
import { type TelegramClient, within } from './client.js';
import type { Wanted } from './content.js';
import { GrammyError } from 'grammy';

export interface MediaDeps {
  readonly client: TelegramClient;
  readonly media: MediaStore;
  readonly log: Logger;
  readonly timings: AdapterTimings;
  readonly maxBytes: number;
}

/** Whole files are held while they are hashed: this many times the largest file is the most memory. */
const AT_ONCE = 2;
const ATTEMPTS = 3;

export type FetchMedia = (wanted: Wanted, signal: AbortSignal) => Promise<Attachment>;

export function createFetchMedia(deps: MediaDeps): FetchMedia {
  const slots = createSlots(AT_ONCE);

  return async ({ attachment, fileId }, signal) => {
    if (fileId === undefined) return attachment;
    if ((attachment.size ?? 0) > deps.maxBytes) return { ...attachment, problem: tooLarge(deps.maxBytes) };
    const release = await slots();
    try {
      const backoff = createBackoff(deps.timings.backoffMin, deps.timings.backoffMax);
      for (let attempt = 1; ; attempt++) {
        try {
          const content = await download(deps, fileId, signal);
          if (content === 'too large') return { ...attachment, problem: tooLarge(deps.maxBytes) };
          const stored = await deps.media.put(content, attachment.mime);
          return { ...attachment, mime: stored.mime, size: stored.size, media: { hash: stored.hash } };
        } catch (error) {
          signal.throwIfAborted();
          const problem = problemOf(error);
          if (problem !== undefined || attempt === ATTEMPTS) {
            deps.log.warn({ kind: attachment.kind, attempt, reason: reasonOf(error) }, 'a file that was sent could not be fetched');
            return { ...attachment, problem: problem ?? 'it could not be fetched from Telegram' };
          }
          await pause(Math.min(waitOf(error) ?? backoff.next(), deps.timings.backoffMax), signal);
          signal.throwIfAborted();
        }
      }
    } finally {
      release();
    }
  };
}

async function download({ client, timings, maxBytes }: MediaDeps, fileId: string, signal: AbortSignal): Promise<Uint8Array | 'too large'> {
  const { file_path: path, file_size: size } = await client.api().getFile(fileId, within(timings.call, signal));
  if ((size ?? 0) > maxBytes) return 'too large';
  if (path === undefined) throw new Unfetchable('Telegram names no place to fetch it from');
  // A Bot API server of one's own in local mode names files on its own disk.
  if (path.startsWith('/')) throw new Unfetchable('the Bot API server runs in local mode, which is not supported');
  const answer = await fetch(client.fileUrl(path), { signal: AbortSignal.any([signal, AbortSignal.timeout(timings.transfer)]) });
  if (!answer.ok || !answer.body) {
    await answer.body?.cancel();
    throw new Error(`status ${answer.status}`);
  }
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of answer.body as AsyncIterable<Uint8Array>) {
    bytes += chunk.byteLength;
    if (bytes > maxBytes) return 'too large';
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

class Unfetchable extends Error {}

const tooLarge = (maxBytes: number): string => `it is larger than ${Math.floor(maxBytes / 1024 / 1024)} MB, the most that is fetched`;

/** What no further attempt would change. */
function problemOf(error: unknown): string | undefined {
  if (error instanceof Unfetchable) return error.message;
  if (error instanceof GrammyError && error.error_code === 400) return /too big/i.test(error.description) ? 'it is larger than Telegram gives to bots' : `Telegram does not give it: ${error.description}`;
  if ((error as { readonly code?: unknown } | undefined)?.code === 'MEDIA_TOO_LARGE') return messageOf(error);
  return undefined;
}

const waitOf = (error: unknown): number | undefined => (error instanceof GrammyError && error.parameters.retry_after !== undefined ? error.parameters.retry_after * 1_000 : undefined);

/** Names and codes only: messages may hold the address, and so the token. */
const reasonOf = (error: unknown): string => (error instanceof GrammyError ? error.description : ((error as { readonly code?: string; readonly name?: string } | undefined)?.code ?? (error as Error | undefined)?.name ?? 'unknown'));

/** @returns a function that waits for one of `count` places and gives its release */
function createSlots(count: number): () => Promise<() => void> {
  let free = count;
  const waiting: (() => void)[] = [];
  return async () => {
    if (free > 0) free--;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    return () => {
      const next = waiting.shift();
      if (next) next();
      else free++;
    };
  };
}
