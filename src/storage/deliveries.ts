/**
 * Deliveries: everything that leaves through a messenger, one row each, in lines (one a conversation) that are drained
 * in order. Invariants: an id is written once; a delivery that ended or is held is opened again by the owner alone.
 * Their platform messages: `delivery-parts.ts`.
 */
import { type Address, type Button, type DeliverySource, type DeliveryState, type NewDelivery } from '../core/channel.js';
import { DEAD_DELIVERY_STATES, type Delivery, OPEN_DELIVERY_STATES } from '../core/delivery.js';
import type { Attachment } from '../core/message.js';
import type { ChannelLine } from '../core/ports.js';
import type { Selectable } from 'kysely';
import type { Tx } from './fence.js';
import { deliverySource, noteMedia } from './media-uses.js';
import { raise, resolve } from './notices.js';
import type { Db } from './sqlite.js';
import type { DeliveriesTable } from './channel-tables.js';

/** A row, whole: what rendering it takes. */
export interface StoredDelivery extends Omit<Delivery, 'parts'> {
  readonly source: DeliverySource;
  readonly attachments: readonly Attachment[];
  readonly buttons?: readonly (readonly Button[])[];
  readonly replyTo?: string;
}

export const lineOf = (to: Pick<Address, 'channel' | 'account' | 'conversation'>): ChannelLine => ({ channel: to.channel, account: to.account, conversation: to.conversation.parentId ?? to.conversation.id });

/** Puts it at the end of its line, unless its id is known. @returns whether it was new */
export async function enqueueDelivery(tx: Tx, delivery: NewDelivery): Promise<boolean> {
  const now = Date.now();
  const line = lineOf(delivery.to);
  const { numInsertedOrUpdatedRows } = await tx
    .insertInto('deliveries')
    .values({
      id: delivery.id, channel: line.channel, account: line.account, line: line.conversation, position: await endOf(tx, line),
      address: JSON.stringify(delivery.to), kind: delivery.kind, source: JSON.stringify(delivery.source),
      attachments: delivery.attachments?.length ? JSON.stringify(delivery.attachments) : null,
      buttons: delivery.buttons?.length ? JSON.stringify(delivery.buttons) : null,
      reply_to: delivery.replyTo ?? null, session: delivery.session ?? null, run: delivery.run ?? null,
      state: 'queued', reason: null, created_at: now, updated_at: now, ended_at: null,
    })
    .onConflict((c) => c.column('id').doNothing())
    .executeTakeFirst();
  const isNew = (numInsertedOrUpdatedRows ?? 0n) > 0n;
  if (isNew && delivery.attachments?.length) await noteMedia(tx, deliverySource(delivery.id), JSON.stringify(delivery.attachments));
  return isNew;
}

async function endOf(tx: Tx, line: ChannelLine): Promise<number> {
  const row = await tx.selectFrom('deliveries').select((e) => e.fn.max('position').as('last')).where('channel', '=', line.channel).where('account', '=', line.account).where('line', '=', line.conversation).executeTakeFirst();
  return Number(row?.last ?? 0) + 1;
}

export async function deliveryById(db: Db | Tx, id: string): Promise<StoredDelivery | undefined> {
  const row = await db.selectFrom('deliveries').selectAll().where('id', '=', id).executeTakeFirst();
  return row && decode(row);
}

/** The first open delivery of a line, and how many are open behind it. */
export async function nextOfLine(db: Db | Tx, line: ChannelLine): Promise<{ readonly next: StoredDelivery; readonly behind: number } | undefined> {
  const ofLine = db.selectFrom('deliveries').where('channel', '=', line.channel).where('account', '=', line.account).where('line', '=', line.conversation).where('state', 'in', OPEN_DELIVERY_STATES);
  const row = await ofLine.selectAll().orderBy('position').orderBy('id').limit(1).executeTakeFirst();
  if (!row) return undefined;
  const { count } = await ofLine.select((e) => e.fn.countAll().as('count')).executeTakeFirstOrThrow();
  return { next: decode(row), behind: Number(count) - 1 };
}

/** Ends an open delivery, or holds it, and tells the owner. @returns whether it was open */
export async function endDelivery(tx: Tx, id: string, state: 'sent' | 'failed' | 'held', reason?: string): Promise<boolean> {
  const now = Date.now();
  const row = await tx
    .updateTable('deliveries')
    .set({ state, reason: reason ?? null, updated_at: now, ended_at: state === 'held' ? null : now })
    .where('id', '=', id)
    .where('state', 'in', OPEN_DELIVERY_STATES)
    .returningAll()
    .executeTakeFirst();
  if (row && state !== 'sent') await tell(tx, row);
  return row !== undefined;
}

/** One notice for all that is held of an account; one for each conversation that cannot be reached. */
async function tell(tx: Tx, { channel, account, line, state, reason, id }: Selectable<DeliveriesTable>): Promise<void> {
  if (state === 'held') {
    await raise(tx, {
      key: heldKey(channel, account), level: 'warn', text: `Answers of ${channel} (${account}) could not be sent in time and are held.`,
      hint: 'See them: openclaw delivery list. Send them: openclaw delivery retry --all; put them away: openclaw delivery discard --all',
    });
  } else {
    await raise(tx, {
      key: failedKey(channel, account, line), level: 'error', text: `A message to ${line} on ${channel} (${account}) was not delivered: ${reason ?? 'no reason given'}`,
      hint: `See it: openclaw delivery list. Once mended: openclaw delivery retry ${id}; or put it away: openclaw delivery discard ${id}`,
    });
  }
}
const heldKey = (channel: string, account: string): string => `deliveries-held:${channel}:${account}`;
const failedKey = (channel: string, account: string, line: string): string => `delivery-failed:${channel}:${account}:${line}`;

/**
 * The owner sends a dead one after all: it enters its line anew, at the end, and its age counts from now. Parts that were sent stay sent.
 * @returns whether it was dead
 */
export async function reopenDelivery(tx: Tx, id: string): Promise<boolean> {
  const known = await tx.selectFrom('deliveries').selectAll().where('id', '=', id).where('state', 'in', DEAD_DELIVERY_STATES).executeTakeFirst();
  if (!known) return false;
  const now = Date.now();
  // A part that failed was refused: it never arrived.
  await tx.updateTable('delivery_parts').set({ state: 'frozen' }).where('delivery', '=', id).where('state', '=', 'failed').execute();
  const rendered = await tx.selectFrom('delivery_parts').select('n').where('delivery', '=', id).limit(1).executeTakeFirst();
  const position = await endOf(tx, { channel: known.channel, account: known.account, conversation: known.line });
  await tx.updateTable('deliveries').set({ state: rendered ? 'frozen' : 'queued', reason: null, position, created_at: now, updated_at: now, ended_at: null }).where('id', '=', id).execute();
  await untell(tx, known);
  return true;
}

/** Puts one away that was not sent whole. @returns whether there was such a one */
export async function discardDelivery(tx: Tx, id: string): Promise<boolean> {
  const now = Date.now();
  const row = await tx
    .updateTable('deliveries')
    .set({ state: 'discarded', updated_at: now, ended_at: now })
    .where('id', '=', id)
    .where('state', 'in', [...OPEN_DELIVERY_STATES, ...DEAD_DELIVERY_STATES])
    .returningAll()
    .executeTakeFirst();
  if (row) await untell(tx, row);
  return row !== undefined;
}

/** A notice goes with the last delivery it speaks of. */
async function untell(tx: Tx, { channel, account, line }: Selectable<DeliveriesTable>): Promise<void> {
  const left = await tx.selectFrom('deliveries').select(['state', 'line']).where('channel', '=', channel).where('account', '=', account).where('state', 'in', DEAD_DELIVERY_STATES).execute();
  if (!left.some((row) => row.state === 'held')) await resolve(tx, heldKey(channel, account));
  if (!left.some((row) => row.state === 'failed' && row.line === line)) await resolve(tx, failedKey(channel, account, line));
}

/** Newest first; without states, all. */
export async function listDeliveries(db: Db | Tx, query: { readonly states?: readonly DeliveryState[]; readonly runs?: readonly string[]; readonly session?: string; readonly channel?: string; readonly account?: string; readonly limit: number }): Promise<Delivery[]> {
  let rows = db.selectFrom('deliveries').selectAll();
  if (query.states) rows = rows.where('state', 'in', query.states);
  if (query.runs) rows = rows.where('run', 'in', query.runs);
  if (query.session !== undefined) rows = rows.where('session', '=', query.session);
  if (query.channel !== undefined) rows = rows.where('channel', '=', query.channel);
  if (query.account !== undefined) rows = rows.where('account', '=', query.account);
  const found = await rows.orderBy('created_at', 'desc').orderBy('position', 'desc').orderBy('id').limit(query.limit).execute();
  const parts = found.length === 0 ? [] : await db.selectFrom('delivery_parts').select(['delivery', 'state', 'repeated']).where('delivery', 'in', found.map(({ id }) => id)).execute();
  return found.map((row): Delivery => {
    const { source: _s, attachments: _a, buttons: _b, replyTo: _r, ...shown } = decode(row);
    const own = parts.filter((part) => part.delivery === row.id);
    return { ...shown, parts: { total: own.length, sent: own.filter((part) => part.state === 'sent').length, repeated: own.filter((part) => Number(part.repeated) > 0).length } };
  });
}

/** Deliveries of runs, newest first. */
export const deliveriesOfRuns = (db: Db | Tx, runs: readonly string[]): Promise<Delivery[]> => (runs.length === 0 ? Promise.resolve([]) : listDeliveries(db, { runs, limit: 1_000 }));

/** Lines with an open delivery that nothing was done to since `before`. */
export async function staleLines(db: Db, before: number, limit: number): Promise<ChannelLine[]> {
  const rows = await db.selectFrom('deliveries').select(['channel', 'account', 'line']).distinct().where('state', 'in', OPEN_DELIVERY_STATES).where('updated_at', '<', before).orderBy('channel').orderBy('account').orderBy('line').limit(limit).execute();
  return rows.map(({ channel, account, line }) => ({ channel, account, conversation: line }));
}

export interface DeliveryCount {
  readonly channel: string;
  readonly account: string;
  readonly state: DeliveryState;
  readonly count: number;
}

/** Of everything that was not sent, by account and state. */
export async function countUnsent(db: Db): Promise<DeliveryCount[]> {
  const rows = await db
    .selectFrom('deliveries')
    .select((e) => ['channel', 'account', 'state', e.fn.countAll().as('count')])
    .where('state', 'in', [...OPEN_DELIVERY_STATES, ...DEAD_DELIVERY_STATES])
    .groupBy(['channel', 'account', 'state'])
    .orderBy('channel').orderBy('account').orderBy('state')
    .execute();
  return rows.map((row) => ({ ...row, count: Number(row.count) }));
}

function decode(row: Selectable<DeliveriesTable>): StoredDelivery {
  return {
    id: row.id, to: JSON.parse(row.address) as Address, kind: row.kind, state: row.state, queuedAt: Number(row.created_at),
    source: JSON.parse(row.source) as DeliverySource,
    attachments: row.attachments === null ? [] : (JSON.parse(row.attachments) as Attachment[]),
    ...(row.buttons === null ? {} : { buttons: JSON.parse(row.buttons) as Button[][] }),
    ...(row.reply_to === null ? {} : { replyTo: row.reply_to }),
    ...(row.reason === null ? {} : { reason: row.reason }),
    ...(row.session === null ? {} : { session: row.session }),
    ...(row.run === null ? {} : { run: row.run }),
    ...(row.ended_at === null ? {} : { endedAt: Number(row.ended_at) }),
  };
}
