/**
 * `inbound` rows: acceptance, and what became of each message. A message exists from the commit of its row on.
 * States only move forward: `accepted → signalled → taken → terminal`; a terminal row never changes again.
 */
import type { InboundMessage } from '../core/message.js';
import type { TurnRequest } from '../core/ports.js';
import { clip } from '../core/names.js';
import type { DropReason, InboxItem, QueueRules } from '../core/queue.js';
import { type InboundState, type RunOutcome, TERMINAL_STATES, isTerminal } from '../core/run.js';
import type { Insertable, Selectable } from 'kysely';
import type { Tx } from './fence.js';
import { closeRun } from './ledger.js';
import { inboundSource, noteMedia } from './media-uses.js';
import type { Db } from './sqlite.js';
import type { InboundTable } from './tables.js';

export interface Inbound extends InboxItem {
  readonly runId: string;
  readonly session: string;
  readonly channel: string;
  readonly state: InboundState;
  readonly payloadHash: string;
  readonly message: InboundMessage;
  readonly request: TurnRequest;
  readonly outcome?: RunOutcome;
  readonly mergedInto?: string;
  readonly reason?: string;
  readonly signalledAt?: number;
  readonly takenAt?: number;
  readonly endedAt?: number;
}

/** States a session still has to work on. `held` belongs to pairing. */
const OPEN_STATES: readonly InboundState[] = ['accepted', 'signalled', 'taken'];

/** `rules`: how it waits, JSON. */
export type NewInbound = Omit<Insertable<InboundTable>, 'outcome' | 'merged_into' | 'reason' | 'signalled_at' | 'taken_at' | 'ended_at' | 'erased_at' | 'rules'> & { readonly rules?: string };

/** Inserts unless its message key or run is known. @returns whether it was new */
export async function insertInbound(tx: Tx, row: NewInbound): Promise<boolean> {
  const { numInsertedOrUpdatedRows } = await tx
    .insertInto('inbound')
    .values({ ...row, rules: row.rules ?? null, outcome: null, merged_into: null, reason: null, signalled_at: null, taken_at: null, ended_at: null, erased_at: null })
    .onConflict((c) => c.doNothing())
    .executeTakeFirst();
  const isNew = (numInsertedOrUpdatedRows ?? 0n) > 0n;
  if (isNew) await noteMedia(tx, inboundSource(row.id), row.message);
  return isNew;
}

export const inboundById = (db: Db | Tx, id: string): Promise<Inbound | undefined> => one(db, 'id', id);
export const inboundByRun = (db: Db | Tx, run: string): Promise<Inbound | undefined> => one(db, 'run', run);

export async function inboundOfPrincipal(db: Db | Tx, principal: string, runId: string): Promise<Inbound | undefined> {
  const row = await db.selectFrom('inbound').selectAll().where('principal', '=', principal).where('run_id', '=', runId).executeTakeFirst();
  return row && decode(row);
}

/** Whoever's run of that id; the newest when several principals used it. */
export async function inboundByRunId(db: Db, runId: string, session?: string): Promise<Inbound | undefined> {
  let query = db.selectFrom('inbound').selectAll().where('run_id', '=', runId);
  if (session !== undefined) query = query.where('session', '=', session);
  const row = await query.orderBy('accepted_at', 'desc').executeTakeFirst();
  return row && decode(row);
}

/** Gives a message that no turn has taken its sender's newer words. @returns false when one has */
export async function mendWaiting(db: Db, id: string, { text, attachments }: Pick<InboundMessage, 'text' | 'attachments'>): Promise<boolean> {
  return db.transaction().execute(async (tx) => {
    const known = await inboundById(tx, id);
    if (!known) return false;
    const message = JSON.stringify({ ...known.message, text, attachments: attachments.length > 0 ? attachments : known.message.attachments });
    const { numUpdatedRows } = await tx.updateTable('inbound').set({ message }).where('id', '=', id).where('state', 'in', ['accepted', 'signalled']).executeTakeFirst();
    if (numUpdatedRows > 0n) await noteMedia(tx, inboundSource(id), message);
    return numUpdatedRows > 0n;
  });
}

/** `accepted → signalled`; a row that is further on stays where it is. */
export async function markSignalled(db: Db, id: string): Promise<void> {
  await db.updateTable('inbound').set({ state: 'signalled', signalled_at: Date.now() }).where('id', '=', id).where('state', '=', 'accepted').execute();
}

/** @returns false when the row is terminal (or held) already */
export async function markTaken(tx: Tx, id: string): Promise<boolean> {
  const { numUpdatedRows } = await tx
    .updateTable('inbound')
    .set((e) => ({ state: 'taken' as const, taken_at: e.fn.coalesce('taken_at', e.val(Date.now())) }))
    .where('id', '=', id)
    .where('state', 'in', OPEN_STATES)
    .executeTakeFirst();
  return numUpdatedRows > 0n;
}

/** Ends a run in its row. Repeating it changes nothing. */
export async function endInbound(tx: Tx, id: string, end: { readonly state: InboundState; readonly outcome?: RunOutcome; readonly reason?: string; readonly mergedInto?: string }): Promise<void> {
  if (!isTerminal(end.state)) throw new Error(`${end.state} is no terminal state`);
  const ended = await tx
    .updateTable('inbound')
    .set({
      state: end.state,
      outcome: end.outcome ? JSON.stringify(end.outcome) : null,
      reason: end.reason ?? null,
      merged_into: end.mergedInto ?? null,
      ended_at: Date.now(),
    })
    .where('id', '=', id)
    .where('state', 'not in', TERMINAL_STATES)
    .returning('run')
    .executeTakeFirst();
  if (ended) await closeRun(tx, ended.run);
}

/** Unfinished rows of a session, oldest first. */
export async function openInbound(db: Db | Tx, session: string): Promise<Inbound[]> {
  const rows = await db.selectFrom('inbound').selectAll().where('session', '=', session).where('state', 'in', OPEN_STATES).orderBy('accepted_at').orderBy('id').execute();
  return rows.map(decode);
}

/**
 * Rows the sweeper looks at: never signalled, or signalled or taken before `before`. A session may take a row before
 * its signal is noted, so a taken one may have no time of its signal.
 */
export async function sweepable(db: Db, before: number): Promise<Inbound[]> {
  const rows = await db
    .selectFrom('inbound')
    .selectAll()
    .where((e) => e.or([e('state', '=', 'accepted'), e.and([e('state', 'in', ['signalled', 'taken']), e(e.fn.coalesce('signalled_at', 'taken_at'), '<', before)])]))
    .orderBy('accepted_at')
    .orderBy('id')
    .execute();
  return rows.map(decode);
}

/** What a signal carries of a row. */
export const inboxItem = (row: Inbound): InboxItem => ({
  inboundId: row.inboundId,
  run: row.run,
  principal: row.principal,
  role: row.role,
  rights: row.rights,
  mode: row.mode,
  priority: row.priority,
  at: row.at,
  ...(row.rules ? { rules: row.rules } : {}),
});

/** What a full queue left out, as one text for the next turn's model, once. */
export async function takeSummarized(tx: Tx, session: string, run: string): Promise<string | undefined> {
  const reason: DropReason = 'queue full: summarized';
  const rows = await tx
    .updateTable('inbound')
    .set({ merged_into: run })
    .where('session', '=', session)
    .where('state', '=', 'dropped')
    .where('reason', '=', reason)
    .where('merged_into', 'is', null)
    .returning(['message', 'accepted_at', 'id'])
    .execute();
  if (rows.length === 0) return undefined;
  const lines = rows
    .toSorted((a, b) => Number(a.accepted_at) - Number(b.accepted_at) || a.id.localeCompare(b.id))
    .map((row) => {
      const { text, sender } = JSON.parse(row.message) as InboundMessage;
      return `- ${sender.name ?? sender.id}: ${clip(text, SUMMARY_CHARS)}`;
    });
  return [`[${rows.length === 1 ? 'A message' : `${rows.length} messages`} came while the queue was full and got no answer of ${rows.length === 1 ? 'its' : 'their'} own:]`, ...lines].join('\n');
}
/** Of one message that was left out. */
const SUMMARY_CHARS = 200;

async function one(db: Db | Tx, column: 'id' | 'run', value: string): Promise<Inbound | undefined> {
  const row = await db.selectFrom('inbound').selectAll().where(column, '=', value).executeTakeFirst();
  return row && decode(row);
}

export function decode(row: Selectable<InboundTable>): Inbound {
  return {
    inboundId: row.id,
    run: row.run,
    runId: row.run_id,
    session: row.session,
    principal: row.principal,
    role: row.role,
    rights: row.rights,
    channel: row.channel,
    mode: row.mode,
    priority: Number(row.priority),
    at: Number(row.accepted_at),
    state: row.state,
    payloadHash: row.payload_hash,
    message: JSON.parse(row.message) as InboundMessage,
    request: JSON.parse(row.request) as TurnRequest,
    ...(row.rules === null ? {} : { rules: JSON.parse(row.rules) as QueueRules }),
    ...(row.outcome === null ? {} : { outcome: JSON.parse(row.outcome) as RunOutcome }),
    ...(row.merged_into === null ? {} : { mergedInto: row.merged_into }),
    ...(row.reason === null ? {} : { reason: row.reason }),
    ...(row.signalled_at === null ? {} : { signalledAt: Number(row.signalled_at) }),
    ...(row.taken_at === null ? {} : { takenAt: Number(row.taken_at) }),
    ...(row.ended_at === null ? {} : { endedAt: Number(row.ended_at) }),
  };
}
