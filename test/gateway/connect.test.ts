/** The door: every recorded way a connect fails, and what a good one gets. Over real sockets. */
import { createHash, generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { HelloOkSchema, ResponseFrameSchema, EventFrameSchema } from '@openclaw/gateway-protocol';
import { buildDeviceAuthPayload, buildDeviceAuthPayloadV3, GatewayClient } from '@openclaw/gateway-client';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

import { validator } from '../../src/gateway/validate.js';
import { connected, connectParams, Raw, startWorld, TOKEN, type World } from './fakes.js';

let world: World;
beforeEach(async () => {
  world = await startWorld({ deps: { timings: { handshakeMs: 400, pollMs: 20 } } });
});
afterEach(() => world.close());

const isHello = validator(HelloOkSchema);
const isResponse = validator(ResponseFrameSchema);
const isEvent = validator(EventFrameSchema);

/** A refused connect: its error and how the connection ended. */
async function refused(params: unknown, headers: Record<string, string> = {}) {
  const raw = new Raw(world.port, headers);
  const frame = await raw.connect(params);
  expect(frame['ok']).toBe(false);
  expect(isResponse(frame), JSON.stringify(isResponse.errors)).toBe(true);
  return { error: frame['error'] as Record<string, any>, end: await raw.end() };
}

describe('a refused connect has the peer’s words and close code', () => {
  test('wrong token, in either field', async () => {
    const text = 'unauthorized: gateway token mismatch (provide gateway auth token)';
    for (const auth of [{ token: 'wrong' }, { password: 'wrong' }, { token: `${TOKEN}x` }]) {
      const { error, end } = await refused(connectParams({ auth }));
      expect(error).toEqual({
        code: 'INVALID_REQUEST',
        message: text,
        details: { code: 'AUTH_TOKEN_MISMATCH', authReason: 'token_mismatch', canRetryWithDeviceToken: false, recommendedNextStep: 'update_auth_credentials' },
      });
      expect(end).toEqual({ code: 1008, reason: text });
    }
    expect(JSON.stringify(world.logs)).not.toContain(TOKEN);
  });

  test('no token and no device', async () => {
    for (const auth of [undefined, {}, { token: '' }]) {
      const { error, end } = await refused(connectParams({ auth }));
      expect(error).toEqual({ code: 'NOT_PAIRED', message: 'device identity required', details: { code: 'DEVICE_IDENTITY_REQUIRED' } });
      expect(end).toEqual({ code: 1008, reason: 'device identity required' });
    }
  });

  test('a client that needs a device and has none', async () => {
    const client = { id: 'openclaw-ios', version: '1', platform: 'ios', mode: 'node' };
    expect((await refused(connectParams({ client }))).error['code']).toBe('NOT_PAIRED');
    const headers = { origin: `http://127.0.0.1:${world.port}` };
    expect((await refused(connectParams({ client: { ...client, id: 'webchat', mode: 'webchat' } }), headers)).error['code']).toBe('NOT_PAIRED');
  });

  test('protocol 3 only', async () => {
    const { error, end } = await refused(connectParams({ minProtocol: 3, maxProtocol: 3 }));
    expect(error).toEqual({
      code: 'INVALID_REQUEST',
      message: 'protocol mismatch',
      details: { code: 'PROTOCOL_MISMATCH', clientMinProtocol: 3, clientMaxProtocol: 3, expectedProtocol: 4, minimumProbeProtocol: 3 },
    });
    expect(end).toEqual({ code: 1002, reason: 'protocol mismatch' });
  });

  test('first frame is another request', async () => {
    const raw = new Raw(world.port);
    await raw.challenge();
    raw.send({ type: 'req', id: 'x', method: 'health' });
    expect((await raw.response('x'))['error']).toEqual({ code: 'INVALID_REQUEST', message: 'invalid handshake: first request must be connect' });
    expect(await raw.end()).toEqual({ code: 1008, reason: 'invalid handshake: first request must be connect' });
  });

  test('unknown client id', async () => {
    const { error, end } = await refused(connectParams({ client: { id: 'nobody', version: '1', platform: 'linux', mode: 'cli' } }));
    expect(error['message']).toBe('invalid connect params: at /client/id: must be equal to one of the allowed values');
    expect(end.code).toBe(1008);
  });

  test('an extra field', async () => {
    const { error, end } = await refused(connectParams({ foo: 1 }));
    expect(error['message']).toBe("invalid connect params: at root: unexpected property 'foo'");
    expect(end.code).toBe(1008);
  });

  test('a foreign Origin, and a browser without one', async () => {
    for (const origin of ['https://evil.example', 'null', 'http://127.0.0.1:1', `http://127.0.0.1:${world.port}.evil.example`, `https://user@localhost:${world.port}`]) {
      const { error, end } = await refused(connectParams(), { origin });
      expect(error['message']).toMatch(/^origin not allowed \(/);
      expect(error['details']).toEqual({ code: 'CONTROL_UI_ORIGIN_NOT_ALLOWED' });
      expect(end.code).toBe(1008);
    }
    const client = { id: 'openclaw-control-ui', version: '1', platform: 'web', mode: 'ui' };
    expect((await refused(connectParams({ client }))).error['details']).toEqual({ code: 'CONTROL_UI_ORIGIN_NOT_ALLOWED' });
  });

  test('a role without an engine', async () => {
    expect((await refused(connectParams({ role: 'node' }))).error['message']).toBe('role node is not available yet; connect as operator');
  });

  test('still starting: try again in a moment', async () => {
    world.state.starting = true;
    const { error, end } = await refused(connectParams());
    expect(error).toMatchObject({ code: 'UNAVAILABLE', details: { reason: 'startup-sidecars' }, retryable: true, retryAfterMs: 500 });
    expect(end).toEqual({ code: 1013, reason: 'gateway starting' });
  });

  test('unparsable first frames close with 1000, silence with a timeout, a frame too large with 1009', async () => {
    for (const garbage of ['{', '[]', '"x"', '\u0000']) {
      const raw = new Raw(world.port);
      await raw.challenge();
      raw.send(garbage);
      expect((await raw.end()).code).toBe(1000);
    }
    const silent = new Raw(world.port);
    await silent.challenge();
    expect(await silent.end()).toEqual({ code: 1008, reason: 'handshake timeout' });
    const large = new Raw(world.port);
    await large.challenge();
    large.send({ type: 'req', id: 'x', method: 'connect', params: 'y'.repeat(70_000) });
    expect((await large.end()).code).toBe(1009);
  });

  test('guessing is slowed down and never locks the owner out', async () => {
    const began = Date.now();
    for (let i = 0; i < 7; i += 1) await refused(connectParams({ auth: { token: `guess ${i}` } }));
    expect(Date.now() - began).toBeGreaterThan(500);
    await connected(world.port);
  });
});

test('a storm of wrong tokens is turned away at once, and the right one still comes straight in', async () => {
  const storm = await Promise.all(
    Array.from({ length: 45 }, async () => {
      const raw = new Raw(world.port);
      await raw.challenge();
      raw.send({ type: 'req', id: 'c', method: 'connect', params: connectParams({ auth: { token: 'wrong' } }) });
      return raw;
    }),
  );
  const turned = await Promise.any(storm.map((raw) => raw.until(() => raw.frames.find((frame) => (frame['error'] as any)?.details?.code === 'AUTH_RATE_LIMITED'))));
  expect(turned['error']).toMatchObject({ code: 'INVALID_REQUEST', retryable: true, retryAfterMs: 5_000, details: { recommendedNextStep: 'wait_then_retry' } });
  const began = Date.now();
  await connected(world.port);
  expect(Date.now() - began).toBeLessThan(2_000);
  for (const raw of storm) raw.socket.terminate();
});

describe('a signed device', () => {
  const pair = generateKeyPairSync('ed25519');
  const publicKey = (pair.publicKey.export({ format: 'jwk' }) as { x: string }).x;
  const id = createHash('sha256').update(Buffer.from(publicKey, 'base64url')).digest('hex');
  const client = { id: 'openclaw-macos', version: '1', platform: ' MacOS ', deviceFamily: 'Mac', mode: 'ui' } as const;

  async function attempt(change: { version?: 2 | 3; key?: KeyObject; device?: Record<string, unknown>; skew?: number; nonce?: string; auth?: object } = {}) {
    const raw = new Raw(world.port, { origin: `http://localhost:${world.port}` });
    const { nonce: challenge } = await raw.challenge();
    const nonce = change.nonce ?? challenge;
    const signedAt = Date.now() + (change.skew ?? 0);
    const fields = { deviceId: id, clientId: client.id, clientMode: client.mode, role: 'operator', scopes: ['operator.read', 'operator.write'], signedAtMs: signedAt, token: TOKEN, nonce };
    const payload = change.version === 2 ? buildDeviceAuthPayload(fields) : buildDeviceAuthPayloadV3({ ...fields, platform: client.platform, deviceFamily: client.deviceFamily });
    const signature = sign(null, Buffer.from(payload), change.key ?? pair.privateKey).toString('base64url');
    return raw.connect(connectParams({ client, scopes: fields.scopes, auth: change.auth ?? { token: TOKEN }, device: { id, publicKey, signature, signedAt, nonce, ...change.device } }));
  }

  test('is accepted with payload version 2 and 3', async () => {
    for (const version of [2, 3] as const) {
      const hello = await attempt({ version });
      expect(hello['ok'], JSON.stringify(hello)).toBe(true);
      expect((hello['payload'] as any).auth).toEqual({ role: 'operator', scopes: ['operator.read', 'operator.write'] });
    }
  });

  test.each([
    ['another id', { device: { id: 'f'.repeat(64) } }, 'DEVICE_AUTH_DEVICE_ID_MISMATCH', 'device-id-mismatch', 'device identity mismatch'],
    ['an old signature', { skew: -121_000 }, 'DEVICE_AUTH_SIGNATURE_EXPIRED', 'device-signature-stale', 'device signature expired'],
    ['a signature from the future', { skew: 125_000 }, 'DEVICE_AUTH_SIGNATURE_EXPIRED', 'device-signature-stale', 'device signature expired'],
    ['a replayed nonce', { nonce: '00000000-0000-0000-0000-000000000000' }, 'DEVICE_AUTH_NONCE_MISMATCH', 'device-nonce-mismatch', 'device nonce mismatch'],
    ['a blank nonce', { nonce: ' ' }, 'DEVICE_AUTH_NONCE_REQUIRED', 'device-nonce-missing', 'device nonce required'],
    ['another key’s signature', { key: generateKeyPairSync('ed25519').privateKey }, 'DEVICE_AUTH_SIGNATURE_INVALID', 'device-signature', 'device signature invalid'],
    ['no signature at all', { device: { signature: 'AAAA' } }, 'DEVICE_AUTH_SIGNATURE_INVALID', 'device-signature', 'device signature invalid'],
    ['a broken key', { device: { publicKey: '###' } }, 'DEVICE_AUTH_PUBLIC_KEY_INVALID', 'device-public-key', 'device public key invalid'],
  ] as const)('is refused with %s', async (_name, change, code, reason, message) => {
    const frame = await attempt(change as Parameters<typeof attempt>[0]);
    expect(frame['error']).toEqual({ code: 'INVALID_REQUEST', message, details: { code, reason } });
  });

  test('does not replace the token', async () => {
    const raw = new Raw(world.port, { origin: `http://localhost:${world.port}` });
    const { nonce } = await raw.challenge();
    const signedAt = Date.now();
    const payload = buildDeviceAuthPayload({ deviceId: id, clientId: client.id, clientMode: client.mode, role: 'operator', scopes: [], signedAtMs: signedAt, token: '', nonce });
    const signature = sign(null, Buffer.from(payload), pair.privateKey).toString('base64url');
    const frame = await raw.connect(connectParams({ client, scopes: [], auth: undefined, device: { id, publicKey, signature, signedAt, nonce } }));
    expect(frame['error']).toMatchObject({ details: { code: 'AUTH_TOKEN_MISSING' } });
  });
});

describe('a good connect', () => {
  test('gets a hello-ok of the protocol’s schema with everything a client relies on', async () => {
    const raw = new Raw(world.port);
    const hello = await raw.connect(connectParams({ scopes: ['operator.read', 'operator.write', 'operator.conquer'] }));
    expect(raw.frames.every((frame) => (frame.type === 'res' ? isResponse(frame) : isEvent(frame)))).toBe(true);
    const payload = hello['payload'] as any;
    expect(isHello(payload), JSON.stringify(isHello.errors)).toBe(true);
    expect(payload.auth.scopes).toEqual(['operator.read', 'operator.write']);
    expect(payload.policy).toMatchObject({ maxPayload: 26_214_400, maxBufferedBytes: 52_428_800, tickIntervalMs: 30_000 });
    expect(payload.features.methods).toEqual(expect.arrayContaining(['health', 'status', 'agent', 'agent.wait', 'chat.send', 'chat.history', 'chat.abort', 'runs.get', 'config.patch', 'doctor.checks']));
    expect(payload.snapshot.sessionDefaults.mainSessionKey).toBe('agent:main:main');
    expect(JSON.stringify(payload)).not.toContain(TOKEN);
  });

  test('takes the token as password, the backend client, a loopback Origin, and a range that includes 4', async () => {
    await connected(world.port, { auth: { password: TOKEN } });
    await connected(world.port, { client: { id: 'gateway-client', version: '1', platform: 'linux', mode: 'backend' } });
    await connected(world.port, {}, { origin: `http://localhost:${world.port}` });
    await connected(world.port, { minProtocol: 3, maxProtocol: 4, client: { id: 'cli', version: '1', platform: 'linux', mode: 'probe' } });
  });

  test('requests sent behind it are answered after it', async () => {
    const raw = new Raw(world.port);
    await raw.challenge();
    raw.send({ type: 'req', id: 'c', method: 'connect', params: connectParams() });
    raw.send({ type: 'req', id: 'h', method: 'health' });
    expect((await raw.response('h'))['ok']).toBe(true);
  });

  test('the reference client comes in, asks and hears ticks', async () => {
    const ticking = await startWorld({ deps: { timings: { tickMs: 50 } } });
    const heard: string[] = [];
    let gaps = 0;
    const hello = Promise.withResolvers<unknown>();
    const client = new GatewayClient({
      url: `ws://127.0.0.1:${ticking.port}`,
      token: TOKEN,
      minProtocol: 4,
      maxProtocol: 4,
      scopes: ['operator.admin'],
      deviceIdentity: null,
      onHelloOk: hello.resolve,
      onConnectError: hello.reject,
      onEvent: (event) => heard.push(event.event),
      onGap: () => (gaps += 1),
    });
    client.start();
    await hello.promise;
    expect(await client.request('status', {})).toMatchObject({ runtimeVersion: '0.1.0' });
    await vi.waitFor(() => expect(heard.filter((name) => name === 'tick').length).toBeGreaterThan(2), 3_000);
    expect(gaps).toBe(0);
    client.stop();
    await ticking.close();
  });
});
