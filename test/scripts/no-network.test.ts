/** The guard under all tests: what it lets through, what it refuses, and that child processes have it too. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, connect, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';

/** Runs `code` in a child whose attempts are logged apart, or this test would fail the whole run. */
function child(code: string): { readonly out: string; readonly log: string } {
  const log = join(mkdtempSync(join(tmpdir(), 'openclaw-net-')), 'log');
  writeFileSync(log, '');
  const env = { ...process.env, OPENCLAW_TEST_NETWORK_LOG: log };
  const out = execFileSync(process.execPath, ['--input-type=module', '-e', code], { env, encoding: 'utf8' });
  return { out: out.trim(), log: readFileSync(log, 'utf8') };
}

test('loopback is reachable', async () => {
  const server = createServer((socket) => socket.end('hello')).listen(0, '127.0.0.1');
  await new Promise((done) => server.once('listening', done));
  const socket = connect((server.address() as AddressInfo).port, 'localhost');
  const [chunk] = await new Promise<Buffer[]>((done) => socket.once('data', (data: Buffer) => done([data])));
  expect(String(chunk)).toBe('hello');
  server.close();
});

test('another machine is refused in a child process, by address, by name and by fetch, and logged', () => {
  const { out, log } = child(`
    import net from 'node:net';
    const said = [];
    try { net.connect(80, '192.0.2.1'); } catch (e) { said.push(e.code); }
    await new Promise((r) => { try { net.connect(80, 'example.com').on('error', (e) => { said.push(e.code); r(); }); } catch (e) { said.push(e.code); r(); } });
    try { await fetch('http://example.com/'); } catch (e) { said.push(e.cause.code); }
    console.log(said.join(' '));`);
  expect(out).toBe('ERR_TEST_NETWORK ERR_TEST_NETWORK ERR_TEST_NETWORK');
  expect(log.split('\n').filter(Boolean)).toHaveLength(3);
});

test('provider keys do not reach tests', () => {
  const names = Object.keys(process.env).filter((name) => /^(ANTHROPIC|OPENAI|GEMINI|DEEPSEEK|OPENROUTER)_/.test(name));
  expect(names).toEqual([]);
});
