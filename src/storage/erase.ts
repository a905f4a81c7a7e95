/**
 * Erasing what was said: an order first (one short transaction), then batches that carry it out. The order is durable:
 * a floor, at or below which no row of the session stays, and a time; whoever finds it later goes on.
 * Invariants: nothing is ordered while a run, a question or a delivery of the session is open; what is above the floor is
 * never touched; a deleted session keeps the row that fences its old chains. Numbers stay: usage, and which message was
 * answered when, so that a repeat of it is not answered again.
 */
import { randomUUID } from 'node:crypto';
import type { ExpressionBuilder } from 'kysely';
import { OPEN_DELIVERY_STATES } from '../core/delivery.js';
import type { InboundMessage } from '../core/message.js';
import type { MediaStore } from '../core/ports.js';
import { TERMINAL_STATES } from '../core/run.js';
import type { RowContent } from '../core/transcript.js';
import { callKey } from './approvals.js';
import { discardDelivery } from './deliveries.js';
import type { Tx } from './fence.js';
import { takeLost } from './lost.js';
import { deleteUnused, deliverySource, inboundSource, releaseMedia, rowSource } from './media-uses.js';
import { removeWords } from './search.js';
import type { Db } from './sqlite.js';
import type { Tables } from './tables.js';
import { highestSeq } from './transcript.js';

/** What keeps a session from being erased, the first of each. */
export interface OpenWork {
  readonly runs: readonly string[];
  readonly approvals: readonly string[];
  readonly deliveries: readonly string[];
}

/** More than anybody reads in one sentence. */
const NAMED = 5;

/** @returns nothing when the session is at rest */
export async function openWork(db: Db | Tx, session: string): Promise<OpenWork | undefined> {
  const runs = await db.selectFrom('inbound').select('run_id').where('session', '=', session).where('state', 'in', ['accepted', 'signalled', 'taken']).orderBy('accepted_at').limit(NAMED).execute();
  const approvals = await db
    .selectFrom('approvals')
    .select('id')
    .where('session', '=', session)
    // Allowed or denied and not settled: its call is yet to be carried out or answered.
    .where((e) => e.or([e('state', '=', 'open'), e.and([e('call_key', 'is not', null), e('settled_at', 'is', null), e('state', 'in', ['allowed', 'denied'])])]))
    .limit(NAMED)
    .execute();
  // A held one waits for the owner's word.
  const deliveries = await db.selectFrom('deliveries').select('id').where('session', '=', session).where('state', 'in', [...OPEN_DELIVERY_STATES, 'held']).limit(NAMED).execute();
  if (runs.length + approvals.length + deliveries.length === 0) return undefined;
  return { runs: runs.map((row) => row.run_id), approvals: approvals.map(({ id }) => id), deliveries: deliveries.map(({ id }) => id) };
}

export type Ordered = { readonly ordered: true } | { readonly ordered: false; readonly open?: OpenWork };

/** The session is gone from here on: its chains are fenced out, its lists do not show it, its batches are due. */
export async function orderDeletion(tx: Tx, session: string): Promise<Ordered> {
  const known = await tx.updateTable('sessions').set({ updated_at: Date.now() }).where('key', '=', session).where('deleted_at', 'is', null).returning('generation').executeTakeFirst();
  if (!known) return { ordered: false };
  const open = await openWork(tx, session);
  if (open) return { ordered: false, open };
  const now = Date.now();
  const newest = await tx.selectFrom('inbound').select((e) => e.fn.max('accepted_at').as('at')).where('session', '=', session).executeTakeFirst();
  await tx
    .updateTable('sessions')
    .set({
      conversation: randomUUID(), generation: Number(known.generation) + 1, chain: '', label: null,
      floor: await highestSeq(tx, session), erase_before: Math.max(now, Number(newest?.at ?? 0) + 1), deleted_at: now,
    })
    .where('key', '=', session)
    .execute();
  await tx.deleteFrom('routes').where('session', '=', session).execute();
  await tx.deleteFrom('session_settings').where('session', '=', session).execute();
  await tx.deleteFrom('overheard').where('session', '=', session).execute();
  await tx.deleteFrom('aliases').where('session', '=', session).execute();
  await takeLost(tx, session);
  return { ordered: true };
}

/** Conversations up to a row are to go; what came after it stays. @param before of messages and deliveries without rows */
export async function orderErasure(tx: Tx, session: string, floor: number, before: number): Promise<Ordered> {
  const open = await openWork(tx, session);
  if (open) return { ordered: false, open };
  await tx.updateTable('sessions').set((e) => ({ floor: e.fn.coalesce('floor', e.val(0)) })).where('key', '=', session).execute();
  const { numUpdatedRows } = await tx.updateTable('sessions').set({ floor, erase_before: before }).where('key', '=', session).where('deleted_at', 'is', null).where('floor', '<', floor).executeTakeFirst();
  return numUpdatedRows > 0n ? { ordered: true } : { ordered: false };
}

/** Sessions whose order is not carried out yet. */
export async function unfinishedErasures(db: Db): Promise<readonly string[]> {
  return (await db.selectFrom('sessions').select('key').where('erase_before', 'is not', null).orderBy('key').execute()).map(({ key }) => key);
}

/** A batch takes some milliseconds: the store serves nobody else meanwhile. */
const BATCH = 200;

export interface Erased {
  readonly rows: number;
  readonly files: number;
  /** Calls whose commands may have left files: `<run>:<step>.<index>`. */
  readonly calls: readonly string[];
}

/** Carries out a part of a session's order; to be repeated until it returns nothing. */
export async function eraseBatch(db: Db, media: Pick<MediaStore, 'path'>, session: string): Promise<Erased | undefined> {
  return db.transaction().execute(async (tx) => {
    const order = await tx.selectFrom('sessions').select(['floor', 'erase_before']).where('key', '=', session).executeTakeFirst();
    if (!order || order.erase_before === null) return undefined;
    const floor = Number(order.floor ?? 0);
    const before = Number(order.erase_before);
    const done = (await eraseRows(tx, session, floor)) ?? (await eraseMessages(tx, session, floor, before)) ?? (await eraseDeliveries(tx, session, floor, before));
    if (!done) {
      await tx.updateTable('sessions').set({ erase_before: null }).where('key', '=', session).execute();
      return undefined;
    }
    return { rows: done.rows, calls: done.calls, files: await deleteUnused(tx, media, done.hashes) };
  });
}

interface Batch extends Omit<Erased, 'files'> {
  /** Content that the erased rows named. */
  readonly hashes: readonly string[];
}

async function eraseRows(tx: Tx, session: string, floor: number): Promise<Batch | undefined> {
  const rows = await tx.selectFrom('transcript').select(['seq', 'run', 'step', 'content']).where('session', '=', session).where('seq', '<=', floor).orderBy('seq').limit(BATCH).execute();
  if (rows.length === 0) return undefined;
  const seqs = rows.map((row) => Number(row.seq));
  const [from, to] = [seqs[0]!, seqs.at(-1)!];
  await tx.deleteFrom('transcript').where('session', '=', session).where('seq', '>=', from).where('seq', '<=', to).execute();
  await removeWords(tx, session, from, to);
  const runs = [...new Set(rows.map(({ run }) => run))];
  await tx.deleteFrom('drafts').where('session', '=', session).where('run', 'in', runs).execute();
  await tx.deleteFrom('approvals').where('run', 'in', runs).execute();
  await tx.deleteFrom('tool_attempts').where('run', 'in', runs).execute();
  // The keys of a run begin with it; `;` follows `:`.
  for (const run of runs) await tx.deleteFrom('claims').where('key', '>=', `${run}:`).where('key', '<', `${run};`).where('session', '=', session).execute();
  const calls = rows.flatMap(({ run, step, content }) => {
    const said = JSON.parse(content) as RowContent;
    return said.type === 'assistant' ? said.calls.map(({ index }) => callKey({ run, step: Number(step), index })) : [];
  });
  return { rows: rows.length, calls, hashes: await releaseMedia(tx, seqs.map((seq) => rowSource(session, seq))) };
}

/** A message that entered a run above the floor belongs to what stays. */
const belongsAbove = (session: string, floor: number) => (e: ExpressionBuilder<Tables, 'inbound'>) =>
  e.exists(e.selectFrom('transcript').select('seq').where((t) => t('transcript.run', '=', t.fn.coalesce('inbound.merged_into', 'inbound.run'))).where('transcript.session', '=', session).where('seq', '>', floor));

async function eraseMessages(tx: Tx, session: string, floor: number, before: number): Promise<Batch | undefined> {
  const rows = await tx
    .selectFrom('inbound')
    .select(['id', 'message', 'state'])
    .where('session', '=', session)
    .where('accepted_at', '<', before)
    .where('erased_at', 'is', null)
    .where('state', 'in', TERMINAL_STATES)
    .where((e) => e.not(belongsAbove(session, floor)(e)))
    .orderBy('accepted_at').orderBy('id')
    .limit(BATCH)
    .execute();
  if (rows.length === 0) return undefined;
  const now = Date.now();
  for (const { id, message } of rows) {
    await tx.updateTable('inbound').set({ message: JSON.stringify(withoutWords(JSON.parse(message) as InboundMessage)), request: '{}', erased_at: now }).where('id', '=', id).execute();
  }
  // Why a run failed may quote what was said; why it was dropped does not.
  await tx.updateTable('inbound').set({ reason: null }).where('id', 'in', rows.map(({ id }) => id)).where('state', '<>', 'dropped').execute();
  return { rows: 0, calls: [], hashes: await releaseMedia(tx, rows.map(({ id }) => inboundSource(id))) };
}

const withoutWords = ({ channel, account, conversation: { kind, id, parentId }, sender, messageId, event, time }: InboundMessage): InboundMessage => ({
  channel, account, conversation: { kind, id, ...(parentId === undefined ? {} : { parentId }) }, sender: { id: sender.id }, messageId, event, time, text: '', mentions: [], attachments: [],
});

/** A delivery without words. */
const NOTHING = JSON.stringify({ type: 'text', markdown: '' });

async function eraseDeliveries(tx: Tx, session: string, floor: number, before: number): Promise<Batch | undefined> {
  const rows = await tx
    .selectFrom('deliveries')
    .select(['id', 'state'])
    .where('session', '=', session)
    .where('created_at', '<', before)
    .where('source', '<>', NOTHING)
    .where('state', 'in', ['sent', 'failed', 'discarded'])
    .where((e) => e.not(e.exists(e.selectFrom('transcript').select('seq').whereRef('transcript.run', '=', 'deliveries.run').where('transcript.session', '=', session).where('seq', '>', floor))))
    .orderBy('created_at').orderBy('id')
    .limit(BATCH)
    .execute();
  if (rows.length === 0) return undefined;
  const ids = rows.map(({ id }) => id);
  // Its notice goes with it: there is nothing left to send again.
  for (const { id, state } of rows) if (state === 'failed') await discardDelivery(tx, id);
  await tx.updateTable('deliveries').set({ source: NOTHING, attachments: null, buttons: null }).where('id', 'in', ids).execute();
  await tx.deleteFrom('delivery_parts').where('delivery', 'in', ids).execute();
  return { rows: 0, calls: [], hashes: await releaseMedia(tx, ids.map(deliverySource)) };
}
