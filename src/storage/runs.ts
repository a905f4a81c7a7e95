/**
 * What clients read of runs and history: joins over rows, no state of its own. Every list has a bound, and a page of
 * runs takes the same few statements however long it is. Sessions: `sessions.ts`.
 */
import type { InboundState } from '../core/run.js';
import type { Usage } from '../core/model.js';
import { RPC_CHANNEL } from '../core/names.js';
import type { EndedCursor, HistoryRow, RowStore, RunDelivery, RunRow } from '../core/rows.js';
import type { RowContent } from '../core/transcript.js';
import { type ExpressionBuilder, type SqlBool, sql } from 'kysely';
import { deliveriesOfRuns } from './deliveries.js';
import { type Inbound, decode, inboundByRun, inboundByRunId } from './inbound.js';
import { createSessionReader } from './sessions.js';
import type { Db } from './sqlite.js';
import type { Tables } from './tables.js';
import { historyPage, runRows } from './transcript.js';
import { modelAttempts, toolAttempts, usageOfRuns } from './usage.js';

export function createRunReader(db: Db): RowStore {
  return {
    ...createSessionReader(db),

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

    async timeline(run: string) {
      const attempts = (await modelAttempts(db, run)).map((a) => ({
        step: a.step, attempt: a.attempt, provider: a.provider, model: a.model, startedAt: a.startedAt, endedAt: a.endedAt, usage: a.usage,
        state: a.outcome === 'ok' ? ('ok' as const) : a.outcome === 'aborted' ? ('aborted' as const) : ('error' as const),
        ...(a.outcome === 'ok' || a.outcome === 'aborted' ? {} : { code: a.outcome }),
        ...(a.costUsd === undefined ? {} : { costUsd: a.costUsd }),
      }));
      return { attempts, rows: await runRows(db, run), tools: await toolAttempts(db, run) };
    },
  };

  async function one(row: Inbound | undefined): Promise<RunRow | undefined> {
    return row && (await many([row]))[0];
  }

  async function many(rows: readonly Inbound[]): Promise<RunRow[]> {
    const usage = await usageOfRuns(db, rows.map((row) => row.run));
    const last = await lastRows(rows);
    const sent = await repliesOf(rows);
    return rows.map((row) => record(row, usage.get(row.run), last.get(row.inboundId), sent.get(row.run)));
  }

  async function repliesOf(rows: readonly Inbound[]): Promise<ReadonlyMap<string, RunDelivery>> {
    const found = await deliveriesOfRuns(db, rows.filter((row) => row.channel !== RPC_CHANNEL).map((row) => row.run));
    return new Map(found.flatMap(({ run, kind, id, to, state, reason }) => (run === undefined || kind !== 'reply' ? [] : [[run, { id, channel: to.channel, account: to.account, state, ...(reason === undefined ? {} : { reason }) }] as const])));
  }

  /** What ended each run: the content of the row its outcome names. */
  async function lastRows(rows: readonly Inbound[]): Promise<ReadonlyMap<string, RowContent>> {
    const ended = rows.flatMap((row) => (row.outcome?.seq === undefined ? [] : [{ id: row.inboundId, session: row.session, seq: row.outcome.seq }]));
    if (ended.length === 0) return new Map();
    const pairs = sql.join(ended.map(({ session, seq }) => sql`(${session}, cast(${seq} as bigint))`));
    const found = await db
      .selectFrom('transcript')
      .select(['session', 'seq', 'content'])
      // SQLite takes a list of pairs only as `values`.
      .where((e) => sql<SqlBool>`(${e.ref('session')}, ${e.ref('seq')}) in (values ${pairs})`)
      .execute();
    const at = (session: string, seq: number): string => `${session} ${seq}`;
    const contents = new Map(found.map((row) => [at(row.session, Number(row.seq)), row.content]));
    return new Map(ended.flatMap(({ id, session, seq }) => {
      const content = contents.get(at(session, seq));
      return content === undefined ? [] : [[id, JSON.parse(content) as RowContent] as const];
    }));
  }

  function record(row: Inbound, spent: { readonly usage: Usage; readonly costUsd: number; readonly steps: number; readonly model?: string } | undefined, last: RowContent | undefined, delivery: RunDelivery | undefined): RunRow {
    const [provider, ...model] = spent?.model?.split('/') ?? [];
    const facts = spent ? { usage: spent.usage, costUsd: spent.costUsd, ...(provider === undefined ? {} : { provider, model: model.join('/') }) } : {};
    const said =
      last?.type === 'assistant' ? { text: last.text, provider: last.provider, model: last.model }
      : last?.type === 'aborted' ? { text: last.text, ...(row.outcome?.state === 'error' ? { errorMessage: last.reason } : {}) }
      : last?.type === 'error' ? { errorMessage: last.message }
      // A new conversation that was begun without a word says so.
      : last?.type === 'notice' ? { text: last.text }
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
      ...(delivery ? { delivery } : {}),
    };
  }
}
