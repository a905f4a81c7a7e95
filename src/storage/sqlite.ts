/**
 * The one file with SQL that only SQLite has: connection settings, the gateway's lock.
 * Invariant: every connection is WAL with `synchronous=FULL`: what was committed survives a power cut.
 */
import { chmodSync, closeSync, existsSync, openSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import BetterSqlite from 'better-sqlite3';
import { CompiledQuery, type DatabaseConnection, Kysely, SqliteAdapter, type SqliteDatabase, SqliteDialect, SqliteDriver, sql } from 'kysely';
import { CodedError, messageOf } from '../core/errors.js';
import { migrate } from './migrations/index.js';
import type { Tables } from './tables.js';

export type Db = Kysely<Tables>;

/** A turn asks with about sixty different texts; lists of values of many lengths must not pile up. */
const STATEMENTS_KEPT = 256;

/** Another process may hold the write lock for a checkpoint; no write of ours takes longer. */
const BUSY_TIMEOUT_MS = 10_000;

/**
 * Opens (and creates, 0600) the store and brings its schema up to date.
 * @throws CodedError STORE_UNREADABLE, STORE_MIGRATION_FAILED
 */
export async function openStore(file: string): Promise<Db> {
  const database = await open(file);
  const db = new Kysely<Tables>({ dialect: new Dialect({ database: keepingStatements(database) }) });
  try {
    await migrate(db);
  } catch (error) {
    await db.destroy();
    throw error;
  }
  return db;
}

/**
 * Kysely's own begins transactions without the write lock and migrates outside of them. Two processes that open a new
 * store at once would both create its tables, and a kill halfway would leave some of them and a store that never opens.
 */
class Dialect extends SqliteDialect {
  readonly #config: ConstructorParameters<typeof SqliteDialect>[0];
  constructor(config: ConstructorParameters<typeof SqliteDialect>[0]) {
    super(config);
    this.#config = config;
  }
  override createDriver(): SqliteDriver {
    return new Driver(this.#config);
  }
  override createAdapter(): SqliteAdapter {
    return new Adapter();
  }
}

/**
 * Kysely prepares at every query, which costs a turn more than running them does. Of the kept ones the longest unused
 * goes first. None is asked while it is being read: Kysely lends SQLite's one connection to one query at a time.
 */
function keepingStatements(database: BetterSqlite.Database): SqliteDatabase {
  const kept = new Map<string, BetterSqlite.Statement>();
  return {
    prepare(text) {
      const known = kept.get(text);
      kept.delete(text);
      const statement = known ?? database.prepare(text);
      kept.set(text, statement);
      if (kept.size > STATEMENTS_KEPT) kept.delete(kept.keys().next().value!);
      return statement;
    },
    close: () => void database.close(),
  };
}

class Driver extends SqliteDriver {
  /** All our transactions write: the lock is waited for at their start, where nothing was read yet. */
  override async beginTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw('begin immediate'));
  }
}

class Adapter extends SqliteAdapter {
  override get supportsTransactionalDdl(): boolean {
    return true;
  }
}

async function open(file: string): Promise<BetterSqlite.Database> {
  let database: BetterSqlite.Database | undefined;
  try {
    // Created by us first, so that it is never readable by others, not even for a moment.
    if (!existsSync(file)) closeSync(openSync(file, 'a', 0o600));
    chmodSync(file, 0o600);
    database = new BetterSqlite(file);
    database.pragma(`busy_timeout = ${BUSY_TIMEOUT_MS}`);
    await switchToWal(database);
    database.pragma('synchronous = FULL');
    database.pragma('foreign_keys = ON');
    return database;
  } catch (error) {
    database?.close();
    throw new CodedError(
      'STORE_UNREADABLE',
      `the store ${file} cannot be opened: ${messageOf(error)}`,
      'Check its owner and mode, or restore a backup; the file is never replaced by itself.',
    );
  }
}

/** A switch to WAL while another process writes is refused at once, whatever the busy timeout: it is asked again. */
async function switchToWal(database: BetterSqlite.Database): Promise<void> {
  const deadline = Date.now() + BUSY_TIMEOUT_MS;
  for (;;) {
    try {
      database.pragma('journal_mode = WAL');
      return;
    } catch (error) {
      if (!isBusy(error) || Date.now() >= deadline) throw error;
      await pause(10);
    }
  }
}

const isBusy = (error: unknown): boolean => error instanceof BetterSqlite.SqliteError && error.code.startsWith('SQLITE_BUSY');

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
 * @returns to be kept: when nothing refers to it any more, the garbage collector closes the lock
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
