/**
 * The platform messages of a delivery, frozen once and sent one after another.
 * Invariants: a part is `begun` in a committed row before the platform is called; it goes back to `frozen` only by the
 * attempt that began it, and only when the platform certainly did not take it; what was sent is never sent again.
 */
import { createHash } from 'node:crypto';
import type { OutboundPart, PartState } from '../core/channel.js';
import { OPEN_DELIVERY_STATES } from '../core/delivery.js';
import { deliveryById, endDelivery, type StoredDelivery } from './deliveries.js';
import type { Tx } from './fence.js';
import type { Db } from './sqlite.js';

export interface StoredPart {
  readonly n: number;
  readonly part: OutboundPart;
  readonly state: PartState;
  readonly repeated: boolean;
}

/** Fixes the parts of a queued delivery. Repeating it changes nothing. @returns the numbers of the unsent ones, or nothing when it is no longer open */
export async function freezeParts(tx: Tx, delivery: string, parts: readonly OutboundPart[]): Promise<{ readonly parts: number; readonly unsent: readonly number[] } | undefined> {
  const { numUpdatedRows } = await tx.updateTable('deliveries').set({ state: 'frozen', updated_at: Date.now() }).where('id', '=', delivery).where('state', '=', 'queued').executeTakeFirst();
  if (numUpdatedRows > 0n) {
    for (const [n, part] of parts.entries()) {
      const text = JSON.stringify(part);
      await tx.insertInto('delivery_parts').values({ delivery, n, part: text, hash: createHash('sha256').update(text).digest('hex'), state: 'frozen', platform_ids: null, repeated: 0, begun_at: null, sent_at: null }).execute();
    }
    if (parts.length === 0) await endDelivery(tx, delivery, 'sent', 'nothing to send');
  }
  return frozenParts(tx, delivery);
}

/** As {@link freezeParts}, for one that is frozen already. */
export async function frozenParts(db: Db | Tx, delivery: string): Promise<{ readonly parts: number; readonly unsent: readonly number[] } | undefined> {
  if ((await deliveryById(db, delivery))?.state !== 'frozen') return undefined;
  const rows = await db.selectFrom('delivery_parts').select(['n', 'state']).where('delivery', '=', delivery).orderBy('n').execute();
  return { parts: rows.length, unsent: rows.filter(({ state }) => state !== 'sent').map(({ n }) => Number(n)) };
}

/** A part and its delivery, while that is open. */
export async function openPart(db: Db | Tx, delivery: string, n: number): Promise<{ readonly delivery: StoredDelivery; readonly part: StoredPart } | undefined> {
  const known = await deliveryById(db, delivery);
  const row = await db.selectFrom('delivery_parts').selectAll().where('delivery', '=', delivery).where('n', '=', n).executeTakeFirst();
  if (!known || !row) return undefined;
  const part = { n: Number(row.n), part: JSON.parse(row.part) as OutboundPart, state: row.state, repeated: Number(row.repeated) > 0 };
  return part.state === 'sent' || OPEN_DELIVERY_STATES.includes(known.state) ? { delivery: known, part } : undefined;
}

/** Nothing of it has reached the platform, as far as is known: it may still be held. */
export async function isUntouched(db: Db | Tx, delivery: string): Promise<boolean> {
  return (await db.selectFrom('delivery_parts').select('n').where('delivery', '=', delivery).where('state', 'in', ['begun', 'sent']).limit(1).executeTakeFirst()) === undefined;
}

/**
 * The last thing before the platform is called.
 * @param repeated an earlier send of it may have arrived
 * @returns what tells this attempt from others, or nothing when the part is not to be sent any more
 */
export async function beginPart(tx: Tx, delivery: string, n: number, repeated: boolean): Promise<number | undefined> {
  const open = await openPart(tx, delivery, n);
  if (!open || open.part.state === 'sent') return undefined;
  const row = await tx.selectFrom('delivery_parts').select('begun_at').where('delivery', '=', delivery).where('n', '=', n).executeTakeFirstOrThrow();
  // Times of two attempts differ, whatever the clock says.
  const begunAt = Math.max(Date.now(), Number(row.begun_at ?? 0) + 1);
  await tx.updateTable('delivery_parts').set({ state: 'begun', begun_at: begunAt, ...(repeated ? { repeated: 1 } : {}) }).where('delivery', '=', delivery).where('n', '=', n).execute();
  return begunAt;
}

/** The platform took it. The delivery is sent with its last part. */
export async function endPart(tx: Tx, delivery: string, n: number, platformIds: readonly string[]): Promise<void> {
  const now = Date.now();
  await tx.updateTable('delivery_parts').set({ state: 'sent', platform_ids: JSON.stringify(platformIds), sent_at: now }).where('delivery', '=', delivery).where('n', '=', n).where('state', '!=', 'sent').execute();
  await tx.updateTable('deliveries').set({ updated_at: now }).where('id', '=', delivery).execute();
  const left = await tx.selectFrom('delivery_parts').select('n').where('delivery', '=', delivery).where('state', '!=', 'sent').limit(1).executeTakeFirst();
  if (!left) await endDelivery(tx, delivery, 'sent');
}

/**
 * The platform certainly did not take this attempt. One that repeats an unclear send stays `begun`: that one may have
 * arrived all the same. @param state `failed`: it never will be taken
 */
export async function resetPart(tx: Tx, delivery: string, n: number, begunAt: number, state: 'frozen' | 'failed'): Promise<void> {
  await tx.updateTable('delivery_parts').set({ state }).where('delivery', '=', delivery).where('n', '=', n).where('begun_at', '=', begunAt).where('state', '=', 'begun').where('repeated', '=', 0).execute();
}

/** Ids of what was sent, in order. */
export async function platformIdsOf(db: Db | Tx, delivery: string): Promise<readonly string[]> {
  const rows = await db.selectFrom('delivery_parts').select('platform_ids').where('delivery', '=', delivery).where('state', '=', 'sent').orderBy('n').execute();
  return rows.flatMap((row) => (row.platform_ids === null ? [] : (JSON.parse(row.platform_ids) as string[])));
}
