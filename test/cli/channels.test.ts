/** Messengers on the command line: set up without showing a secret, seen, switched; what could not be sent is dealt with. */
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startGatewayStub, type GatewayStub, type StubOptions } from '../servers/gateway-stub.js';
import { makeInstallation, type Installation } from './cli.js';

const TOKEN = '123456789:AAtoken-that-nobody-may-see';
let home: Installation;
const stubs: GatewayStub[] = [];
beforeEach(() => {
  home = makeInstallation();
  delete home.env['TELEGRAM_BOT_TOKEN'];
});
afterEach(async () => {
  await Promise.all(stubs.splice(0).map((stub) => stub.close()));
  home.remove();
});

async function stub(methods: StubOptions['methods'] = {}): Promise<GatewayStub> {
  const started = await startGatewayStub({ methods });
  stubs.push(started);
  home.env['OPENCLAW_GATEWAY_PORT'] = String(started.port);
  return started;
}

const configFile = (): string => join(home.stateDir, 'openclaw.json');
const config = () => JSON.parse(readFileSync(configFile(), 'utf8')) as { readonly channels: { readonly telegram: Readonly<Record<string, unknown>> } };
const telegram = () => config().channels.telegram;

describe('channels add', () => {
  test('takes the token from a pipe, writes it 0600, and shows it nowhere', async () => {
    const added = await home.run(['channels', 'add', 'telegram'], { input: `${TOKEN}\n` });
    expect(added).toMatchObject({ code: 0 });
    expect(telegram()).toEqual({ botToken: TOKEN, enabled: true });
    expect(statSync(configFile()).mode & 0o777).toBe(0o600);
    expect(added.stdout + added.stderr).not.toContain(TOKEN);
    expect((await home.run(['config', 'get'])).stdout).not.toContain(TOKEN);
  });

  test('knows accounts, variables and files; --token warns of the history', async () => {
    await home.run(['channels', 'add', 'telegram', '--account', 'second', '--token-env', 'SECOND_TOKEN']);
    await home.run(['channels', 'add', 'telegram', '--account', 'third', '--token-file', '/somewhere/token']);
    expect(telegram()['accounts']).toEqual({ second: { botToken: '${SECOND_TOKEN}', enabled: true }, third: { botToken: { source: 'file', path: '/somewhere/token' }, enabled: true } });
    const given = await home.run(['channels', 'add', 'telegram', '--token', TOKEN, '--json']);
    expect(JSON.parse(given.stdout)).toMatchObject({ ok: true, channel: 'telegram', account: 'default' });
    expect(given.stderr).toContain('history');
    expect(given.stdout + given.stderr).not.toContain(TOKEN);
  });

  test('refuses what is no channel, no account, no token', async () => {
    expect(await home.run(['channels', 'add', 'pigeon', '--token-env', 'X'])).toMatchObject({ code: 1, stderr: expect.stringContaining('There is: telegram') });
    expect(await home.run(['channels', 'add', 'telegram', '--account', 'No Good', '--token-env', 'X'])).toMatchObject({ code: 1 });
    expect(await home.run(['channels', 'add', 'telegram'], { input: '\n' })).toMatchObject({ code: 2, stderr: expect.stringContaining('no token') });
  });
});

describe('an account that is set up', () => {
  beforeEach(async () => {
    await home.run(['channels', 'add', 'telegram'], { input: TOKEN });
    await home.run(['config', 'set', 'channels.telegram.dmPolicy', 'allowlist']);
  });

  test('is switched off and on', async () => {
    await home.run(['channels', 'disable', 'telegram']);
    expect(telegram()).toMatchObject({ enabled: false, botToken: TOKEN });
    await home.run(['channels', 'enable', 'telegram']);
    expect(telegram()).toMatchObject({ enabled: true });
  });

  test('is taken out with its token; its policies stay', async () => {
    expect(await home.run(['channels', 'remove', 'telegram'])).toMatchObject({ code: 0 });
    expect(telegram()).toEqual({ dmPolicy: 'allowlist' });
    expect(await home.run(['channels', 'remove', 'telegram'])).toMatchObject({ code: 1, stderr: expect.stringContaining('openclaw channels add telegram') });
  });
});

const ACCOUNT = {
  channel: 'telegram', account: 'default', configured: true, enabled: true, running: true, isDefault: true, state: 'failed', since: Date.now() - 5_000, self: '@claw_bot', lastInboundAt: Date.now() - 90_000,
  lastError: { code: 'CONFLICT', message: 'another program uses this token', hint: 'Stop the other one.', at: Date.now() }, unsent: { waiting: 1, held: 2, failed: 3 },
};
const DELIVERY = { id: 'reply-1', kind: 'reply', state: 'failed', channel: 'telegram', accountId: 'default', to: '42', queuedAt: Date.now(), reason: 'Blocked: blocked by the user', parts: { total: 2, sent: 1, repeated: 1 } };

describe('with a gateway', () => {
  test('channels list, channels status and status say how each is, and what to do', async () => {
    await stub({ 'channels.list': () => ({ ts: 1, accounts: [ACCOUNT] }), status: () => ({ channels: [ACCOUNT], runs: {} }) });
    const { stdout: listed } = await home.run(['channels', 'list']);
    for (const part of ['telegram', '@claw_bot', 'failed', '1 waiting, 2 held, 3 not delivered', 'another program']) expect(listed).toContain(part);
    const { stdout: shown } = await home.run(['channels', 'status', 'telegram']);
    for (const part of ['another program uses this token (CONFLICT', '→ Stop the other one.', 'Last received']) expect(shown).toContain(part);
    expect((await home.run(['channels', 'status', 'discord'])).stdout).toContain('openclaw channels add telegram');
    expect((await home.run(['status'])).stdout).toContain('telegram (default) failed: another program uses this token, 1 waiting');
  });

  test('delivery list, retry and discard name what they did', async () => {
    const gateway = await stub({ 'delivery.list': () => ({ deliveries: [DELIVERY] }), 'delivery.retry': () => ({ ok: true, ids: ['a', 'b'] }), 'delivery.discard': () => ({ ok: true, ids: ['reply-1'] }) });
    const { stdout } = await home.run(['delivery', 'list', '--all']);
    for (const part of ['reply-1', 'failed', '1/2 (1 repeated)', 'blocked by the user']) expect(stdout).toContain(part);
    expect((await home.run(['delivery', 'retry', '--all', '--channel', 'telegram'])).stdout).toContain('Queued again: a, b');
    expect((await home.run(['delivery', 'discard', 'reply-1'])).stdout).toContain('Put away: reply-1');
    expect(await home.run(['delivery', 'retry'])).toMatchObject({ code: 2 });
    expect(gateway.calls.filter(({ method }) => method.startsWith('delivery.')).map(({ params }) => params)).toEqual([{ limit: 50, all: true }, { all: true, channel: 'telegram' }, { id: 'reply-1' }]);
  });

  test('message send says how far it got, and fails when it was refused', async () => {
    let status = 'sent';
    const gateway = await stub({ send: (params) => ({ ok: status !== 'failed', runId: params['idempotencyKey'], deliveryId: 'message-1', channel: 'telegram', accountId: 'default', to: '42', name: 'Ann', status, ...(status === 'failed' ? { reason: 'Blocked: blocked by the user' } : {}) }) });
    writeFileSync(join(home.home, 'note.txt'), 'inside');
    const sent = await home.run(['message', 'send', '--to', 'ann', '-m', '-', '--key', 'k1', '--attach', join(home.home, 'note.txt'), '--reply-to', '7'], { input: 'hello' });
    expect(sent).toMatchObject({ code: 0, stdout: expect.stringContaining('sent to Ann on telegram (default)') });
    expect(gateway.calls.at(-1)!.params).toEqual({ to: 'ann', message: 'hello', idempotencyKey: 'k1', replyToId: '7', buffer: Buffer.from('inside').toString('base64'), filename: 'note.txt', contentType: 'text/plain' });
    status = 'failed';
    expect(await home.run(['message', 'send', '--to', 'ann', '-m', 'hello'])).toMatchObject({ code: 1, stdout: expect.stringContaining('blocked by the user') });
    expect(await home.run(['message', 'send', '--to', 'ann'])).toMatchObject({ code: 2 });
  });
});

test('channels logs shows the log lines of messengers alone, without a gateway', async () => {
  mkdirSync(join(home.stateDir, 'logs'), { recursive: true });
  const line = (over: object): string => JSON.stringify({ level: 40, time: 1, name: 'gateway', pid: 1, msg: 'polling failed', ...over });
  writeFileSync(join(home.stateDir, 'logs', 'openclaw.log'), [line({ channel: 'telegram', account: 'default', error: 'no route' }), line({ msg: 'something else' }), line({ channel: 'telegram', account: 'second' }), '{"level":40,"channel":"cut'].join('\n'));
  const { stdout } = await home.run(['channels', 'logs', 'telegram', '--account', 'default']);
  expect(stdout).toContain('telegram (default) polling failed: no route');
  expect(stdout).not.toContain('something else');
  expect(JSON.parse((await home.run(['channels', 'logs', '--json'])).stdout)).toMatchObject({ lines: [{ account: 'default', level: 'warn' }, { account: 'second' }] });
});
