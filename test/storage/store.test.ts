/** Opening the store: its mode and settings, its migrations, what stops it; and the one gateway of a state directory. */
import { existsSync, readFileSync, statSync, writeFileSync, chmodSync } from 'node:fs';
import { join } from 'node:path';
import BetterSqlite from 'better-sqlite3';
import { sql } from 'kysely';
import { describe, expect, it, vi } from 'vitest';
import { holdLock, openStore, storePragmas } from '../../src/storage/sqlite.js';
import { loadIdentity, pinnedHost } from '../../src/storage/meta.js';
import { accept, makeFolder, makeStore, openSession, rowOf, startChild } from './store.js';

const mode = (file: string): number => statSync(file).mode & 0o777;

describe('the store', () => {
  it('is readable by its owner alone, with what SQLite puts beside it, also when it was opened wider before', async () => {
    const { db, file } = await makeStore();
    await accept(db, 'a');
    for (const name of [file, `${file}-wal`, `${file}-shm`]) expect(mode(name), name).toBe(0o600);
    await db.destroy();
    chmodSync(file, 0o644);
    const again = await openStore(file);
    expect(mode(file)).toBe(0o600);
    await again.destroy();
  });

  it('loses nothing at a power cut: WAL and synchronous=FULL on every connection', async () => {
    const { db, file } = await makeStore();
    expect(await storePragmas(db)).toEqual({ journalMode: 'wal', synchronous: 2 });
    const second = await openStore(file);
    expect(await storePragmas(second)).toEqual({ journalMode: 'wal', synchronous: 2 });
    await second.destroy();
  });

  it('prepares a statement once and keeps a bounded number of them', async () => {
    const { db } = await makeStore();
    await accept(db, 'a');
    await accept(db, 'b');
    const prepare = vi.spyOn(BetterSqlite.prototype, 'prepare');
    try {
      const ask = () => db.selectFrom('inbound').select('id').orderBy('id');
      for (let time = 0; time < 5; time += 1) expect(await ask().execute()).toHaveLength(2);
      expect(prepare).toHaveBeenCalledTimes(1);
      const texts = Array.from({ length: 400 }, (_, n) => sql<{ n: number }>`select ${sql.lit(n)} as n`);
      for (const text of texts) await text.execute(db);
      prepare.mockClear();
      expect((await texts[399]!.execute(db)).rows).toEqual([{ n: 399 }]);
      expect(prepare).toHaveBeenCalledTimes(0);
      expect((await texts[0]!.execute(db)).rows).toEqual([{ n: 0 }]);
      expect(prepare).toHaveBeenCalledTimes(1);
    } finally {
      prepare.mockRestore();
    }
  });

  it('keeps its rows when it is opened again: migrations run once', async () => {
    const { db, file } = await makeStore();
    await accept(db, 'a');
    await db.destroy();
    const again = await openStore(file);
    expect(await rowOf(again, 'a')).toMatchObject({ inboundId: 'a', state: 'accepted', message: { text: 'text of a' } });
    await again.destroy();
  });

  it('opened for the first time by several processes at once is the same store for all of them', async () => {
    const file = join(makeFolder(), 'openclaw.db');
    const children = [1, 2, 3].map(() => startChild('open-store', file));
    for (const child of children) expect(await child.line()).toBe('ready');
    for (const child of children) child.tell('go');
    expect(await Promise.all(children.map((child) => child.line()))).toEqual(['open', 'open', 'open']);
  });

  it('waits for another process that writes before the store is in WAL mode', async () => {
    const file = join(makeFolder(), 'openclaw.db');
    const other = new BetterSqlite(file);
    other.exec('begin immediate');
    const opening = openStore(file);
    const open = vi.fn();
    void opening.then(open, open);
    await new Promise(setImmediate);
    expect(open).not.toHaveBeenCalled();
    other.exec('rollback');
    other.close();
    await (await opening).destroy();
  });

  it('whose first start was cut off halfway opens at the next: a migration happens whole or not at all', async () => {
    const file = join(makeFolder(), 'openclaw.db');
    const other = new BetterSqlite(file);
    // In the way of one of the last steps.
    other.exec('create table media (id text)');
    await expect(openStore(file)).rejects.toMatchObject({ code: 'STORE_MIGRATION_FAILED', message: expect.stringContaining('media') });
    expect(other.prepare("select name from sqlite_master where type = 'table' and name not like 'kysely%'").all()).toEqual([{ name: 'media' }]);
    other.exec('drop table media');
    other.close();
    const db = await openStore(file);
    expect(await accept(db, 'a')).toBe(true);
    await db.destroy();
  });

  it('written by a newer version is refused and left as it is', async () => {
    const { db, file } = await makeStore();
    await accept(db, 'a');
    await sql`insert into kysely_migration (name, timestamp) values ('9999_from_the_future', '2030-01-01T00:00:00.000Z')`.execute(db);
    await db.destroy();
    await expect(openStore(file)).rejects.toMatchObject({ code: 'STORE_MIGRATION_FAILED', message: expect.stringContaining('9999_from_the_future'), hint: expect.stringContaining('newer version') });
  });

  it('that is no SQLite file is told by name and never replaced', async () => {
    const file = join(makeFolder(), 'openclaw.db');
    const text = 'these are not the pages you are looking for\n'.repeat(200);
    writeFileSync(file, text);
    await expect(openStore(file)).rejects.toMatchObject({ code: 'STORE_UNREADABLE', message: expect.stringContaining(file), hint: expect.stringContaining('never replaced') });
    expect(readFileSync(file, 'utf8')).toBe(text);
  });

  it('in a folder that is not there is told, and the folder not made', async () => {
    const folder = join(makeFolder(), 'missing');
    await expect(openStore(join(folder, 'openclaw.db'))).rejects.toMatchObject({ code: 'STORE_UNREADABLE' });
    expect(existsSync(folder)).toBe(false);
  });
});

describe('the identity of an installation', () => {
  it('is made once and is the same for whoever asks', async () => {
    const { db, file } = await makeStore();
    const identity = await loadIdentity(db);
    expect(identity).toEqual({ installId: expect.stringMatching(/^[0-9a-f-]{36}$/), hostId: expect.stringMatching(/^[0-9a-f]{8}$/) });
    await db.destroy();
    const again = await openStore(file);
    expect(await loadIdentity(again)).toEqual(identity);
    await again.destroy();
  });

  it('the first host that asks for an agent’s workspace has it and stays it', async () => {
    const { db } = await makeStore();
    expect(await pinnedHost(db, 'main', 'host-a')).toBe('host-a');
    expect(await pinnedHost(db, 'main', 'host-b')).toBe('host-a');
    expect(await pinnedHost(db, 'other', 'host-b')).toBe('host-b');
  });
});

describe('the lock of a state directory', () => {
  it('refuses a second gateway while the first lives, and frees itself when the first is killed', async () => {
    const file = join(makeFolder(), 'gateway.lock');
    const first = startChild('hold-lock', file);
    expect(await first.line()).toBe('held');
    expect(() => holdLock(file)).toThrow(expect.objectContaining({ code: 'GATEWAY_RUNNING', hint: expect.stringContaining('OPENCLAW_STATE_DIR') }));
    expect(await startChild('hold-lock', file).line()).toBe('GATEWAY_RUNNING');
    // The refused one must not have let go of it.
    expect(() => holdLock(file)).toThrow(expect.objectContaining({ code: 'GATEWAY_RUNNING' }));
    await first.kill();
    const next = holdLock(file);
    expect(await startChild('hold-lock', file).line()).toBe('GATEWAY_RUNNING');
    next.release();
    expect(await startChild('hold-lock', file).line()).toBe('held');
  });

  it('is held against the same process too', () => {
    const file = join(makeFolder(), 'gateway.lock');
    const lock = holdLock(file);
    expect(() => holdLock(file)).toThrow(expect.objectContaining({ code: 'GATEWAY_RUNNING' }));
    expect(mode(file)).toBe(0o600);
    lock.release();
    holdLock(file).release();
  });

  it('is no lock on the store: who may read it still does', async () => {
    const { db, folder } = await makeStore();
    const lock = holdLock(join(folder, 'gateway.lock'));
    await openSession(db);
    expect(await db.selectFrom('sessions').select('key').execute()).toHaveLength(1);
    lock.release();
  });
});
