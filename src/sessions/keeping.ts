/**
 * What the owner sees of a session and sets for it: what it does now, its conversations, its rows, its words. Everything
 * is read from rows; only what it does this moment is asked of its workflow.
 */
import type { Address } from '../core/channel.js';
import type { SessionSettings } from '../core/contact.js';
import { CodedError } from '../core/errors.js';
import { RPC_CHANNEL } from '../core/names.js';
import type { HistoryRow, SessionRow } from '../core/rows.js';
import type { SessionView } from '../core/run.js';
import { type Alias, aliasOf, aliasesOf } from '../storage/aliases.js';
import { listDeliveries } from '../storage/deliveries.js';
import { routeOf } from '../storage/routes.js';
import { type SearchHit, type SearchQuery, searchTranscript } from '../storage/search.js';
import { type ConversationFacts, conversationsOf, costOf, pageOf, runIdsOf } from '../storage/session-pages.js';
import { sessionSettings, setSessionSettings } from '../storage/session-settings.js';
import { sessionRow, setLabel } from '../storage/sessions.js';
import type { Db } from '../storage/sqlite.js';
import type { SessionEngine } from './engine.js';
import { type QueueDefaults, type Queueing, resolveQueue } from './queueing.js';

export interface SessionDetails {
  readonly row: SessionRow;
  /** Oldest first; the current one may have no rows yet and then is not among them. */
  readonly conversations: readonly ConversationFacts[];
  /** As its people set them; absent: as configured. */
  readonly settings: SessionSettings;
  /** As messages wait in it. */
  readonly queue: Queueing;
  /** Where its people were heard last. */
  readonly route?: Address;
  /** It is the older session of somebody who was linked. */
  readonly alias?: Alias;
  /** Older sessions of whoever speaks in it. */
  readonly aliases: readonly Alias[];
  readonly costUsd: number;
  /** Deliveries that are not sent whole. */
  readonly deliveries: readonly { readonly id: string; readonly state: string; readonly channel: string }[];
  /** Absent: its workflow does not run, or does not answer. */
  readonly now?: SessionView;
}

export interface SessionChange {
  /** `null` takes it back. */
  readonly label?: string | null | undefined;
  readonly settings?: { readonly [K in keyof SessionSettings]?: SessionSettings[K] | undefined };
}

export interface SessionKeeping {
  /** @returns nothing for an unknown or a deleted one */
  row(session: string): Promise<SessionRow | undefined>;
  /** @throws CodedError NOT_FOUND */
  details(session: string): Promise<SessionDetails>;
  /** Rows of all its conversations after a seq, oldest first. @throws CodedError NOT_FOUND */
  page(session: string, after: number, limit: number): Promise<{ readonly rows: readonly HistoryRow[]; readonly more: boolean }>;
  /** Newest first. */
  search(query: SearchQuery): Promise<{ readonly hits: readonly SearchHit[]; readonly more: boolean }>;
  /** @throws CodedError NOT_FOUND */
  change(session: string, change: SessionChange): Promise<SessionRow>;
}

export interface KeepingDeps {
  readonly db: Db;
  readonly engine: Pick<SessionEngine, 'view'>;
  readonly queue: () => QueueDefaults;
}

/** More than anybody looks at beside a session. */
const DELIVERIES = 20;

export function createKeeping({ db, engine, queue }: KeepingDeps): SessionKeeping {
  const known = async (session: string): Promise<SessionRow> => {
    const row = await sessionRow(db, session);
    if (!row) throw unknownSession(session);
    return row;
  };

  return {
    row: (session) => sessionRow(db, session),

    async details(session) {
      const row = await known(session);
      const settings = await sessionSettings(db, session);
      const route = await routeOf(db, session);
      const alias = await aliasOf(db, session);
      const unsent = await listDeliveries(db, { session, states: ['queued', 'frozen', 'held', 'failed'], limit: DELIVERIES });
      const now = await engine.view(session).catch(() => undefined);
      return {
        row, settings,
        conversations: await conversationsOf(db, session),
        queue: resolveQueue(queue(), settings.queue ?? {}, route?.channel ?? RPC_CHANNEL),
        ...(route ? { route } : {}),
        ...(alias ? { alias } : {}),
        aliases: await aliasesOf(db, session),
        costUsd: await costOf(db, session),
        deliveries: unsent.map(({ id, state, to }) => ({ id, state, channel: to.channel })),
        ...(now ? { now } : {}),
      };
    },

    async page(session, after, limit) {
      await known(session);
      const { rows, more } = await pageOf(db, session, after, limit);
      const ids = await runIdsOf(db, rows);
      return { more, rows: rows.map((row): HistoryRow => ({ ...row, ...(ids.has(row.run) ? { runId: ids.get(row.run)! } : {}) })) };
    },

    search: (query) => searchTranscript(db, query),

    async change(session, { label, settings = {} }) {
      await known(session);
      await db.transaction().execute(async (tx) => {
        if (label !== undefined) await setLabel(tx, session, label);
        if (Object.keys(settings).length > 0) await setSessionSettings(tx, session, settings);
      });
      return known(session);
    },
  };
}

export const unknownSession = (session: string): CodedError => new CodedError('NOT_FOUND', `there is no session ${session}`, 'See the sessions there are: openclaw sessions list');
