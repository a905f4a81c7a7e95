/** The media store: content under its own hash, typed by what it is. */
import { createHash } from 'node:crypto';
import { readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { MediaStore } from '../../src/core/ports.js';
import { createMediaStore } from '../../src/storage/media.js';
import type { Db } from '../../src/storage/sqlite.js';
import { makeStore } from './store.js';

const PNG = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==', 'base64');
const sha256 = (content: Uint8Array): string => createHash('sha256').update(content).digest('hex');

async function open(maxBytes?: number): Promise<{ readonly db: Db; readonly dir: string; readonly media: MediaStore }> {
  const { db, folder } = await makeStore();
  const dir = join(folder, 'media');
  return { db, dir, media: createMediaStore(db, dir, maxBytes) };
}
const files = (dir: string): string[] => readdirSync(dir, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).map((entry) => entry.name);

describe('content', () => {
  it('is kept under its SHA-256, for its owner alone, and comes back byte for byte', async () => {
    const { dir, media } = await open();
    const stored = await media.put(PNG);
    expect(stored).toEqual({ hash: sha256(PNG), mime: 'image/png', size: PNG.length });
    expect(Buffer.from((await media.get(stored))!)).toEqual(PNG);
    expect(readFileSync(media.path(stored))).toEqual(PNG);
    expect(statSync(media.path(stored)).mode & 0o777).toBe(0o600);
    expect(statSync(dir).mode & 0o777).toBe(0o700);
  });

  it('that is there already is stored once, also by two at once, and never written again', async () => {
    const { db, dir, media } = await open();
    const [first] = await Promise.all([media.put(PNG), media.put(PNG)]);
    const before = statSync(media.path(first!), { bigint: true });
    await media.put(PNG);
    const after = statSync(media.path(first!), { bigint: true });
    expect([after.ino, after.mtimeNs]).toEqual([before.ino, before.mtimeNs]);
    expect(files(dir)).toEqual([sha256(PNG)]);
    expect(await db.selectFrom('media').select(['hash', 'size']).execute()).toEqual([{ hash: sha256(PNG), size: PNG.length }]);
  });

  it('that was never stored is not there', async () => {
    const { media } = await open();
    expect(await media.get({ hash: sha256(PNG) })).toBeUndefined();
  });

  it('over the limit is refused with both sizes and leaves nothing; at the limit it is taken', async () => {
    const { db, dir, media } = await open(100);
    await expect(media.put(new Uint8Array(101))).rejects.toMatchObject({ code: 'MEDIA_TOO_LARGE', message: expect.stringMatching(/101 bytes.*100/) });
    expect(await db.selectFrom('media').select('hash').execute()).toEqual([]);
    await media.put(new Uint8Array(100));
    expect(files(dir)).toHaveLength(1);
  });
});

describe('the type', () => {
  it.each([
    ['a picture declared as text', PNG, 'text/plain', 'image/png'],
    ['a picture declared as another picture', PNG, 'image/jpeg', 'image/png'],
    ['a PDF without a declaration', Buffer.from('%PDF-1.7\n'), undefined, 'application/pdf'],
    ['text declared as Markdown', Buffer.from('# Title'), 'text/markdown', 'text/markdown'],
    ['text declared as JSON', Buffer.from('{}'), 'application/json', 'application/json'],
    ['text declared as a picture', Buffer.from('hello'), 'image/png', 'text/plain'],
    ['text declared as a program', Buffer.from('hello'), 'application/x-msdownload', 'text/plain'],
    ['text with a declaration that smuggles a header', Buffer.from('hello'), 'text/html\r\nX: y', 'text/plain'],
    ['bytes that are no text', Buffer.from([1, 2, 0, 4]), 'text/plain', 'application/octet-stream'],
    ['nothing', Buffer.from(''), undefined, 'text/plain'],
  ])('of %s is what it is', async (_, content, declared, mime) => {
    const { media } = await open();
    expect((await media.put(content, declared)).mime).toBe(mime);
  });
});

it.each(['', '../../etc/passwd', 'a'.repeat(63), 'A'.repeat(64), `${'a'.repeat(64)}\n`, `${'a'.repeat(64)}/../x`, '..%2f', 'a'.repeat(65)])('the reference %j is refused before any file is touched', async (hash) => {
  const { media } = await open();
  expect(() => media.path({ hash })).toThrow(expect.objectContaining({ code: 'INVALID_REQUEST' }));
  await expect(media.get({ hash })).rejects.toMatchObject({ code: 'INVALID_REQUEST' });
});
