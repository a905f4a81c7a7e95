/** `pairing` and `contacts`: what a person reads and types, against the wire alone, and once against a real gateway. */
import { Client, Connection } from '@temporalio/client';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { InboundMessage } from '../../src/core/message.js';
import { createPairing } from '../../src/sessions/pairing.js';
import { createPairingEngine } from '../../src/sessions/pairing-engine.js';
import { deliveryById, listDeliveries } from '../../src/storage/deliveries.js';
import { type Db, openStore } from '../../src/storage/sqlite.js';
import { startGatewayStub, type GatewayStub, type StubHandler, type StubOptions } from '../servers/gateway-stub.js';
import { type Installation as House, install } from '../servers/installation.js';
import { makeInstallation, type Installation } from './cli.js';
import { startOnTerminal } from './terminal.js';

const HOUR = 3_600_000;

describe('the words', () => {
  let home: Installation;
  const stubs: GatewayStub[] = [];
  beforeEach(() => {
    home = makeInstallation();
  });
  afterEach(async () => {
    await Promise.all(stubs.splice(0).map((stub) => stub.close()));
    home.remove();
  });

  async function stub(methods: NonNullable<StubOptions['methods']>): Promise<GatewayStub> {
    const started = await startGatewayStub({ methods });
    stubs.push(started);
    home.env['OPENCLAW_GATEWAY_PORT'] = String(started.port);
    return started;
  }

  const stranger = { id: 'pr-1', channel: 'telegram', account: 'default', sender: '11', code: 'CLAW-7X9K', name: 'Ann\u202eeve\n', username: 'ann', held: 2, requestedAt: Date.now() - 2 * HOUR, lastAt: Date.now(), expiresAt: Date.now() + 1e9 };
  const contact = { id: 'c-aaaa2222', name: 'Ann', role: 'guest', blocked: false, createdAt: Date.now() - 2 * HOUR, identities: [{ channel: 'telegram', account: 'default', sender: '11', state: 'approved', approvedBy: 'owner', home: 'c-aaaa2222' }, { channel: 'discord', account: 'work', sender: '9', state: 'known', home: 'c-bbbb3333', username: 'ann9' }] };
  const approve: StubHandler = ({ owner }) => ({ ok: true, id: 'pr-1', channel: 'telegram', account: 'default', sender: '11', state: 'approved', handed: 2, contact: { ...contact, role: owner === true ? 'owner' : 'guest' } });
  const list = (requests: readonly unknown[], hasOwner = true): StubHandler => () => ({ ts: 1, requests, hasOwner });

  test('list shows who waits with their code and the command, and no name passes for something else', async () => {
    await stub({ 'pairing.list': list([stranger, { ...stranger, account: 'work', sender: '12', code: 'CLAW-AAAA', name: undefined, username: undefined, held: 1, expiresAt: 1 }]) });
    const { stdout } = await home.run(['pairing', 'list']);
    expect(stdout.replace(/valid for \S+ \S+ \S+ \S+/, 'valid for …')).toBe([
      'CLAW-7X9K  Ann\\u{202e}eve\\n @ann  telegram (default) 11',
      '  2 messages held, asked 2 h ago; the code: valid for …',
      '  openclaw pairing approve telegram CLAW-7X9K', '  openclaw pairing deny telegram CLAW-7X9K', '  openclaw pairing block telegram CLAW-7X9K',
      '',
      'CLAW-AAAA  12  telegram (work) 12',
      '  1 message held, asked 2 h ago; the code: expired; a new message brings a new code',
      '  openclaw pairing approve telegram --sender 12 --account work', '  openclaw pairing deny telegram --sender 12 --account work', '  openclaw pairing block telegram --sender 12 --account work',
      '',
    ].join('\n'));
    await stub({ 'pairing.list': list([]) });
    expect((await home.run(['pairing', 'list'])).stdout).toBe('Nobody waits to be let in.\n');
  });

  test('approve, deny, block: by code or by sender, and never by neither or both', async () => {
    const gateway = await stub({ 'pairing.list': list([stranger]), 'pairing.approve': approve, 'pairing.deny': () => ({ ...(approve({}, undefined as never) as object), state: 'denied', contact: undefined }), 'pairing.block': () => ({ ...(approve({}, undefined as never) as object), state: 'blocked' }) });
    const approved = await home.run(['pairing', 'approve', 'Telegram', '7x9k']);
    expect(approved).toMatchObject({ code: 0, stdout: 'Let in: Ann (c-aaaa2222). What was held (2 messages) is being answered.\n', stderr: '' });
    expect((await home.run(['pairing', 'deny', 'telegram', '--sender', '11', '--account', 'work'])).stdout).toBe('Denied: telegram 11. They are told nothing, and may ask again later.\n');
    expect((await home.run(['pairing', 'block', 'telegram', 'CLAW-7X9K'])).stdout).toBe('Blocked: Ann (c-aaaa2222). They are told nothing, now and later.\n');
    for (const args of [['telegram'], ['telegram', '7x9k', '--sender', '11'], ['telegram', ' ']]) expect((await home.run(['pairing', 'approve', ...args])).code).toBe(2);
    expect(gateway.calls.filter(({ method }) => method !== 'pairing.list')).toEqual([
      { method: 'pairing.approve', params: { channel: 'telegram', code: '7x9k' } },
      { method: 'pairing.deny', params: { channel: 'telegram', sender: '11', account: 'work' } },
      { method: 'pairing.block', params: { channel: 'telegram', code: 'CLAW-7X9K' } },
    ]);
  });

  test('without an owner, a terminal asks, a script is told, and a flag decides', async () => {
    const gateway = await stub({ 'pairing.list': list([stranger], false), 'pairing.approve': approve });
    const owners = () => gateway.calls.filter(({ method }) => method === 'pairing.approve').map(({ params }) => params['owner']);
    for (const [typed, owner] of [['y\r', true], ['\r', undefined], ['nope\r', undefined]] as const) {
      const terminal = startOnTerminal(home, ['pairing', 'approve', 'telegram', '7x9k']);
      await terminal.shows('[y/N]');
      terminal.type(typed);
      const { code, screen } = await terminal.done;
      expect([code, screen.includes(owner ? 'Let in: Ann, the owner' : 'Let in: Ann (c-')]).toEqual([0, true]);
      expect(owners().at(-1)).toBe(owner);
    }
    const stopped = startOnTerminal(home, ['pairing', 'approve', 'telegram', '7x9k']);
    await stopped.shows('[y/N]');
    stopped.type('\u0003');
    expect((await stopped.done).code).toBe(130);
    expect(owners()).toHaveLength(3);
    const script = await home.run(['pairing', 'approve', 'telegram', '7x9k']);
    expect(script.stderr).toContain('openclaw contacts owner c-aaaa2222');
    await home.run(['pairing', 'approve', 'telegram', '7x9k', '--owner']);
    expect((await home.run(['pairing', 'approve', 'telegram', '7x9k', '--no-owner'])).stderr).toBe('');
    expect(owners().slice(3)).toEqual([undefined, true, undefined]);
  });

  test('contacts: list, show, and each verb with what it says', async () => {
    const gateway = await stub({ 'contacts.list': () => ({ contacts: [contact, { ...contact, id: 'c-empty222', identities: [] }] }), ...Object.fromEntries(['get', 'rename', 'block', 'unblock', 'owner', 'link', 'unlink'].map((verb) => [`contacts.${verb}`, () => ({ ok: true, contact })])) });
    expect((await home.run(['contacts', 'list'])).stdout).toBe('ID          NAME  ROLE   IDENTITIES\nc-aaaa2222  Ann   guest  telegram:11, discord:work:9 (not approved)\n');
    expect((await home.run(['contacts', 'show', 'ann'])).stdout).toBe('c-aaaa2222  Ann  guest, known since 2 h ago\n  telegram:11  approved by owner\n  discord:work:9  @ann9  not approved for direct messages; linked, before: c-bbbb3333\n');
    for (const args of [['rename', 'ann', 'Ann B.'], ['block', 'ann'], ['unblock', 'ann'], ['owner', 'ann'], ['owner', 'ann', '--no'], ['link', 'ann', 'discord:9'], ['unlink', 'discord:9']]) expect((await home.run(['contacts', ...args])).code).toBe(0);
    expect(gateway.calls.slice(2)).toEqual([
      { method: 'contacts.rename', params: { contact: 'ann', name: 'Ann B.' } },
      { method: 'contacts.block', params: { contact: 'ann' } },
      { method: 'contacts.unblock', params: { contact: 'ann' } },
      { method: 'contacts.owner', params: { contact: 'ann' } },
      { method: 'contacts.owner', params: { contact: 'ann', owner: false } },
      { method: 'contacts.link', params: { contact: 'ann', other: 'discord:9' } },
      { method: 'contacts.unlink', params: { contact: 'discord:9' } },
    ]);
    expect((await home.run(['contacts', 'show', ' '])).code).toBe(2);
  });

  test('status says who waits, with the command', async () => {
    await stub({ status: () => ({ pairing: { waiting: 2, held: 3, oldestAtMs: Date.now() - 2 * HOUR } }) });
    expect((await home.run(['status'])).stdout).toContain('2 wait to be let in, 3 messages held, the first asked 2 h ago (openclaw pairing list)');
  });
});

describe('a real gateway', () => {
  let house: House;
  let shell: Installation;
  let db: Db;
  let connection: Connection;
  let pairing: ReturnType<typeof createPairing>;
  const quiet = (): void => undefined;

  beforeAll(async () => {
    house = await install();
    await house.start();
    shell = makeInstallation({ OPENCLAW_STATE_DIR: house.stateDir, OPENCLAW_GATEWAY_PORT: String(house.port) });
    db = await openStore(join(house.stateDir, 'openclaw.db'));
    connection = await Connection.connect({ address: `127.0.0.1:${house.engine().ports.grpc}` });
    // As an adapter of this installation would.
    pairing = createPairing({ db, engine: createPairingEngine(new Client({ connection, namespace: 'openclaw' })), limits: () => ({ ttlMs: HOUR, maxPending: 3 }), configOwners: () => [], log: { debug: quiet, info: quiet, warn: quiet, error: quiet } });
  });
  afterAll(async () => {
    await connection?.close();
    await db?.destroy();
    shell?.remove();
    await house?.remove();
  });

  const message = (sender: string, id: string, text: string): InboundMessage => ({
    channel: 'telegram', account: 'default', conversation: { kind: 'direct', id: sender }, sender: { id: sender, name: `Person ${sender}` }, messageId: id, event: { type: 'message' }, time: Date.now(), text, mentions: [], attachments: [],
  });
  const json = async <T>(args: readonly string[]): Promise<T> => JSON.parse((await shell.run([...args, '--json'])).stdout) as T;
  const waiting = async () => (await json<{ readonly requests: readonly { readonly sender: string; readonly code: string; readonly held: number }[] }>(['pairing', 'list'])).requests;

  test('three messages of a stranger, the code in their reply, approved after a SIGKILL: three answers, in order', async () => {
    for (const n of [1, 2, 3]) await pairing.hold(message('11', `m${n}`, `echo message ${n}`));
    await expect.poll(async () => (await waiting())[0]?.code).toMatch(/^CLAW-/);
    const [request] = await waiting();
    expect(request).toMatchObject({ sender: '11', held: 3 });
    const [delivery] = await listDeliveries(db, { limit: 5 });
    expect(await deliveryById(db, delivery!.id)).toMatchObject({ kind: 'pairing', to: { channel: 'telegram', conversation: { id: '11' } }, source: { markdown: expect.stringContaining(request!.code) } });
    expect((await shell.run(['status'])).stdout).toContain('1 waits to be let in, 3 messages held');
    expect((await shell.run(['doctor'])).stdout).toContain('1 waits to be let in on telegram; 3 messages are held');
    expect((await shell.run(['sessions', 'list'])).stdout).not.toContain('direct');

    await house.kill();
    await house.start();
    const wrong = await shell.run(['pairing', 'approve', 'telegram', request!.code === 'CLAW-AAAA' ? 'BBBB' : 'aaaa']);
    expect(wrong).toMatchObject({ code: 1, stderr: expect.stringContaining('no stranger on telegram has this code') });
    const approved = await json<{ readonly handed: number; readonly contact: { readonly id: string } }>(['pairing', 'approve', 'telegram', request!.code.slice(5).toLowerCase(), '--no-owner']);
    expect(approved).toMatchObject({ state: 'approved', handed: 3, contact: { name: 'Person 11', role: 'guest' } });

    const session = `agent:main:direct:${approved.contact.id}`;
    const rows = async () => db.selectFrom('inbound').select(['state', 'session', 'message', 'taken_at']).where('session', '=', session).orderBy('taken_at').orderBy('accepted_at').execute();
    await expect.poll(async () => (await rows()).map(({ state }) => state), { timeout: 30_000 }).toEqual(expect.arrayContaining([expect.stringMatching(/^(ok|merged)$/)]));
    await expect.poll(async () => (await rows()).every(({ state }) => state === 'ok' || state === 'merged'), { timeout: 30_000 }).toBe(true);
    expect((await rows()).map(({ message: text }) => (JSON.parse(text) as InboundMessage).text)).toEqual(['echo message 1', 'echo message 2', 'echo message 3']);
    const transcript = (await db.selectFrom('transcript').select(['kind', 'content']).where('session', '=', session).where('kind', '=', 'user').orderBy('seq').execute()).map(({ content }) => (JSON.parse(content) as { readonly text: string }).text);
    expect(transcript).toEqual(['echo message 1', 'echo message 2', 'echo message 3']);

    expect(await waiting()).toEqual([]);
    expect((await shell.run(['contacts', 'list'])).stdout).toMatch(/Person 11 +guest +telegram:11/);
    expect((await shell.run(['doctor'])).stdout).not.toContain('waits to be let in');
  });

  test('denied and blocked; the wire tells a wrong code from too many of them', async () => {
    for (const sender of ['21', '22']) await pairing.hold(message(sender, 'm1', 'let me in'));
    await expect.poll(async () => (await waiting()).every(({ code }) => code !== '')).toBe(true);
    const codeOf = async (sender: string): Promise<string> => (await waiting()).find((one) => one.sender === sender)!.code;
    expect((await shell.run(['pairing', 'deny', 'telegram', await codeOf('21')])).stdout).toContain('Denied: telegram 21.');
    expect((await shell.run(['pairing', 'block', 'telegram', '--sender', '22'])).stdout).toContain('Blocked: Person 22');
    expect(await waiting()).toEqual([]);
    expect((await shell.run(['contacts', 'list'])).stdout).toMatch(/Person 22 +blocked/);
    const client = await house.client();
    const refused = async () => client.request('pairing.approve', { channel: 'telegram', code: 'zzzz' }).then(() => undefined, (error: { readonly code: string; readonly details: { readonly details: { readonly code: string } } }) => [error.code, error.details.details.code]);
    const codes: unknown[] = [];
    for (let i = 0; i < 12; i += 1) codes.push(await refused());
    expect([codes[0], codes.at(-1)]).toEqual([['INVALID_REQUEST', 'PAIRING_UNKNOWN'], ['UNAVAILABLE', 'PAIRING_RATE_LIMITED']]);
  });
});
