/**
 * Facts of this installation, made once: its install id (kept in the Temporal namespace too) and its host id (part of
 * queue names, so a new one would orphan queued work).
 */
import { randomUUID } from 'node:crypto';
import type { Db } from './sqlite.js';

export interface Identity {
  readonly installId: string;
  readonly hostId: string;
}

export async function loadIdentity(db: Db): Promise<Identity> {
  return { installId: await once(db, 'install_id', randomUUID()), hostId: await once(db, 'host_id', randomUUID().slice(0, 8)) };
}

/** The host that has an agent's workspace. The first to ask becomes it, and stays it. */
export const pinnedHost = (db: Db, agent: string, hostId: string): Promise<string> => once(db, `host_of_agent:${agent}`, hostId);

/** How often a gateway has begun, and has finished, to count itself in store and namespace (`host/divergence.ts`). */
export interface Epoch {
  readonly begun: number;
  readonly written: number;
}

export async function epochOf(db: Db): Promise<Epoch> {
  const row = await db.selectFrom('meta').select('value').where('name', '=', 'epoch').executeTakeFirst();
  return row ? (JSON.parse(row.value) as Epoch) : { begun: 0, written: 0 };
}

export async function writeEpoch(db: Db, epoch: Epoch): Promise<void> {
  const value = JSON.stringify(epoch);
  await db.insertInto('meta').values({ name: 'epoch', value }).onConflict((c) => c.column('name').doUpdateSet({ value })).execute();
}

async function once(db: Db, name: string, value: string): Promise<string> {
  await db.insertInto('meta').values({ name, value }).onConflict((c) => c.column('name').doNothing()).execute();
  return (await db.selectFrom('meta').select('value').where('name', '=', name).executeTakeFirstOrThrow()).value;
}
