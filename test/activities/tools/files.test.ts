/** Where the file tools go, what they change, and what a retry of the same call does. */
import { execFileSync } from 'node:child_process';
import { appendFileSync, chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { replaceFile } from '../../../src/activities/tools/atomic.js';
import { createEditTool } from '../../../src/activities/tools/edit.js';
import { openInside, resolveInside } from '../../../src/activities/tools/files.js';
import { createLsTool } from '../../../src/activities/tools/ls.js';
import { createReadTool } from '../../../src/activities/tools/read.js';
import { createWriteTool } from '../../../src/activities/tools/write.js';
import { forgetful, makeClaims, makeContext, makeHost, textOf, type TestHost } from './helpers/env.js';

let host: TestHost;
let where: { workspace: string; roots: readonly string[]; stateDir: string };
beforeEach(() => {
  host = makeHost();
  where = { workspace: host.workspace, roots: host.config.fs.roots, stateDir: host.stateDir };
});
const inside = (name: string): string => join(host.workspace, name);
const read = (args: Record<string, unknown>) => createReadTool(host).run(args, makeContext('aa:1.0'));

describe('file tools stay inside', () => {
  beforeEach(() => {
    mkdirSync(join(host.root, 'secret'));
    writeFileSync(join(host.root, 'secret', 'key'), 'hush');
    writeFileSync(join(host.stateDir, 'openclaw.db'), 'hush');
    symlinkSync(join(host.root, 'secret', 'key'), inside('file-link'));
    symlinkSync(join(host.root, 'secret'), inside('dir-link'));
    symlinkSync(join(host.root, 'secret', 'new'), inside('dangling'));
    symlinkSync('loop', inside('loop'));
    mkdirSync(inside('sub'));
    writeFileSync(inside('sub/ok.txt'), 'fine');
    symlinkSync(inside('sub'), inside('good-link'));
  });
  const escapes = ['../openclaw.db', '/etc/passwd', 'sub/../../openclaw.db', '~/x', 'file-link', 'dir-link/key', 'dir-link/new/deep', 'dangling', 'loop', 'sub/ok.txt/x', 'a\0b', ''];

  it.each(escapes)('%j is neither read, written, edited nor listed', async (path) => {
    const results = [
      await read({ path }),
      await createWriteTool(host).run({ path, content: 'x' }, makeContext('aa:1.0')),
      await createWriteTool(host).run({ path, content: 'x', append: true }, makeContext('aa:2.0')),
      await createEditTool(host).run({ path, oldText: 'hush', newText: 'x' }, makeContext('aa:3.0')),
      await createLsTool(host).run({ path }, makeContext('aa:4.0')),
    ];
    for (const result of results) {
      expect(result.isError).toBe(true);
      expect(textOf(result)).not.toContain('hush');
      expect(textOf(result)).toContain('refused');
    }
    expect(readdirSync(join(host.root, 'secret'))).toEqual(['key']);
    expect(readFileSync(join(host.root, 'secret', 'key'), 'utf8')).toBe('hush');
    expect(readFileSync(join(host.stateDir, 'openclaw.db'), 'utf8')).toBe('hush');
  });

  it('a symlink that stays inside is followed, and stays one when its target is written', async () => {
    expect(textOf(await read({ path: 'good-link/ok.txt' }))).toBe('fine');
    symlinkSync(inside('sub/ok.txt'), inside('soft'));
    await createWriteTool(host).run({ path: 'soft', content: 'new' }, makeContext('aa:1.0'));
    expect(readFileSync(inside('sub/ok.txt'), 'utf8')).toBe('new');
  });

  it('configured roots count, the state directory in them does not', async () => {
    host = makeHost({ fs: { roots: [host.root] } }, host.root);
    expect(textOf(await read({ path: join(host.root, 'secret', 'key') }))).toBe('hush');
    for (const path of [join(host.stateDir, 'openclaw.db'), '../openclaw.db', join(host.stateDir, 'jobs')]) expect((await read({ path })).isError, path).toBe(true);
    expect((await createLsTool(host).run({ path: host.stateDir }, makeContext('aa:1.0'))).isError).toBe(true);
  });

  it('nor does a state directory that lies in the workspace', async () => {
    host = { ...host, workspace: host.root };
    expect(textOf(await read({ path: 'secret/key' }))).toBe('hush');
    expect(textOf(await read({ path: 'state/openclaw.db' }))).toContain('state directory');
  });

  it('a folder exchanged for a symlink after the check leads nowhere', async () => {
    const real = await resolveInside('sub/key', where);
    renameSync(inside('sub'), inside('moved'));
    symlinkSync(join(host.root, 'secret'), inside('sub'));
    await expect(openInside(real, 0, where)).rejects.toThrow('refused');
    await expect(replaceFile(real, 'overwritten', where)).rejects.toThrow();
    expect(readFileSync(join(host.root, 'secret', 'key'), 'utf8')).toBe('hush');
    expect(readdirSync(join(host.root, 'secret'))).toEqual(['key']);
  });

  it('a folder above it exchanged for a symlink leads nowhere either', async () => {
    mkdirSync(inside('sub/deep'));
    mkdirSync(join(host.root, 'secret', 'deep'));
    const real = await resolveInside('sub/deep/new', where);
    renameSync(inside('sub'), inside('moved'));
    symlinkSync(join(host.root, 'secret'), inside('sub'));
    await expect(replaceFile(real, 'escaped', where)).rejects.toThrow('refused');
    expect(readdirSync(join(host.root, 'secret', 'deep'))).toEqual([]);
  });

  it('FIFOs, devices and folders are no files', async () => {
    execFileSync('mkfifo', [inside('fifo')]);
    expect(textOf(await read({ path: 'fifo' }))).toContain('not a regular file');
    expect((await createWriteTool(host).run({ path: 'fifo', content: 'x' }, makeContext('aa:1.0'))).isError).toBe(true);
    expect(textOf(await read({ path: 'sub' }))).toContain('folder');
    host = makeHost({ fs: { roots: ['/dev'] } });
    expect(textOf(await read({ path: '/dev/zero' }))).toContain('not a regular file');
  });
});

describe('read', () => {
  it('gives lines from an offset, says how to go on, and cuts long lines and long files', async () => {
    writeFileSync(inside('long'), Array.from({ length: 5_000 }, (_, i) => `line ${i + 1}\r\n`).join(''));
    expect(textOf(await read({ path: 'long', offset: 3, limit: 2 }))).toBe('line 3\nline 4\n[lines 3 to 4; read on with offset 5]');
    const whole = textOf(await read({ path: 'long' }));
    expect(whole.length).toBeLessThan(17_000);
    expect(whole).toMatch(/\[lines 1 to 1000; read on with offset 1001\]$/);
    expect(textOf(await read({ path: 'long', offset: 4_999 }))).toBe('line 4999\nline 5000');
    expect(textOf(await read({ path: 'long', offset: 9_999 }))).toBe('The file has only 5000 lines.');
    writeFileSync(inside('wide'), `${'x'.repeat(50_000)}\nnext`);
    expect(textOf(await read({ path: 'wide' }))).toMatch(/^x{2000} \[… 48000 characters of this line left out\]\nnext$/);
    writeFileSync(inside('empty'), '');
    expect(textOf(await read({ path: 'empty' }))).toBe('(empty file)');
    expect(await read({ path: 'nope' })).toMatchObject({ isError: true });
  });

  it('gives an image as an image and says what other binaries are', async () => {
    const png = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==', 'base64');
    writeFileSync(inside('dot.txt'), png); // its content decides, not its name
    const result = await read({ path: 'dot.txt' });
    expect(result.blocks[1]).toMatchObject({ type: 'image', mime: 'image/png' });
    expect([...host.media.stored.values()][0]).toEqual(png);
    writeFileSync(inside('zip'), Buffer.from('504b0304140000000800', 'hex'));
    expect(textOf(await read({ path: 'zip' }))).toMatch(/binary \(application\/zip, 10 bytes\)/);
    writeFileSync(inside('raw'), Buffer.from([1, 2, 0, 3]));
    expect(textOf(await read({ path: 'raw' }))).toContain('binary (unknown type, 4 bytes)');
    writeFileSync(inside('feed.xml'), '<?xml version="1.0"?><rss/>');
    expect(textOf(await read({ path: 'feed.xml' }))).toContain('<rss/>');
  });
});

describe('write', () => {
  const write = (args: Record<string, unknown>, context = makeContext('aa:1.0')) => createWriteTool(host).run(args, context);

  it('makes folders, replaces whole, keeps the mode, and leaves nothing beside', async () => {
    expect(textOf(await write({ path: 'a/b/c.txt', content: 'héllo' }))).toBe('Wrote 6 bytes to a/b/c.txt.');
    chmodSync(inside('a/b/c.txt'), 0o755);
    await write({ path: 'a/b/c.txt', content: 'new' }, makeContext('aa:2.0'));
    expect(readFileSync(inside('a/b/c.txt'), 'utf8')).toBe('new');
    expect(statSync(inside('a/b/c.txt')).mode & 0o777).toBe(0o755);
    expect(readdirSync(inside('a/b'))).toEqual(['c.txt']);
  });

  it('an append retried after the effect is not repeated; retried before it, it is done', async () => {
    writeFileSync(inside('log'), 'start\n');
    const claims = makeClaims();
    await write({ path: 'log', content: 'line\n', append: true }, makeContext('aa:1.0', forgetful(claims)));
    const retry = await write({ path: 'log', content: 'line\n', append: true }, makeContext('aa:1.0', claims));
    expect(retry).toMatchObject({ isError: false });
    expect(readFileSync(inside('log'), 'utf8')).toBe('start\nline\n');
    // And once more, from the stored result.
    await write({ path: 'log', content: 'line\n', append: true }, makeContext('aa:1.0', claims));
    expect(readFileSync(inside('log'), 'utf8')).toBe('start\nline\n');
    // Another call with the same text is another line.
    await write({ path: 'log', content: 'line\n', append: true }, makeContext('aa:2.0', claims));
    expect(readFileSync(inside('log'), 'utf8')).toBe('start\nline\nline\n');

    // Cut off between claim and effect: the claim holds the size before.
    await claims.begin('aa:3.0', { size: statSync(inside('log')).size, added: 'x' });
    await write({ path: 'log', content: 'end\n', append: true }, makeContext('aa:3.0', claims));
    expect(readFileSync(inside('log'), 'utf8')).toBe('start\nline\nline\nend\n');
  });

  it('an append retried after somebody else changed the file says that the outcome is unknown', async () => {
    writeFileSync(inside('log'), 'start\n');
    const claims = makeClaims();
    await claims.begin('aa:1.0', { size: 6, added: 'hash of something else' });
    appendFileSync(inside('log'), 'another\n');
    const result = await write({ path: 'log', content: 'line\n', append: true }, makeContext('aa:1.0', claims));
    expect(result).toMatchObject({ outcome: 'unknown', isError: true });
    expect(readFileSync(inside('log'), 'utf8')).toBe('start\nanother\n');
  });

  it('a write retried after its effect, with the file changed since by a person, does not undo the change', async () => {
    const claims = makeClaims();
    await write({ path: 'a', content: 'mine' }, makeContext('aa:1.0', forgetful(claims)));
    writeFileSync(inside('a'), 'edited by a person');
    const result = await write({ path: 'a', content: 'mine' }, makeContext('aa:1.0', claims));
    expect(result.outcome).toBe('unknown');
    expect(readFileSync(inside('a'), 'utf8')).toBe('edited by a person');
  });

  it('a write whose result was kept answers with it, whatever the file is now', async () => {
    const claims = makeClaims();
    const first = await write({ path: 'a', content: 'mine' }, makeContext('aa:1.0', claims));
    writeFileSync(inside('a'), 'edited by a person');
    expect(await write({ path: 'a', content: 'mine' }, makeContext('aa:1.0', claims))).toEqual(first);
    expect(readFileSync(inside('a'), 'utf8')).toBe('edited by a person');
  });

  it('says when the file system refuses, as an answer and not as a failure of the attempt', async () => {
    expect(textOf(await write({ path: 'x'.repeat(300), content: 'x' }))).toContain('ENAMETOOLONG');
    expect(textOf(await write({ path: 'a/../.', content: 'x' }))).toContain('it is a folder');
  });
});

describe('edit', () => {
  const edit = (args: Record<string, unknown>, context = makeContext('aa:1.0')) => createEditTool(host).run(args, context);

  it('replaces one exact match, special patterns taken as they are', async () => {
    writeFileSync(inside('f'), 'one\ntwo\nthree\n');
    expect(await edit({ path: 'f', oldText: 'two', newText: '$& $1 $$' })).toMatchObject({ isError: false });
    expect(readFileSync(inside('f'), 'utf8')).toBe('one\n$& $1 $$\nthree\n');
  });

  it('refuses what is not there or not unique, and helps', async () => {
    writeFileSync(inside('f'), 'function add(a, b) {\n  return a + b;\n}\nx\nx\n');
    expect(textOf(await edit({ path: 'f', oldText: 'return a - b;', newText: 'y' }))).toMatch(/not found in f\. The nearest lines are:\n1: .*\n2: {3}return a \+ b;/);
    expect(textOf(await edit({ path: 'f', oldText: 'x', newText: 'y' }, makeContext('aa:2.0')))).toContain('occurs 2 times');
    expect(textOf(await edit({ path: 'f', oldText: 'zzz qqq', newText: 'y' }, makeContext('aa:3.0')))).toContain('nothing in it looks alike');
    expect(textOf(await edit({ path: 'f', oldText: 'x', newText: 'x' }, makeContext('aa:4.0')))).toContain('the same');
    expect(await edit({ path: 'f', oldText: 'x', newText: 'y', replaceAll: true }, makeContext('aa:5.0'))).toMatchObject({ isError: false });
    expect(readFileSync(inside('f'), 'utf8')).toContain('y\ny\n');
  });

  it('retried after its effect says done and does not replace again', async () => {
    writeFileSync(inside('f'), 'a b');
    const claims = makeClaims();
    await edit({ path: 'f', oldText: 'a', newText: 'aa' }, makeContext('aa:1.0', forgetful(claims)));
    expect(readFileSync(inside('f'), 'utf8')).toBe('aa b');
    const retry = await edit({ path: 'f', oldText: 'a', newText: 'aa' }, makeContext('aa:1.0', claims));
    expect(retry).toMatchObject({ isError: false });
    expect(readFileSync(inside('f'), 'utf8')).toBe('aa b');
  });

  it('leaves bytes that are no UTF-8 alone', async () => {
    writeFileSync(inside('f'), Buffer.from([0x61, 0xff, 0x62]));
    expect(textOf(await edit({ path: 'f', oldText: 'a', newText: 'c' }))).toContain('not UTF-8');
  });
});

describe('ls', () => {
  it('lists sorted, folders and links marked, and does not flood', async () => {
    mkdirSync(inside('b'));
    writeFileSync(inside('a'), '12345');
    symlinkSync('/etc', inside('c'));
    expect(textOf(await createLsTool(host).run({}, makeContext('aa:1.0')))).toBe('a  5\nb/\nc@');
    for (let i = 0; i < 600; i += 1) writeFileSync(inside(`b/${i}`), '');
    expect(textOf(await createLsTool(host).run({ path: 'b' }, makeContext('aa:1.0')))).toMatch(/\[100 more\]$/);
    rmSync(inside('b'), { recursive: true });
    expect(existsSync(inside('b'))).toBe(false);
  });
});
