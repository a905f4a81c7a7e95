/**
 * What clients read of runs, sessions and history: joins over rows, no state of its own. Every list has a bound.
 */
import type { InboundState } from '../core/run.js';
import type { InboundMessage } from '../core/message.js';
import type { Usage } from '../core/model.js';
import type { EndedCursor, HistoryRow, PendingRow, RowStore, SessionRow } from '../core/rows.js';
import { type ExpressionBuilder, type SqlBool, sql } from 'kysely';
import { ensureSession } from './fence.js';
import { type Inbound, decode, inboundByRun, inboundByRunId } from './inbound.js';
import type { Db } from './sqlite.js';
import type { Tables } from './tables.js';
import { historyPage, rowAt, runRows } from './transcript.js';
import { type ToolAttempt, modelAttempts, toolAttempts, usageOfRuns } from './usage.js';

export function createRunReader(db: Db): RowStore {
  return {
    run: async (runId: string, session?: string) => one(await inboundByRunId(db, runId, session)),
    runByHash: async (run: string) => one(await inboundByRun(db, run)),

    async listRuns(query: { readonly session?: string; readonly state?: readonly InboundState[]; readonly limit: number; readonly offset?: number }) {
      const where = (e: ExpressionBuilder<Tables, 'inbound'>) =>
        e.and([...(query.session === undefined ? [] : [e('session', '=', query.session)]), ...(query.state === undefined ? [] : [e('state', 'in', query.state)])]);
      const rows = await db.selectFrom('inbound').selectAll().where(where).orderBy('accepted_at', 'desc').orderBy('id').limit(query.limit).offset(query.offset ?? 0).execute();
      const { count } = await db.selectFrom('inbound').select((e) => e.fn.countAll().as('count')).where(where).executeTakeFirstOrThrow();
      return { runs: await many(rows.map(decode)), total: Number(count) };
    },

    async endedSince(cursor: EndedCursor, limit: number) {
      const rows = await db
        .selectFrom('inbound')
        .select(['id', 'run', 'ended_at'])
        .where((e) => e.or([e('ended_at', '>', cursor.endedAt), e.and([e('ended_at', '=', cursor.endedAt), e('id', '>', cursor.inboundId)])]))
        .orderBy('ended_at')
        .orderBy('id')
        .limit(limit)
        .execute();
      return rows.map((row) => ({ inboundId: row.id, run: row.run, endedAt: Number(row.ended_at) }));
    },

    async history(session: string, query: { readonly limit: number; readonly beforeSeq?: number; readonly offset?: number }) {
      const known = await db.selectFrom('sessions').select('conversation').where('key', '=', session).executeTakeFirst();
      if (!known) return { rows: [], total: 0 };
      const page = await historyPage(db, session, known.conversation, { limit: query.limit, offset: query.offset ?? 0, ...(query.beforeSeq === undefined ? {} : { beforeSeq: query.beforeSeq }) });
      const runs = [...new Set(page.rows.map((row) => row.run))];
      const ids = runs.length === 0 ? [] : await db.selectFrom('inbound').select(['run', 'run_id']).where('run', 'in', runs).execute();
      const idOf = new Map(ids.map((row) => [row.run, row.run_id]));
      const rows = page.rows.map((row): HistoryRow => {
        const runId = idOf.get(row.run);
        return runId === undefined ? row : { ...row, runId };
      });
      return { conversation: known.conversation, rows, total: page.total };
    },

    async pending(session: string) {
      const rows = await db.selectFrom('inbound').selectAll().where('session', '=', session).where('state', 'in', ['accepted', 'signalled']).orderBy('accepted_at').orderBy('id').execute();
      return many(rows.map(decode));
    },

    async listSessions(query: { readonly limit: number; readonly offset?: number; readonly search?: string }) {
      const pattern = query.search === undefined ? undefined : `%${query.search.toLowerCase().replace(/[\\%_]/g, '\\$&')}%`;
      const where = (e: ExpressionBuilder<Tables, 'sessions'>) => 
        // SQLite knows no escape character unless it is named.
        pattern === undefined ? e.and([]) : sql<SqlBool>`(${e.ref('key')} like ${pattern} escape '\\' or lower(${e.ref('label')}) like ${pattern} escape '\\')`;
      const rows = await db.selectFrom('sessions').selectAll().where(where).orderBy('updated_at', 'desc').orderBy('key').limit(query.limit).offset(query.offset ?? 0).execute();
      const { count } = await db.selectFrom('sessions').select((e) => e.fn.countAll().as('count')).where(where).executeTakeFirstOrThrow();
      return { sessions: await Promise.all(rows.map((row) => sessionRecord(row.key))), total: Number(count) };
    },

    async createSession(key: string, label?: string) {
      await ensureSession(db, { key, agent: key.split(':')[1] ?? 'main', channel: 'rpc' });
      if (label !== undefined) await db.updateTable('sessions').set({ label }).where('key', '=', key).execute();
      return sessionRecord(key);
    },

    async timeline(run: string) {
      const attempts = (await modelAttempts(db, run)).map((a) => ({
        step: a.step, attempt: a.attempt, provider: a.provider, model: a.model, startedAt: a.startedAt, endedAt: a.endedAt, usage: a.usage,
        state: a.outcome === 'ok' ? ('ok' as const) : a.outcome === 'aborted' ? ('aborted' as const) : ('error' as const),
        ...(a.outcome === 'ok' || a.outcome === 'aborted' ? {} : { code: a.outcome }),
        ...(a.costUsd === undefined ? {} : { costUsd: a.costUsd }),
      }));
      const tools: readonly ToolAttempt[] = await toolAttempts(db, run);
      return { attempts, rows: await runRows(db, run), tools };
    },
  };

  async function one(row: Inbound | undefined): Promise<PendingRow | undefined> {
    return row && (await many([row]))[0];
  }

  async function many(rows: readonly Inbound[]): Promise<PendingRow[]> {
    const usage = await usageOfRuns(db, rows.map((row) => row.run));
    return Promise.all(rows.map((row) => record(row, usage.get(row.run))));
  }

  async function record(row: Inbound, spent: { readonly usage: Usage; readonly costUsd: number; readonly steps: number; readonly model?: string } | undefined): Promise<PendingRow> {
    const last = row.outcome?.seq === undefined ? undefined : (await rowAt(db, row.session, row.outcome.seq))?.content;
    const [provider, ...model] = spent?.model?.split('/') ?? [];
    const facts = spent ? { usage: spent.usage, costUsd: spent.costUsd, ...(provider === undefined ? {} : { provider, model: model.join('/') }) } : {};
    const said =
      last?.type === 'assistant' ? { text: last.text, provider: last.provider, model: last.model }
      : last?.type === 'aborted' ? { text: last.text, ...(row.outcome?.state === 'error' ? { errorMessage: last.reason } : {}) }
      : last?.type === 'error' ? { errorMessage: last.message }
      : {};
    return {
      inboundId: row.inboundId, runId: row.runId, run: row.run, session: row.session, principal: row.principal, state: row.state,
      acceptedAt: row.at, text: row.message.text, steps: spent?.steps ?? 0,
      ...(row.takenAt === undefined ? {} : { takenAt: row.takenAt }),
      ...(row.endedAt === undefined ? {} : { endedAt: row.endedAt }),
      ...(row.outcome ? { outcome: { ...row.outcome, ...facts, ...said } } : {}),
      ...(spent ? { usage: spent.usage, costUsd: spent.costUsd, ...(spent.model === undefined ? {} : { model: spent.model }) } : {}),
      ...(row.mergedInto === undefined ? {} : { mergedInto: row.mergedInto }),
      ...(row.state === 'dropped' && row.reason !== undefined ? { dropped: row.reason } : {}),
    };
  }

  async function sessionRecord(key: string): Promise<SessionRow> {
    const row = await db.selectFrom('sessions').selectAll().where('key', '=', key).executeTakeFirstOrThrow();
    const open = await db.selectFrom('inbound').select(['run_id', 'state']).where('session', '=', key).where('state', 'in', ['accepted', 'signalled', 'taken']).orderBy('accepted_at').execute();
    const last = await db.selectFrom('inbound').select(['run_id', 'state', 'reason', 'message']).where('session', '=', key).orderBy('accepted_at', 'desc').limit(1).executeTakeFirst();
    const spent = await db
      .selectFrom('usage')
      .select((e) => [e.fn.sum('input').as('input'), e.fn.sum('output').as('output'), e.fn.sum('cache_read').as('cache_read'), e.fn.sum('cache_write').as('cache_write')])
      .where('session', '=', key)
      .executeTakeFirst();
    const newest = await db.selectFrom('usage').select(['provider', 'model']).where('session', '=', key).orderBy('started_at', 'desc').limit(1).executeTakeFirst();
    return {
      key: row.key, agent: row.agent, conversation: row.conversation, createdAt: Number(row.created_at), updatedAt: Number(row.updated_at),
      ...(row.label === null ? {} : { label: row.label }),
      activeRunIds: open.filter((r) => r.state === 'taken').map((r) => r.run_id),
      queued: open.filter((r) => r.state !== 'taken').length,
      ...(last ? { lastRun: { runId: last.run_id, state: last.state, text: (JSON.parse(last.message) as InboundMessage).text, ...(last.state === 'error' && last.reason !== null ? { error: last.reason } : {}) } } : {}),
      ...(newest ? { provider: newest.provider, model: newest.model } : {}),
      usage: { input: Number(spent?.input ?? 0), output: Number(spent?.output ?? 0), cacheRead: Number(spent?.cache_read ?? 0), cacheWrite: Number(spent?.cache_write ?? 0) },
    };
  }
}
