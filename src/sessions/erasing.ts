/**
 * Deleting sessions, and conversations whose time is over (`session.retentionDays`).
 * Invariants: what is not at rest is left alone; one batch at a time, and the house breathes between two; what was ordered
 * and not finished goes on with the next sweep.
 */
import { setImmediate as breathe } from 'node:timers/promises';
import { CodedError, messageOf } from '../core/errors.js';
import type { Logger, MediaStore } from '../core/ports.js';
import { type OpenWork, eraseBatch, orderDeletion, orderErasure, unfinishedErasures } from '../storage/erase.js';
import { deleteUnused, neverUsed } from '../storage/media-uses.js';
import { type ConversationFacts, conversationsOf } from '../storage/session-pages.js';
import type { Db } from '../storage/sqlite.js';
import type { SessionEngine } from './engine.js';
import { unknownSession } from './keeping.js';
import { requireSessionKey } from './keys.js';
import { restart } from './recover.js';

export interface Deleted {
  readonly session: string;
  readonly conversations: number;
  readonly rows: number;
  /** Attachments that nothing else names. */
  readonly files: number;
}

export interface Erasing {
  /** @throws CodedError NOT_FOUND; INVALID_REQUEST (`SESSION_BUSY`) with what is open */
  remove(session: string, by: string): Promise<Deleted>;
  /** Part of every sweep. */
  sweep(): Promise<void>;
}

export interface ErasingDeps {
  readonly db: Db;
  readonly engine: SessionEngine;
  readonly log: Logger;
  readonly media: Pick<MediaStore, 'path'>;
  /** 0: conversations are kept. */
  readonly retentionDays: () => number;
  /** Removes what commands of these calls (`<run>:<step>.<index>`) left on disk. */
  readonly forgetCommands: (calls: readonly string[]) => Promise<void>;
  readonly now?: () => number;
}

const DAY_MS = 24 * 3_600_000;
/** Of one sweep: some thousand rows. The next one, a minute later, goes on. */
const BATCHES = 25;
/** Sessions that one sweep looks at. */
const SESSIONS = 100;
const FILES = 200;
/** A message that is about to be stored has its files for so long. */
const NAMELESS_MS = 2 * DAY_MS;

export function createErasing(deps: ErasingDeps): Erasing {
  const { db, log } = deps;
  const now = deps.now ?? Date.now;
  let tidied = 0;
  /** Where the day's round stands: the last session that was looked at. */
  let round: { readonly began: number; readonly after: string; readonly over?: boolean } | undefined;

  return {
    async remove(text, by) {
      const { key } = requireSessionKey(text);
      const conversations = await conversationsOf(db, key);
      await order(key);
      await endWorkflow(key, `deleted by ${by}`);
      const { rows, files } = await carryOut(key, Infinity);
      log.info({ session: key, rows, files, by }, 'a session was deleted');
      return { session: key, conversations: conversations.length, rows, files };
    },

    async sweep() {
      let left = BATCHES;
      for (const key of await unfinishedErasures(db)) left -= (await carryOut(key, left)).batches;
      await tidy();
      const days = deps.retentionDays();
      if (days <= 0 || left <= 0) return;
      const at = now();
      if (!round || (round.over && at - round.began >= DAY_MS)) round = { began: at, after: '' };
      if (round.over) return;
      const before = round.began - days * DAY_MS;
      const sessions = await db.selectFrom('sessions').select(['key', 'updated_at']).where('key', '>', round.after).where('deleted_at', 'is', null).orderBy('key').limit(SESSIONS).execute();
      for (const { key, updated_at } of sessions) {
        if (left <= 0) return;
        if (await due(key, Number(updated_at), before)) left -= (await carryOut(key, left)).batches;
        round = { ...round, after: key };
        await breathe();
      }
      if (sessions.length === SESSIONS) return;
      round = { ...round, over: true };
    },
  };

  /** Files that nothing names: of strangers who were not held, of groups that were refused. Whatever else is kept, once a day. */
  async function tidy(): Promise<void> {
    const at = now();
    if (at - tidied < DAY_MS) return;
    const found = await db.transaction().execute(async (tx) => {
      const hashes = await neverUsed(tx, at - NAMELESS_MS, FILES);
      await deleteUnused(tx, deps.media, hashes);
      return hashes.length;
    });
    // A full batch has more behind it: the next sweep, in a minute.
    if (found < FILES) tidied = at;
  }

  async function order(session: string): Promise<void> {
    const ordered = await db.transaction().execute((tx) => orderDeletion(tx, session));
    if (ordered.ordered) return;
    if (ordered.open) throw busy(session, ordered.open);
    throw unknownSession(session);
  }

  /** Orders what is over of a session. @returns whether there is something to carry out */
  async function due(session: string, updatedAt: number, before: number): Promise<boolean> {
    const conversations = await conversationsOf(db, session);
    const stays = conversations.find(({ lastAt }) => lastAt >= before);
    if (!stays) {
      // Nothing of it, or only what is over: the session goes with it.
      if (updatedAt >= before) return false;
      const { ordered } = await db.transaction().execute((tx) => orderDeletion(tx, session));
      if (ordered) await endWorkflow(session, 'its time is over');
      if (ordered) log.info({ session, conversations: conversations.length }, 'a session without activity is deleted');
      return ordered;
    }
    const over = conversations.filter((one): one is ConversationFacts => one.lastSeq < stays.firstSeq);
    if (over.length === 0) return false;
    const { ordered } = await db.transaction().execute((tx) => orderErasure(tx, session, over.at(-1)!.lastSeq, stays.firstAt));
    if (ordered) log.info({ session, conversations: over.length }, 'conversations without activity are deleted');
    return ordered;
  }

  /** It is fenced out already: an engine that is away changes nothing. A message that came meanwhile is signalled again. */
  async function endWorkflow(session: string, reason: string): Promise<void> {
    await restart(deps, session, reason).catch((error: unknown) => log.warn({ session, error: messageOf(error) }, 'the engine is away: the workflow of a deleted session ends later'));
  }

  async function carryOut(session: string, atMost: number): Promise<{ readonly batches: number; readonly rows: number; readonly files: number }> {
    let [batches, rows, files] = [0, 0, 0];
    while (batches < atMost) {
      const erased = await eraseBatch(db, deps.media, session);
      if (!erased) break;
      batches += 1;
      rows += erased.rows;
      files += erased.files;
      // What is left of them goes by its age.
      await deps.forgetCommands(erased.calls).catch((error: unknown) => log.warn({ session, error: messageOf(error) }, 'folders of commands were not removed'));
      await breathe();
    }
    return { batches, rows, files };
  }
}

const named = (ids: readonly string[], what: string): string | undefined => (ids.length === 0 ? undefined : `${what}${ids.length === 1 ? '' : 's'} ${ids.join(', ')}`);

function busy(session: string, { runs, approvals, deliveries }: OpenWork): CodedError {
  const open = [named(runs, 'run'), named(approvals, 'approval'), named(deliveries, 'delivery')?.replace('deliverys', 'deliveries')].filter((part) => part !== undefined);
  const ways = [
    runs.length > 0 ? `Wait for it, or stop it: openclaw runs abort ${runs[0]}` : '',
    approvals.length > 0 ? `Decide: openclaw approvals deny ${approvals[0]}` : '',
    deliveries.length > 0 ? `Let it be sent, or put it away: openclaw delivery discard ${deliveries[0]}` : '',
  ].filter(Boolean);
  return new CodedError('INVALID_REQUEST', `session ${session} is not at rest: open are ${open.join('; ')}`, ways.join('. '), { code: 'SESSION_BUSY', runs, approvals, deliveries });
}
