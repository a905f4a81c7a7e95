/**
 * What clients read of sessions: a page with what runs, waits, was last asked and what it all cost.
 * Invariant: a page takes the same few statements however many sessions it holds, each answered from an index: the
 * store is synchronous, so a scan here is a pause of the whole gateway.
 */
import { type ExpressionBuilder, type Selectable, type SqlBool, sql } from 'kysely';
import type { InboundMessage } from '../core/message.js';
import { NO_USAGE, type Usage } from '../core/model.js';
import { DEFAULT_AGENT, RPC_CHANNEL } from '../core/names.js';
import type { RowStore, SessionRow } from '../core/rows.js';
import { type Tx, ensureSession } from './fence.js';
import type { Db } from './sqlite.js';
import type { SessionsTable, Tables } from './tables.js';

export function createSessionReader(db: Db): Pick<RowStore, 'listSessions' | 'createSession'> {
  return {
    async listSessions(query) {
      const pattern = query.search === undefined ? undefined : `%${query.search.toLowerCase().replace(/[\\%_]/g, '\\$&')}%`;
      const where = (e: ExpressionBuilder<Tables, 'sessions'>) =>
        // SQLite knows no escape character unless it is named.
        e.and([e('deleted_at', 'is', null), ...(pattern === undefined ? [] : [sql<SqlBool>`(${e.ref('key')} like ${pattern} escape '\\' or lower(${e.ref('label')}) like ${pattern} escape '\\')`])]);
      const rows = await db.selectFrom('sessions').selectAll().where(where).orderBy('updated_at', 'desc').orderBy('key').limit(query.limit).offset(query.offset ?? 0).execute();
      const { count } = await db.selectFrom('sessions').select((e) => e.fn.countAll().as('count')).where(where).executeTakeFirstOrThrow();
      return { sessions: await summaries(db, rows), total: Number(count) };
    },

    async createSession(key, label) {
      await ensureSession(db, { key, agent: key.split(':')[1] ?? DEFAULT_AGENT, channel: RPC_CHANNEL });
      if (label !== undefined) await db.updateTable('sessions').set({ label }).where('key', '=', key).execute();
      const row = await db.selectFrom('sessions').selectAll().where('key', '=', key).executeTakeFirstOrThrow();
      return (await summaries(db, [row]))[0]!;
    },
  };
}

/** @returns nothing for one that is not there, or was deleted */
export async function sessionRow(db: Db, key: string): Promise<SessionRow | undefined> {
  const row = await db.selectFrom('sessions').selectAll().where('key', '=', key).where('deleted_at', 'is', null).executeTakeFirst();
  return row && (await summaries(db, [row]))[0];
}

export async function setLabel(tx: Tx, key: string, label: string | null): Promise<void> {
  await tx.updateTable('sessions').set({ label }).where('key', '=', key).execute();
}

async function summaries(db: Db, rows: readonly Selectable<SessionsTable>[]): Promise<SessionRow[]> {
  if (rows.length === 0) return [];
  const keys = rows.map((row) => row.key);
  const running = Map.groupBy(await runningRuns(db, keys), (run) => run.session);
  const waiting = new Map((await waitingCounts(db, keys)).map((row) => [row.session, Number(row.count)]));
  const last = new Map((await lastRuns(db, keys)).map((run) => [run.session, run]));
  const spent = await usageOfSessions(db, keys);
  const models = new Map((await lastModels(db, keys)).map((row) => [row.session, row]));
  return rows.map((row) => {
    const run = last.get(row.key);
    const model = models.get(row.key);
    return {
      key: row.key, agent: row.agent, conversation: row.conversation, createdAt: Number(row.created_at), updatedAt: Number(row.updated_at),
      ...(row.label === null ? {} : { label: row.label }),
      activeRunIds: (running.get(row.key) ?? []).map((one) => one.run_id),
      queued: waiting.get(row.key) ?? 0,
      ...(run ? { lastRun: { runId: run.run_id, state: run.state, text: (JSON.parse(run.message) as InboundMessage).text, ...(run.state === 'error' && run.reason !== null ? { error: run.reason } : {}) } } : {}),
      ...(model ? { provider: model.provider, model: model.model } : {}),
      usage: spent.get(row.key) ?? NO_USAGE,
    };
  });
}

const runningRuns = (db: Db, keys: readonly string[]) =>
  db.selectFrom('inbound').select(['session', 'run_id']).where('session', 'in', keys).where('state', '=', 'taken').orderBy('accepted_at').orderBy('id').execute();

const waitingCounts = (db: Db, keys: readonly string[]) =>
  db.selectFrom('inbound').select((e) => ['session', e.fn.countAll().as('count')]).where('session', 'in', keys).where('state', 'in', ['accepted', 'signalled']).groupBy('session').execute();

/** The newest message of each; a subquery a session ends at the first entry of its index. */
const lastRuns = (db: Db, keys: readonly string[]) =>
  db
    .selectFrom('sessions')
    .innerJoin('inbound', (join) =>
      join.on((e) => e('inbound.id', '=', e.selectFrom('inbound as newer').select('newer.id').whereRef('newer.session', '=', 'sessions.key').orderBy('newer.accepted_at', 'desc').orderBy('newer.id', 'desc').limit(1))),
    )
    .select(['inbound.session', 'inbound.run_id', 'inbound.state', 'inbound.reason', 'inbound.message'])
    .where('sessions.key', 'in', keys)
    .where('inbound.erased_at', 'is', null)
    .execute();

/** The model each asked last. */
const lastModels = (db: Db, keys: readonly string[]) =>
  db
    .selectFrom('sessions')
    .innerJoin('usage', (join) =>
      join.on((e) => e('usage.id', '=', e.selectFrom('usage as newer').select('newer.id').whereRef('newer.session', '=', 'sessions.key').orderBy('newer.started_at', 'desc').limit(1))),
    )
    .select(['usage.session', 'usage.provider', 'usage.model'])
    .where('sessions.key', 'in', keys)
    .execute();

async function usageOfSessions(db: Db, keys: readonly string[]): Promise<ReadonlyMap<string, Usage>> {
  const rows = await db
    .selectFrom('usage')
    .select((e) => ['session', e.fn.sum('input').as('input'), e.fn.sum('output').as('output'), e.fn.sum('cache_read').as('cache_read'), e.fn.sum('cache_write').as('cache_write')])
    .where('session', 'in', keys)
    .groupBy('session')
    .execute();
  return new Map(rows.map((row) => [row.session, { input: Number(row.input), output: Number(row.output), cacheRead: Number(row.cache_read), cacheWrite: Number(row.cache_write) }]));
}
