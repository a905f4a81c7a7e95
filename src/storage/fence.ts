/**
 * Generations: who may write a session. The first activity of a workflow chain takes the next generation; every later
 * write proves in its own transaction that no newer one was taken. A zombie attempt can therefore write nothing.
 * A writer that is ahead of the store has seen what the store lost: it may not write either.
 */
import { randomUUID } from 'node:crypto';
import { CodedError } from '../core/errors.js';
import type { Fence } from '../core/steps.js';
import type { Transaction } from 'kysely';
import type { Db } from './sqlite.js';
import type { Tables } from './tables.js';

export type Tx = Transaction<Tables>;

export const FENCED_OUT = 'FENCED_OUT';
export const fencedOut = (message: string): CodedError => new CodedError(FENCED_OUT, message);
export const isFencedOut = (error: unknown): boolean => error instanceof CodedError && error.code === FENCED_OUT;

export const STORE_BEHIND = 'STORE_BEHIND';
/** The store lacks what this writer's workflow saw committed. */
export const storeBehind = (message: string): CodedError => new CodedError(STORE_BEHIND, message);
export const isStoreBehind = (error: unknown): boolean => error instanceof CodedError && error.code === STORE_BEHIND;

/** Creates the session's row if it is new; one that was deleted begins again, with a conversation of its own. */
export async function ensureSession(tx: Tx | Db, session: { readonly key: string; readonly agent: string; readonly channel: string; readonly label?: string }): Promise<boolean> {
  const now = Date.now();
  const { numInsertedOrUpdatedRows } = await tx
    .insertInto('sessions')
    .values({ key: session.key, agent: session.agent, conversation: randomUUID(), generation: 0, chain: '', label: session.label ?? null, channel: session.channel, created_at: now, updated_at: now, floor: null, erase_before: null, deleted_at: null })
    .onConflict((c) => c.column('key').doUpdateSet({ deleted_at: null, label: session.label ?? null, channel: session.channel, created_at: now, updated_at: now }).where('sessions.deleted_at', 'is not', null))
    .executeTakeFirst();
  return (numInsertedOrUpdatedRows ?? 0n) > 0n;
}

/**
 * Takes the generation of a workflow chain: the same one for the same chain, a growing one for a new chain.
 * @throws CodedError FENCED_OUT for a chain older than the newest
 */
export async function takeGeneration(tx: Tx, session: string, chain: string): Promise<{ readonly generation: number; readonly conversation: string }> {
  // The write comes first: it takes the session's lock on both engines, so two chains cannot read the same number.
  const row = await tx.updateTable('sessions').set({ updated_at: Date.now() }).where('key', '=', session).returning(['generation', 'chain', 'conversation']).executeTakeFirst();
  if (!row) throw new CodedError('SESSION_UNKNOWN', `session ${session} has no row`);
  if (row.chain === chain) return { generation: Number(row.generation), conversation: row.conversation };
  const earlier = await tx.selectFrom('generations').select('generation').where('session', '=', session).where('chain', '=', chain).executeTakeFirst();
  if (earlier) throw fencedOut(`workflow chain ${chain} of ${session} was replaced by a newer one`);
  const generation = Number(row.generation) + 1;
  await tx.updateTable('sessions').set({ generation, chain }).where('key', '=', session).execute();
  await tx.insertInto('generations').values({ session, chain, generation, taken_at: Date.now() }).execute();
  return { generation, conversation: row.conversation };
}

/**
 * Makes sure that nobody who was at work on a session, or on any session, can write it again: the next chain's
 * generation will be above `seen` and above the store's.
 */
export async function liftGeneration(tx: Tx, session: string, seen: number): Promise<void> {
  const row = await tx.updateTable('sessions').set({ updated_at: Date.now() }).where('key', '=', session).returning('generation').executeTakeFirst();
  await tx.updateTable('sessions').set({ generation: Math.max(seen, Number(row?.generation ?? 0)) + 1, chain: '' }).where('key', '=', session).execute();
}

/** For a store that was put back: no session took that many generations since any copy. */
const LIFT = 1_000_000;
export async function liftAllGenerations(tx: Tx): Promise<void> {
  await tx.updateTable('sessions').set((e) => ({ generation: e('generation', '+', LIFT), chain: '' })).execute();
}

/**
 * Proves that the writer's generation is the newest and its conversation the current one. First statement of every
 * writing transaction: as an update it also locks the session's row until the commit.
 * @throws CodedError FENCED_OUT, STORE_BEHIND
 */
export async function assertFence(tx: Tx, fence: Fence): Promise<void> {
  const { numUpdatedRows } = await tx
    .updateTable('sessions')
    .set({ updated_at: Date.now() })
    .where('key', '=', fence.session)
    .where('generation', '=', fence.generation)
    .where('conversation', '=', fence.conversation)
    .executeTakeFirst();
  if (numUpdatedRows === 0n) await checkFence(tx, fence);
}

/** The same proof without a lock, for before an effect that costs money or time; the write proves it again. @throws CodedError FENCED_OUT, STORE_BEHIND */
export async function checkFence(db: Db | Tx, fence: Fence): Promise<void> {
  const row = await db.selectFrom('sessions').select(['generation', 'conversation']).where('key', '=', fence.session).executeTakeFirst();
  const generation = Number(row?.generation ?? 0);
  if (generation < fence.generation) throw storeBehind(`generation ${fence.generation} of ${fence.session} was taken, the store has ${row ? generation : 'no such session'}`);
  if (generation !== fence.generation || row?.conversation !== fence.conversation) throw fencedOut(`generation ${fence.generation} of ${fence.session} is no longer the newest`);
}
