/** `run.sock` over real sockets. */
import { mkdtempSync, rmSync, statSync, writeFileSync, existsSync, mkdirSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { createBus } from '../../src/bus/bus.js';
import { SOCKET_PATH_MAX, socketPath } from '../../src/bus/socket-path.js';
import { connectRunSocket, serveRunSocket } from '../../src/bus/socket.js';
import type { RunEvent } from '../../src/core/events.js';

const text = (delta: string, at: Partial<RunEvent> = {}): RunEvent =>
  ({ session: 'agent:main:main', run: 'h1', runId: 'r1', step: 1, attempt: 1, at: 1, ...at, type: 'text', delta }) as RunEvent;

let folder = '';
const closers: (() => unknown)[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'oc-bus-'));
});
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
  rmSync(folder, { recursive: true, force: true });
});

const fast = { retryMs: { first: 10, max: 40 } };
async function serve(path: string): Promise<{ heard: RunEvent[]; path: string; close: () => Promise<void> }> {
  const bus = createBus();
  const heard: RunEvent[] = [];
  bus.subscribe((e) => heard.push(e));
  const server = await serveRunSocket(path, bus);
  closers.push(() => server.close());
  return { heard, path: server.path, close: server.close };
}
function worker(path: string, options = {}) {
  const client = connectRunSocket(path, { ...fast, ...options });
  closers.push(() => client.close());
  return client;
}
/** What a reader shows of the run. */
const shown = (events: readonly RunEvent[]): string =>
  events.reduce((sum, e) => (e.type === 'reset' ? '' : e.type === 'text' ? sum + e.delta : e.type === 'answer' ? e.text : sum), '');

test('events reach the gateway, local listeners hear them too, and the socket is the owner’s alone', async () => {
  const path = join(folder, 'run.sock');
  const gateway = await serve(path);
  const client = worker(path);
  const local: RunEvent[] = [];
  client.subscribe((e) => local.push(e));
  await vi.waitFor(() => expect(client.connected()).toBe(true));
  client.publish(text('über\n"quoted"'));
  await vi.waitFor(() => expect(gateway.heard).toEqual(local));
  expect(local).toHaveLength(1);
  expect(statSync(path).mode & 0o777).toBe(0o600);
});

test('a gateway that comes back gets the whole text of the step, without a hole', async () => {
  const path = join(folder, 'run.sock');
  const client = worker(path);
  client.publish(text('before anyone listens, '));
  const first = await serve(path);
  await vi.waitFor(() => expect(shown(first.heard)).toBe('before anyone listens, '));
  client.publish(text('heard, '));
  await vi.waitFor(() => expect(shown(first.heard)).toBe('before anyone listens, heard, '));
  await first.close();
  await vi.waitFor(() => expect(client.connected()).toBe(false));
  client.publish(text('away, '));
  const second = await serve(path);
  await vi.waitFor(() => expect(client.connected()).toBe(true));
  client.publish(text('back'));
  await vi.waitFor(() => expect(shown(second.heard)).toBe('before anyone listens, heard, away, back'));
});

test('a replaced attempt of the worker leaves no hole in the text that is caught up', async () => {
  const path = join(folder, 'run.sock');
  const client = worker(path);
  client.publish(text('old', { attempt: 10_001 }));
  client.publish(text('new, ', { attempt: 10_002 }));
  client.publish(text('late', { attempt: 10_001 }));
  client.publish(text('and whole', { attempt: 10_002 }));
  const gateway = await serve(path);
  await vi.waitFor(() => expect(shown(gateway.heard)).toBe('new, and whole'));
});

test('a reader that does not read costs bounded memory and gets the whole text afterwards', async () => {
  const path = join(folder, 'run.sock');
  const gateway = await serve(path);
  const client = worker(path, { maxBuffered: 50_000 });
  await vi.waitFor(() => expect(client.connected()).toBe(true));
  const piece = 'x'.repeat(1_000);
  // Published in one go: the event loop cannot drain in between.
  for (let i = 0; i < 2_000; i += 1) client.publish(text(piece));
  await vi.waitFor(() => expect(shown(gateway.heard)).toHaveLength(2_000_000));
  expect(gateway.heard.length).toBeLessThan(2_000);
});

test('garbage from the other side is dropped and does not stop the next line', async () => {
  const path = join(folder, 'run.sock');
  const gateway = await serve(path);
  const raw = connect(gateway.path);
  closers.push(() => raw.destroy());
  raw.write('nonsense\n{"type":"text"}\n[]\n{"type":"__proto__"}\n\n');
  raw.write(`${JSON.stringify(text('ok'))}\n`);
  await vi.waitFor(() => expect(gateway.heard).toEqual([text('ok')]));
});

test('a stale socket file is replaced, a living one is not', async () => {
  const path = join(folder, 'run.sock');
  writeFileSync(path, '');
  const gateway = await serve(path);
  await expect(serveRunSocket(path, createBus())).rejects.toMatchObject({ code: 'SOCKET_BUSY' });
  await gateway.close();
  expect(existsSync(path)).toBe(false);
});

test('a state directory too deep for a socket path works by a short stand-in both sides find', async () => {
  const deep = join(folder, 'd'.repeat(60), 'e'.repeat(60));
  mkdirSync(deep, { recursive: true });
  const path = join(deep, 'run.sock');
  expect(Buffer.byteLength(socketPath(path))).toBeLessThanOrEqual(SOCKET_PATH_MAX);
  const gateway = await serve(path);
  const client = worker(path);
  await vi.waitFor(() => expect(client.connected()).toBe(true));
  client.publish(text('deep'));
  await vi.waitFor(() => expect(gateway.heard).toHaveLength(1));
});

test('a folder that others can write to is refused', async () => {
  const open = join(folder, 'open');
  mkdirSync(open, { mode: 0o777 });
  const { chmodSync } = await import('node:fs');
  chmodSync(open, 0o777);
  await expect(serveRunSocket(join(open, 'run.sock'), createBus())).rejects.toMatchObject({ code: 'SOCKET_FOLDER' });
});
