/** The HTTP side, Host and Origin, and where the gateway listens. */
import { connect, createServer, type AddressInfo } from 'node:net';
import { WebSocket } from 'ws';
import { request } from 'node:http';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { buildGateway, listen } from '../../src/gateway/app.js';
import { Raw, connected, startWorld, type World } from './fakes.js';

let world: World;
beforeEach(async () => {
  world = await startWorld({ deps: { allowedHosts: ['claw.example', 'other.example:8443'] } });
});
afterEach(() => world.close());

/** fetch() sets Host itself, so a plain request it is. */
function get(path: string, headers: Record<string, string> = {}, method = 'GET', body = ''): Promise<{ status: number; body: string; headers: Record<string, unknown> }> {
  return new Promise((done, fail) => {
    const req = request({ host: '127.0.0.1', port: world.port, path, method, headers: { ...headers, ...(body ? { 'content-length': String(body.length), 'content-type': 'application/json' } : {}) } }, (res) => {
      let text = '';
      res.on('data', (chunk: Buffer) => (text += chunk.toString()));
      res.on('end', () => done({ status: res.statusCode ?? 0, body: text, headers: res.headers }));
    });
    req.on('error', fail);
    req.end(body);
  });
}

test('health, readiness and the page', async () => {
  for (const path of ['/healthz', '/health']) expect(JSON.parse((await get(path)).body)).toEqual({ ok: true, status: 'live' });
  for (const path of ['/readyz', '/ready']) expect(await get(path)).toMatchObject({ status: 200 });
  world.state.ready = false;
  const unready = await get('/readyz');
  expect(unready.status).toBe(503);
  expect(JSON.parse(unready.body)).toMatchObject({ ready: false, failing: ['engine'] });
  expect((await get('/healthz', {}, 'HEAD')).status).toBe(200);

  const page = await get('/');
  expect(page.status).toBe(200);
  expect(page.body).toContain('openclaw agent -m');
  expect(page.body).not.toContain('<script');
  expect(page.headers['content-security-policy']).toContain("default-src 'none'");
  expect(page.headers).toMatchObject({ 'x-content-type-options': 'nosniff', 'x-frame-options': 'DENY', 'referrer-policy': 'no-referrer' });
  expect((await get('/style.css')).headers['content-type']).toContain('text/css');
});

test('errors are JSON and bear the security headers', async () => {
  const missing = await get('/nope?token=abc');
  expect([missing.status, JSON.parse(missing.body).error.code]).toEqual([404, 'NOT_FOUND']);
  expect(missing.headers['x-frame-options']).toBe('DENY');
  const wrong = await get('/healthz', {}, 'POST', '{}');
  expect([wrong.status, JSON.parse(wrong.body).error.code, wrong.headers['allow']]).toEqual([405, 'METHOD_NOT_ALLOWED', 'GET, HEAD']);
  const large = await get('/healthz', {}, 'POST', 'x'.repeat(70_000));
  expect([large.status, JSON.parse(large.body).error.code]).toEqual([413, 'BODY_TOO_LARGE']);
  const broken = await get('/healthz', {}, 'POST', '{');
  expect(broken.status).toBe(400);
});

describe('Host', () => {
  test.each(['evil.example', 'localhost:1', '127.0.0.1', '127.0.0.1.evil.example', 'other.example', 'localhost@evil.example', '[::2]'])('%s is refused over HTTP and WebSocket', async (host) => {
    expect((await get('/healthz', { host })).status).toBe(403);
    const raw = new Raw(world.port, { host });
    expect(await raw.end()).toBeDefined();
    expect(raw.frames).toEqual([]);
  });

  test('loopback names with our port and allowed hosts are served', async () => {
    for (const host of [`127.0.0.1:${world.port}`, `LOCALHOST:${world.port}`, `[::1]:${world.port}`, 'claw.example', 'claw.example:443', 'other.example:8443']) {
      expect([host, (await get('/healthz', { host })).status]).toEqual([host, 200]);
    }
  });

  test('a foreign Origin is refused over HTTP, an allowed one connects', async () => {
    expect((await get('/healthz', { origin: 'https://evil.example' })).status).toBe(403);
    expect((await get('/healthz', { origin: 'https://claw.example' })).status).toBe(200);
    await connected(world.port, {}, { origin: 'https://claw.example' });
  });
});

describe('listening', () => {
  test('any other address than loopback is refused before a socket is opened', async () => {
    const app = buildGateway(world.deps);
    for (const bind of ['0.0.0.0', 'lan', '::', '192.168.1.2', 'tailnet']) {
      await expect(listen(app, { port: 0, bind })).rejects.toMatchObject({ code: 'BIND_REFUSED' });
    }
    expect(app.server.listening).toBe(false);
    await app.close();
  });

  test('a busy port is a clear error', async () => {
    const blocker = createServer().listen(0, '127.0.0.1');
    await new Promise((done) => blocker.once('listening', done));
    const app = buildGateway(world.deps);
    await expect(listen(app, { port: (blocker.address() as AddressInfo).port })).rejects.toMatchObject({ code: 'PORT_BUSY', hint: expect.stringContaining('OPENCLAW_GATEWAY_PORT') });
    await app.close();
    blocker.close();
  });

  test('an address of ours is loopback only', () => {
    expect((world.app.server.address() as AddressInfo).address).toBe('127.0.0.1');
  });
});

describe('connections', () => {
  test('a client whose pongs stop coming is let go', async () => {
    await world.close();
    world = await startWorld({ deps: { timings: { pingMs: 60 } } });
    const lively = await connected(world.port);
    const dead = new WebSocket(`ws://127.0.0.1:${world.port}/`, { autoPong: false });
    const code = await new Promise((done) => dead.on('close', done));
    expect(code).toBe(1006);
    expect(await lively.payload('health')).toMatchObject({ ok: true });
  });

  test('idle sockets and raw garbage keep nobody out', async () => {
    const idle = Array.from({ length: 140 }, () => new Raw(world.port));
    await Promise.all(idle.map((client) => client.until(() => client.frames.length > 0 || client.closed)));
    for (const bytes of ['\0\x01\x02', 'GET / HTTP/9.9\r\n\r\n', `GET / HTTP/1.1\r\nHost: localhost:${world.port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n`, `${'x'.repeat(100_000)}\r\n\r\n`]) {
      const socket = connect(world.port, '127.0.0.1');
      socket.on('error', () => undefined);
      socket.write(bytes, 'latin1');
      await new Promise((done) => socket.on('close', done).resume());
    }
    await connected(world.port);
    expect(idle.filter((client) => client.closed).length).toBeGreaterThan(11);
  });
});
