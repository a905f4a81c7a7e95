/**
 * The row of updates and the long poll on it.
 *
 * Invariant: an update stays until a poll with a higher offset confirms it, whatever became of the answers that carried
 * it. Only one poll waits: a second one that has to wait ends it with 409. What a bot did not ask for (allowed_updates,
 * kept from call to call) is never put into the row, as on Telegram, where the choice is made when an update arises.
 */
import type { Update } from '@grammyjs/types';

import { conflict } from './refusal.js';
import type { Params } from './schema.js';

export type NewUpdate = Omit<Update, 'update_id'>;

export interface Updates {
  /** The update's id, or undefined where the bot did not ask for its kind. */
  push(update: NewUpdate): number | undefined;
  poll(params: Params, gone: AbortSignal): Promise<readonly Update[]>;
  /** What was pushed inside arrives in one answer. */
  batch<T>(work: () => T): T;
  readonly pending: readonly Update[];
  /** The offset of the newest confirmation: every update below is confirmed. */
  readonly confirmed: number;
  /** A left-over webhook: getUpdates is refused until deleteWebhook. */
  webhook: string | undefined;
  /** The next so many confirmed updates are delivered once more. */
  duplicate: number;
  /** The next so many answers with more than one update arrive backwards. */
  reorder: number;
  forget(): void;
  readonly waiting: boolean;
}

/** Telegram leaves these out unless they are asked for. */
const ON_REQUEST: readonly string[] = ['chat_member', 'message_reaction', 'message_reaction_count'];
/** tdlib/telegram-bot-api: LONG_POLL_MAX_TIMEOUT. */
const LONGEST_POLL_S = 50;

interface Parked {
  readonly limit: number;
  readonly done: PromiseWithResolvers<readonly Update[]>;
}

export function createUpdates(firstId: number, changed: () => void): Updates {
  let row: Update[] = [];
  let again: Update[] = [];
  let nextId = firstId;
  let confirmed = firstId;
  let allowed: readonly string[] | undefined;
  let parked: Parked | undefined;
  let depth = 0;

  const take = (limit: number): readonly Update[] => {
    const repeats = again.splice(0, limit);
    const batch = [...repeats, ...row.slice(0, limit - repeats.length)];
    if (batch.length < 2 || self.reorder === 0) return batch;
    self.reorder -= 1;
    return batch.toReversed();
  };
  const wake = (): void => {
    if (parked === undefined || depth > 0 || row.length + again.length === 0) return;
    const { limit, done } = parked;
    parked = undefined;
    done.resolve(take(limit));
  };
  const confirm = (offset: number): void => {
    const taken = row.filter((update) => update.update_id < offset);
    row = row.filter((update) => update.update_id >= offset);
    const repeats = taken.slice(0, self.duplicate);
    self.duplicate -= repeats.length;
    again = [...again, ...repeats];
    if (offset > confirmed) confirmed = offset;
  };

  const self: Updates = {
    webhook: undefined,
    duplicate: 0,
    reorder: 0,
    get pending() {
      return row;
    },
    get confirmed() {
      return confirmed;
    },
    get waiting() {
      return parked !== undefined;
    },
    push(update) {
      const kind = Object.keys(update)[0] ?? '';
      if (allowed === undefined ? ON_REQUEST.includes(kind) : !allowed.includes(kind)) return undefined;
      const update_id = nextId++;
      row.push({ update_id, ...update });
      wake();
      changed();
      return update_id;
    },
    batch(work) {
      depth += 1;
      try {
        return work();
      } finally {
        depth -= 1;
        wake();
      }
    },
    forget() {
      row = [];
      again = [];
    },
    async poll(params, gone) {
      if (self.webhook !== undefined) throw conflict("can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first");
      const offset = Number(params.offset ?? 0);
      const limit = Math.min(Math.max(Number(params.limit ?? 100), 1), 100);
      const timeout = Math.min(Math.max(Number(params.timeout ?? 0), 0), LONGEST_POLL_S);
      if (Array.isArray(params.allowed_updates)) allowed = params.allowed_updates.length === 0 ? undefined : (params.allowed_updates as readonly string[]);
      if (offset < 0) confirm(row.at(offset)?.update_id ?? row[0]?.update_id ?? 0);
      else confirm(offset);
      changed();
      if (row.length + again.length > 0 || timeout === 0) return take(limit);

      parked?.done.reject(conflict('terminated by other getUpdates request; make sure that only one bot instance is running'));
      const mine: Parked = { limit, done: Promise.withResolvers() };
      parked = mine;
      const leave = (): void => {
        if (parked === mine) parked = undefined;
        mine.done.resolve([]);
      };
      const timer = setTimeout(leave, timeout * 1000);
      gone.addEventListener('abort', leave, { once: true });
      changed();
      try {
        return await mine.done.promise;
      } finally {
        clearTimeout(timer);
        gone.removeEventListener('abort', leave);
      }
    },
  };
  return self;
}
