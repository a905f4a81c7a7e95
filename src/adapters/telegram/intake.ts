/**
 * From received updates to stored messages: one lane a chat, each in order, lanes beside each other.
 * Invariants: an update is done only when all its messages are durable, or when it can never be one; what cannot be stored
 * is tried again for ever and holds back only its own chat; the parts of an album are done together.
 */
import type { Update } from 'grammy/types';
import { messageOf } from '../../core/errors.js';
import type { InboundMessage } from '../../core/message.js';
import type { Logger } from '../../core/ports.js';
import type { AdapterTimings } from '../contract.js';
import { createBackoff, pause } from '../lib/backoff.js';
import type { StatusKeeper } from '../lib/status.js';
import type { FetchMedia } from './media.js';
import { type Account, normalise } from './normalise.js';
import { createWindow } from './window.js';

export interface IntakeDeps {
  readonly at: Account;
  readonly onInbound: (message: InboundMessage) => Promise<void>;
  readonly fetchMedia: FetchMedia;
  readonly onUpdate: (update: Update) => void;
  /** The stored update's press of a button is to be acknowledged. */
  readonly onPressed: (queryId: string) => void;
  readonly status: StatusKeeper;
  readonly log: Logger;
  readonly timings: AdapterTimings;
}

export interface Intake {
  /** @param askedAt when the server was asked for them, epoch milliseconds @returns how many were new */
  take(updates: readonly Update[], askedAt: number): number;
  /** How far may be confirmed. */
  offset(): number | undefined;
  pending(): number;
  /** Resolves when nothing is pending, or after this long. */
  settled(ms: number): Promise<void>;
  /** Is an album waiting for its last part? */
  collecting(): boolean;
  /** Resolves when no message is being stored any more. What is not stored stays unconfirmed. */
  stop(): Promise<void>;
}

interface Item {
  readonly updates: Update[];
  /** An album that may get further parts. */
  album?: { readonly key: string; lastAt: number; readonly whole: PromiseWithResolvers<void> };
}

/** Telegram's largest album. */
const ALBUM_PARTS = 10;

export function createIntake(deps: IntakeDeps): Intake {
  const { timings, log, status } = deps;
  const window = createWindow();
  const lanes = new Map<string, { readonly items: Item[]; readonly running: Promise<void> }>();
  const albums = new Map<string, Item>();
  const stopping = new AbortController();
  let whenSettled = Promise.withResolvers<void>();

  function take(updates: readonly Update[], askedAt: number): number {
    const fresh = new Set(window.take(updates.map(({ update_id }) => update_id)));
    const count = fresh.size;
    const touched = new Set<string>();
    for (const update of updates.toSorted((a, b) => a.update_id - b.update_id)) {
      // A repeat inside one answer is seen once.
      if (!fresh.delete(update.update_id)) continue;
      const key = albumOf(update);
      if (key !== undefined) touched.add(key);
      const open = key === undefined ? undefined : albums.get(key);
      if (open?.album) {
        open.updates.push(update);
        open.album.lastAt = Date.now();
        continue;
      }
      const item: Item = { updates: [update] };
      if (key !== undefined) {
        item.album = { key, lastAt: Date.now(), whole: Promise.withResolvers() };
        albums.set(key, item);
      }
      enqueue(laneOf(update), item);
    }
    for (const [key, { album, updates: parts }] of albums) {
      // Quiet is what an answer shows, not a clock: the server was asked after the pause and had no further part.
      if (album && (parts.length >= ALBUM_PARTS || (!touched.has(key) && askedAt - album.lastAt >= timings.albumQuiet))) {
        albums.delete(key);
        album.whole.resolve();
      }
    }
    return count;
  }

  function enqueue(lane: string, item: Item): void {
    const known = lanes.get(lane);
    if (known) {
      known.items.push(item);
      return;
    }
    const items = [item];
    lanes.set(lane, { items, running: run(lane, items) });
  }

  async function run(lane: string, items: Item[]): Promise<void> {
    // Not before the whole answer is sorted into lanes and albums.
    await Promise.resolve();
    for (let item = items[0]; item && !stopping.signal.aborted; item = items[0]) {
      if (!(await carry(item))) break;
      items.shift();
      window.done(item.updates.map(({ update_id }) => update_id));
      if (window.pending() === 0) {
        whenSettled.resolve();
        whenSettled = Promise.withResolvers();
      }
    }
    lanes.delete(lane);
  }

  /** @returns false when it is given up because of the stop */
  async function carry(item: Item): Promise<boolean> {
    await item.album?.whole.promise;
    if (stopping.signal.aborted) return false;
    const ids = item.updates.map(({ update_id }) => update_id);
    item.updates.forEach(deps.onUpdate);
    let messages: readonly InboundMessage[];
    try {
      const found = normalise(item.updates, deps.at);
      messages = await Promise.all(found.map(async ({ message, wanted }) => ({ ...message, attachments: await Promise.all(wanted.map((one) => deps.fetchMedia(one, stopping.signal))) })));
    } catch (error) {
      if (stopping.signal.aborted) return false;
      // It would be as unreadable the next time, and hold up everything behind it.
      log.error({ updates: ids, kinds: item.updates.flatMap((update) => Object.keys(update)), error: messageOf(error) }, 'an update of Telegram cannot be read; it is passed over');
      status.note({ code: 'INBOUND_UNREADABLE', message: `Update ${ids.join(', ')} cannot be read and was passed over.`, hint: 'The log has what it was; please report it.' });
      return true;
    }
    if (!(await store(messages, ids))) return false;
    for (const { callback_query: query } of item.updates) if (query) deps.onPressed(query.id);
    return true;
  }

  async function store(messages: readonly InboundMessage[], ids: readonly number[]): Promise<boolean> {
    const backoff = createBackoff(timings.backoffMin, timings.backoffMax);
    for (let attempt = 1; ; attempt++) {
      try {
        for (const message of messages) await deps.onInbound(message);
        if (messages.length > 0) status.inbound();
        if (attempt > 1) status.mended('INBOUND_NOT_STORED');
        return true;
      } catch (error) {
        log.warn({ updates: ids, attempt, error: messageOf(error) }, 'a message from Telegram could not be stored; it stays unconfirmed and is tried again');
        status.note({ code: 'INBOUND_NOT_STORED', message: `A message could not be stored: ${messageOf(error)}`, hint: 'It stays at Telegram and is tried again.' });
        if (stopping.signal.aborted || !(await pause(backoff.next(), stopping.signal))) return false;
      }
    }
  }

  return {
    take,
    offset: window.offset,
    pending: window.pending,
    collecting: () => albums.size > 0,
    async settled(ms) {
      if (window.pending() === 0) return;
      const done = new AbortController();
      await Promise.race([whenSettled.promise, pause(ms, AbortSignal.any([done.signal, stopping.signal]))]);
      done.abort();
    },
    async stop() {
      stopping.abort();
      for (const { album } of albums.values()) album?.whole.resolve();
      await Promise.all([...lanes.values()].map(({ running }) => running));
    },
  };
}

function albumOf(update: Update): string | undefined {
  const message = update.message ?? update.channel_post;
  return message?.media_group_id === undefined ? undefined : `${laneOf(update)}/${message.media_group_id}`;
}

/** Chat by chat; what belongs to none waits for nobody. Nothing is taken for granted here: what is unreadable is found out in its lane. */
function laneOf(update: Update): string {
  const message = update.message ?? update.edited_message ?? update.channel_post ?? update.edited_channel_post ?? update.callback_query?.message ?? update.message_reaction ?? update.stopped_message_generation;
  return String((message as { readonly chat?: { readonly id?: number } } | undefined)?.chat?.id ?? `update ${update.update_id}`);
}
