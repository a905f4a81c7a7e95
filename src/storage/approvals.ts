/**
 * Approvals and grants. Invariants: one approval per call; a decision is made once, by one transaction; what was
 * allowed is the request as it was shown.
 */
import { createHash } from 'node:crypto';
import type { ExpressionBuilder, Insertable, Selectable } from 'kysely';
import type { Approval, ApprovalDecision, ApprovalRequest, ApprovalState, Grant } from '../core/approval.js';
import { shortId } from '../core/short-id.js';
import type { Tx } from './fence.js';
import type { Db } from './sqlite.js';
import type { ApprovalsTable, GrantsTable, Tables } from './tables.js';

/** The same for every attempt of one call. */
export const approvalId = (key: string): string => shortId('ap', createHash('sha256').update(key).digest());

export const callKey = (at: { readonly run: string; readonly step: number; readonly index: number }): string => `${at.run}:${at.step}.${at.index}`;

/** What makes two requests the same: tool, command, folder, variables, background. */
export const requestHash = (request: ApprovalRequest): string =>
  createHash('sha256').update(JSON.stringify([request.tool, request.command, request.cwd ?? '', Object.entries(request.env ?? {}).toSorted(([a], [b]) => (a < b ? -1 : 1)), request.background === true])).digest('hex');

type NewApproval = Pick<Approval, 'id' | 'agent' | 'request' | 'call' | 'expiresAt'>;

/** Puts the question unless it was put. @returns the row as it is now, and whether it is new */
export async function putApproval(tx: Tx, asked: NewApproval): Promise<{ readonly approval: Approval; readonly isNew: boolean }> {
  const now = Date.now();
  const { call } = asked;
  const row: Insertable<ApprovalsTable> = {
    id: asked.id, call_key: call ? callKey(call) : null, agent: asked.agent,
    session: call?.session ?? null, run: call?.run ?? null, run_id: call?.runId ?? null, step: call?.step ?? null, call_index: call?.index ?? null, call_seq: call?.callSeq ?? null,
    request: JSON.stringify(asked.request), state: 'open', decision: null, decided_by: null, reason: null,
    created_at: now, expires_at: asked.expiresAt ?? null, decided_at: null, handed_on_at: null, signalled_at: null, settled_at: null, updated_at: now,
  };
  const { numInsertedOrUpdatedRows } = await tx.insertInto('approvals').values(row).onConflict((c) => c.doNothing()).executeTakeFirst();
  const approval = await approvalById(tx, asked.id);
  if (!approval) throw new Error(`approval ${asked.id} is not there`);
  return { approval, isNew: (numInsertedOrUpdatedRows ?? 0n) > 0n };
}

export async function approvalById(db: Db | Tx, id: string): Promise<Approval | undefined> {
  const row = await db.selectFrom('approvals').selectAll().where('id', '=', id).executeTakeFirst();
  return row && decode(row);
}

export async function approvalOfCall(db: Db | Tx, key: string): Promise<Approval | undefined> {
  const row = await db.selectFrom('approvals').selectAll().where('call_key', '=', key).executeTakeFirst();
  return row && decode(row);
}

export interface ApprovalQuery {
  readonly open?: boolean;
  readonly session?: string;
  /** Hash of a run. */
  readonly run?: string;
}

const matching = ({ open, session, run }: ApprovalQuery) => (e: ExpressionBuilder<Tables, 'approvals'>) =>
  e.and([
    // Those past their time stay `open` in the table; they must not fill the list.
    ...(open === true ? [e('state', '=', 'open'), e.or([e('expires_at', 'is', null), e('expires_at', '>', Date.now())])] : []),
    ...(session === undefined ? [] : [e('session', '=', session)]),
    ...(run === undefined ? [] : [e('run', '=', run)]),
  ]);

/** Newest first. */
export async function listApprovals(db: Db, query: ApprovalQuery & { readonly limit: number; readonly offset?: number }): Promise<Approval[]> {
  const rows = await db.selectFrom('approvals').selectAll().where(matching(query)).orderBy('created_at', 'desc').orderBy('id').limit(query.limit).offset(query.offset ?? 0).execute();
  return rows.map(decode);
}

export async function countApprovals(db: Db, query: ApprovalQuery): Promise<number> {
  const { count } = await db.selectFrom('approvals').select((e) => e.fn.countAll().as('count')).where(matching(query)).executeTakeFirstOrThrow();
  return Number(count);
}

/** Hashes of the runs that do not go on before somebody answers. */
export async function runsThatAsk(db: Db): Promise<string[]> {
  const rows = await db.selectFrom('approvals').select('run').distinct().where(matching({ open: true })).where('handed_on_at', 'is', null).where('run', 'is not', null).execute();
  return rows.flatMap(({ run }) => (run === null ? [] : [run]));
}

/** Rows asked for or changed after the cursor, in the order of their change. */
export async function approvalsChangedSince(db: Db, cursor: { readonly updatedAt: number; readonly id: string }, limit: number): Promise<Approval[]> {
  const rows = await db
    .selectFrom('approvals')
    .selectAll()
    .where((e) => e.or([e('updated_at', '>', cursor.updatedAt), e.and([e('updated_at', '=', cursor.updatedAt), e('id', '>', cursor.id)])]))
    .orderBy('updated_at')
    .orderBy('id')
    .limit(limit)
    .execute();
  return rows.map(decode);
}

/** Decides an open one. @returns whether this call decided it: a second answer changes nothing */
export async function decideApproval(tx: Tx, id: string, decision: ApprovalDecision, by: string, reason?: string): Promise<boolean> {
  const now = Date.now();
  const { numUpdatedRows } = await tx
    .updateTable('approvals')
    .set({ state: decision === 'deny' ? 'denied' : 'allowed', decision, decided_by: by, reason: reason ?? null, decided_at: now, updated_at: now })
    .where('id', '=', id)
    .where('state', '=', 'open')
    .where((e) => e.or([e('expires_at', 'is', null), e('expires_at', '>', now)]))
    .executeTakeFirst();
  if (numUpdatedRows === 0n) return false;
  const approval = await approvalById(tx, id);
  if (approval && decision === 'allow-always') await grant(tx, approval, by);
  return true;
}

/** Open ones of the same agent that ask for exactly the same. */
export async function sameQuestions(tx: Tx, approval: Approval): Promise<Approval[]> {
  const rows = await tx.selectFrom('approvals').selectAll().where('agent', '=', approval.agent).where('state', '=', 'open').where('id', '<>', approval.id).execute();
  const hash = requestHash(approval.request);
  return rows.map(decode).filter((other) => other.state === 'open' && requestHash(other.request) === hash);
}

/** The turn goes on without it. @returns false when it is no longer open */
export async function markHandedOn(tx: Tx, id: string): Promise<boolean> {
  const now = Date.now();
  const { numUpdatedRows } = await tx.updateTable('approvals').set({ handed_on_at: now, updated_at: now }).where('id', '=', id).where('state', '=', 'open').executeTakeFirst();
  return numUpdatedRows > 0n;
}

/** The call has its result. */
export const settleApproval = (tx: Tx, key: string): Promise<unknown> =>
  tx.updateTable('approvals').set({ settled_at: Date.now() }).where('call_key', '=', key).where('settled_at', 'is', null).execute();

/** A conversation that ends takes all its questions with it, also those whose turn went on. @returns which, now cancelled */
export async function cancelSessionApprovals(tx: Tx, session: string, reason: string): Promise<{ readonly id: string; readonly run: string; readonly runId: string }[]> {
  const now = Date.now();
  const rows = await tx
    .updateTable('approvals')
    .set({ state: 'cancelled', reason, decided_at: now, settled_at: now, updated_at: now })
    .where('session', '=', session)
    .where('state', '=', 'open')
    .returning(['id', 'run', 'run_id'])
    .execute();
  return rows.map((row) => ({ id: row.id, run: row.run ?? '', runId: row.run_id ?? '' }));
}

/** A run that ended asks nothing more and carries nothing out; what it handed on outlives it. @returns ids of the open ones, now cancelled */
export async function cancelApprovals(tx: Tx, run: string, reason: string): Promise<string[]> {
  const now = Date.now();
  const rows = await tx
    .updateTable('approvals')
    .set({ state: 'cancelled', reason, decided_at: now, settled_at: now, updated_at: now })
    .where('run', '=', run)
    .where('state', '=', 'open')
    .where('handed_on_at', 'is', null)
    .returning('id')
    .execute();
  await tx.updateTable('approvals').set({ settled_at: now }).where('run', '=', run).where('settled_at', 'is', null).where('handed_on_at', 'is', null).execute();
  return rows.map((row) => row.id);
}

export const markDecisionSignalled = (db: Db, id: string): Promise<unknown> => db.updateTable('approvals').set({ signalled_at: Date.now() }).where('id', '=', id).execute();

/** Decided, and the engine may not have heard of it: signalled again by the sweeper. */
export async function undeliveredDecisions(db: Db, before: number): Promise<Approval[]> {
  const rows = await db
    .selectFrom('approvals')
    .selectAll()
    .where('state', 'in', ['allowed', 'denied'])
    .where('session', 'is not', null)
    // A session that handed it on shows what it waits for until it hears, also when the follow-on has run.
    .where((e) => e.or([e('settled_at', 'is', null), e('handed_on_at', 'is not', null)]))
    .where('signalled_at', 'is', null)
    .where('decided_at', '<', before)
    .execute();
  return rows.map(decode);
}

/** Open approvals of turns that went on. */
export async function handedOnApprovals(db: Db | Tx, session: string): Promise<string[]> {
  const rows = await db.selectFrom('approvals').select('id').where('session', '=', session).where('state', '=', 'open').where('handed_on_at', 'is not', null).execute();
  return rows.map((row) => row.id);
}

// --- grants ---------------------------------------------------------------------------------------------------

/** Once: what is granted already stays as it was granted. @returns the grant that covers it now */
export async function grant(tx: Tx, approval: Approval, by: string): Promise<Grant | undefined> {
  const { why: _, ...request } = approval.request;
  await tx
    .insertInto('grants')
    .values({ id: `gr-${approval.id.replace(/^ap-/, '')}`, agent: approval.agent, request_hash: requestHash(request), request: JSON.stringify(request), approval: approval.id, granted_by: by, created_at: Date.now() })
    .onConflict((c) => c.doNothing())
    .execute();
  return grantOf(tx, approval.agent, request);
}

export async function grantOf(db: Db | Tx, agent: string, request: ApprovalRequest): Promise<Grant | undefined> {
  const row = await db.selectFrom('grants').selectAll().where('agent', '=', agent).where('request_hash', '=', requestHash(request)).executeTakeFirst();
  return row && decodeGrant(row);
}

export const isGranted = async (db: Db | Tx, agent: string, request: ApprovalRequest): Promise<boolean> => (await grantOf(db, agent, request)) !== undefined;

export async function listGrants(db: Db): Promise<Grant[]> {
  const rows = await db.selectFrom('grants').selectAll().orderBy('created_at', 'desc').execute();
  return rows.map(decodeGrant);
}

/** @returns what was revoked */
export async function revokeGrant(db: Db, id: string): Promise<Grant | undefined> {
  const row = await db.deleteFrom('grants').where('id', '=', id).returningAll().executeTakeFirst();
  return row && decodeGrant(row);
}

const decodeGrant = (row: Selectable<GrantsTable>): Grant => ({
  id: row.id, agent: row.agent, request: JSON.parse(row.request) as ApprovalRequest, approval: row.approval, grantedBy: row.granted_by, createdAt: Number(row.created_at),
});

function decode(row: Selectable<ApprovalsTable>): Approval {
  const expired = row.state === 'open' && row.expires_at !== null && Number(row.expires_at) <= Date.now();
  const state: ApprovalState = expired ? 'expired' : row.state;
  return {
    id: row.id,
    state,
    request: JSON.parse(row.request) as ApprovalRequest,
    agent: row.agent,
    ...(row.session === null || row.run === null
      ? {}
      : { call: { session: row.session, run: row.run, runId: row.run_id ?? row.run, step: Number(row.step), index: Number(row.call_index), callSeq: Number(row.call_seq) } }),
    ...(row.decision === null ? {} : { decision: row.decision }),
    ...(row.decided_by === null ? {} : { decidedBy: row.decided_by }),
    ...(row.reason === null ? {} : { reason: row.reason }),
    createdAt: Number(row.created_at),
    ...(row.expires_at === null ? {} : { expiresAt: Number(row.expires_at) }),
    ...(row.decided_at === null ? {} : { decidedAt: Number(row.decided_at) }),
    ...(row.handed_on_at === null ? {} : { handedOnAt: Number(row.handed_on_at) }),
    ...(row.settled_at === null ? {} : { settledAt: Number(row.settled_at) }),
    updatedAt: Number(row.updated_at),
  };
}
