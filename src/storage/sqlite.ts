/**
 * The one file with SQL that only SQLite has: connection settings, the gateway's lock.
 * Invariant: every connection is WAL with `synchronous=FULL`: what was committed survives a power cut.
 */
import { chmodSync, closeSync, existsSync, openSync } from 'node:fs';
import BetterSqlite from 'better-sqlite3';
import { Kysely, SqliteDialect, sql } from 'kysely';
import { CodedError, messageOf } from '../core/errors.js';
import { migrate } from './migrations.js';
import type { Tables } from './tables.js';

export type Db = Kysely<Tables>;

/** Another process may hold the write lock for a checkpoint; no write of ours takes longer. */
const BUSY_TIMEOUT_MS = 10_000;

/**
 * Opens (and creates, 0600) the store and brings its schema up to date.
 * @throws CodedError STORE_UNREADABLE, STORE_MIGRATION_FAILED
 */
export async function openStore(file: string): Promise<Db> {
  const database = open(file);
  const db = new Kysely<Tables>({ dialect: new SqliteDialect({ database }) });
  try {
    await migrate(db);
  } catch (error) {
    await db.destroy();
    throw error;
  }
  return db;
}

function open(file: string): BetterSqlite.Database {
  try {
    // Created by us first, so that it is never readable by others, not even for a moment.
    if (!existsSync(file)) closeSync(openSync(file, 'a', 0o600));
    chmodSync(file, 0o600);
    const database = new BetterSqlite(file);
    database.pragma(`busy_timeout = ${BUSY_TIMEOUT_MS}`);
    database.pragma('journal_mode = WAL');
    database.pragma('synchronous = FULL');
    database.pragma('foreign_keys = ON');
    return database;
  } catch (error) {
    throw new CodedError(
      'STORE_UNREADABLE',
      `the store ${file} cannot be opened: ${messageOf(error)}`,
      'Check its owner and mode, or restore a backup; the file is never replaced by itself.',
    );
  }
}

/** What doctor reports of a connection. */
export async function storePragmas(db: Db): Promise<{ readonly journalMode: string; readonly synchronous: number }> {
  const mode = await sql<{ journal_mode: string }>`pragma journal_mode`.execute(db);
  const sync = await sql<{ synchronous: number }>`pragma synchronous`.execute(db);
  return { journalMode: mode.rows[0]?.journal_mode ?? 'unknown', synchronous: sync.rows[0]?.synchronous ?? -1 };
}

export interface HeldLock {
  release(): void;
}

/**
 * One gateway per state directory: an exclusive SQLite lock held for life. The operating system releases it with the
 * process, so no stale lock file can ever stop a start.
 * @throws CodedError GATEWAY_RUNNING
 */
export function holdLock(file: string): HeldLock {
  if (!existsSync(file)) closeSync(openSync(file, 'a', 0o600));
  const database = new BetterSqlite(file, { timeout: 0 });
  try {
    database.pragma('locking_mode = EXCLUSIVE');
    database.exec('BEGIN EXCLUSIVE; CREATE TABLE IF NOT EXISTS held (pid INTEGER);');
  } catch (error) {
    database.close();
    if (!/locked|busy/i.test(messageOf(error))) throw error;
    throw new CodedError(
      'GATEWAY_RUNNING',
      `another gateway runs on this state directory (${file} is held)`,
      'Use it (`openclaw status`), stop it, or set OPENCLAW_STATE_DIR and OPENCLAW_GATEWAY_PORT for a second one.',
    );
  }
  return { release: () => database.close() };
}
