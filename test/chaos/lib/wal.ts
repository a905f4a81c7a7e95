/**
 * The end of SQLite's write-ahead log, as a disk loses it: https://www.sqlite.org/fileformat2.html#the_write_ahead_log
 * Invariant: what is left is a store that SQLite opens without a word, as it was some commits ago.
 */
import { copyFileSync, mkdtempSync, readFileSync, rmSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import BetterSqlite from 'better-sqlite3';

const HEADER = 32;
const FRAME_HEADER = 24;

/** Where each commit of the log ends, in bytes. Frames of an earlier round of the log, behind the last, do not count. */
export function commitEnds(wal: Buffer): readonly number[] {
  const frame = FRAME_HEADER + wal.readUInt32BE(8);
  const salts = wal.subarray(16, 24);
  const ends: number[] = [];
  for (let at = HEADER; at + frame <= wal.length && wal.subarray(at + 8, at + 16).equals(salts); at += frame) if (wal.readUInt32BE(at + 4) !== 0) ends.push(at + frame);
  return ends;
}

/**
 * Cuts as many of the latest commits as it takes until `query` finds nothing any more. Nobody may have the store open.
 * @returns how many
 */
export function cutTail(store: string, query: string, ...values: readonly unknown[]): number {
  const ends = commitEnds(readFileSync(`${store}-wal`));
  for (let cut = 1; cut < ends.length; cut += 1) {
    const end = ends[ends.length - 1 - cut]!;
    if (foundAt(store, end, query, values)) continue;
    truncateSync(`${store}-wal`, end);
    // Of the log as it was; it is made anew.
    rmSync(`${store}-shm`, { force: true });
    return cut;
  }
  throw new Error(`the log has only ${ends.length} commits, none of which is the one to lose`);
}

function foundAt(store: string, end: number, query: string, values: readonly unknown[]): boolean {
  const folder = mkdtempSync(join(tmpdir(), 'openclaw-wal-'));
  const copy = join(folder, 'copy.db');
  try {
    copyFileSync(store, copy);
    copyFileSync(`${store}-wal`, `${copy}-wal`);
    truncateSync(`${copy}-wal`, end);
    const db = new BetterSqlite(copy);
    try {
      return db.prepare(query).get(...values) !== undefined;
    } finally {
      db.close();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
