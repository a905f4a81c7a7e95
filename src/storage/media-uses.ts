/**
 * Which rows name a content of the media store, so that it goes with the last of them.
 * Invariants: a use is written in the transaction that writes its row; content that was put after it was last named is
 * about to be named again, and stays.
 */
import { rm } from 'node:fs/promises';
import type { MediaStore } from '../core/ports.js';
import type { Tx } from './fence.js';

/** In JSON a quote inside a text is escaped: no message can be worded so that it matches. */
const NAMED = /"hash":"([0-9a-f]{64})"/g;
export const mediaIn = (json: string): readonly string[] => [...new Set(Array.from(json.matchAll(NAMED), ([, hash]) => hash!))];

export const inboundSource = (id: string): string => `inbound:${id}`;
export const rowSource = (session: string, seq: number): string => `row:${session}:${seq}`;
export const deliverySource = (id: string): string => `delivery:${id}`;

/** @param json the row, or what of it can name a content */
export async function noteMedia(tx: Tx, source: string, json: string): Promise<void> {
  for (const hash of mediaIn(json)) {
    await tx.insertInto('media_uses').values({ source, hash }).onConflict((c) => c.doNothing()).execute();
    await tx.updateTable('media').set({ used_at: Date.now() }).where('hash', '=', hash).execute();
  }
}

/** The rows are gone. @returns what they named */
export async function releaseMedia(tx: Tx, sources: readonly string[]): Promise<readonly string[]> {
  if (sources.length === 0) return [];
  const rows = await tx.deleteFrom('media_uses').where('source', 'in', sources).returning('hash').execute();
  return [...new Set(rows.map(({ hash }) => hash))];
}

/**
 * Deletes those that no row names any more, file and row. The file goes before the commit: whoever puts the same content
 * meanwhile waits for it, finds no file and writes one. @returns how many
 */
export async function deleteUnused(tx: Tx, media: Pick<MediaStore, 'path'>, hashes: readonly string[]): Promise<number> {
  let deleted = 0;
  for (const hash of hashes) {
    const { numDeletedRows } = await tx
      .deleteFrom('media')
      .where('hash', '=', hash)
      .whereRef('created_at', '<=', 'used_at')
      .where((e) => e.not(e.exists(e.selectFrom('media_uses').select('source').where('hash', '=', hash))))
      .executeTakeFirst();
    if (numDeletedRows === 0n) continue;
    await tx.deleteFrom('transcripts').where('hash', '=', hash).execute();
    await rm(media.path({ hash }), { force: true });
    deleted += 1;
  }
  return deleted;
}

/** Content that was put before `before` and that no row names: of messages that never came to be. @returns hashes */
export async function neverUsed(tx: Tx, before: number, limit: number): Promise<readonly string[]> {
  const rows = await tx
    .selectFrom('media')
    .select('hash')
    .where('created_at', '<', before)
    .where((e) => e.not(e.exists(e.selectFrom('media_uses').select('source').whereRef('media_uses.hash', '=', 'media.hash'))))
    .limit(limit)
    .execute();
  const hashes = rows.map(({ hash }) => hash);
  if (hashes.length > 0) await tx.updateTable('media').set((e) => ({ used_at: e.ref('created_at') })).where('hash', 'in', hashes).execute();
  return hashes;
}
