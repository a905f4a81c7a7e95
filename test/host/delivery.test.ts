/**
 * What leaves through Telegram, from a real gateway: what the owner sends, dead letters, an account that is switched off,
 * and the one window in which nobody can know whether a part arrived. The window's width is printed.
 */
import { join } from 'node:path';
import { ChannelsStatusResultSchema } from '@openclaw/gateway-protocol/schema';
import BetterSqlite from 'better-sqlite3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { REPEAT_MARK } from '../../src/core/channel.js';
import { validator } from '../../src/gateway/validate.js';
import { type Installation, install, until } from '../servers/installation.js';
import { type ChatHandle, type Person, type TelegramServer, startTelegram } from '../servers/telegram/index.js';

let tg: TelegramServer;
let house: Installation;
let ann: Person;
let chat: ChatHandle;

beforeAll(async () => {
  tg = await startTelegram();
  ann = tg.person({ firstName: 'Ann' });
  chat = tg.privateChat(ann);
  house = await install({
    config: { agents: { defaults: { model: 'offline/offline' } }, channels: { telegram: { botToken: tg.token, apiRoot: tg.url, streaming: 'off' } }, commands: { ownerAllowFrom: [`telegram:${ann.id}`] } },
  });
  await house.start();
  ann.sends(chat, 'hello');
  await tg.until(() => said().length > 0, 'the first answer');
});
afterAll(async () => {
  await house?.remove();
  await tg?.close();
});

const said = (): string[] => tg.sent(chat).map(({ text }) => text ?? '');
interface Listed {
  readonly deliveries: readonly { readonly id: string; readonly state: string; readonly reason?: string; readonly parts: { readonly repeated: number } }[];
}
const listed = async (all = false): Promise<Listed['deliveries']> => (JSON.parse((await house.run(['delivery', 'list', '--json', ...(all ? ['--all'] : [])])).stdout) as Listed).deliveries;

test('a message of the owner is sent, once a key; the state of the account is in the peer\'s shape and holds no token', async () => {
  const args = ['message', 'send', '--to', 'owner', '-m', 'from the command line', '--key', 'k1'];
  const first = await house.run(args);
  expect(first, first.stderr).toMatchObject({ code: 0, stdout: expect.stringContaining('sent to Ann on telegram (default)') });
  expect((await house.run(args)).code).toBe(0);
  expect(said().filter((text) => text === 'from the command line')).toHaveLength(1);

  const client = await house.client();
  const status = await client.request<object>('channels.status', {});
  expect(validator(ChannelsStatusResultSchema)(status)).toBe(true);
  expect(status).toMatchObject({ channelOrder: ['telegram'], channelDefaultAccountId: { telegram: 'default' }, channelAccounts: { telegram: [{ accountId: 'default', enabled: true, running: true, connected: true, lastError: null }] } });
  expect(JSON.stringify([status, await client.request('channels.list', {}), await client.request('status', {})])).not.toContain(tg.token);
  expect(await client.request('agent.wait', { runId: (await client.request<{ runs: { runId: string }[] }>('runs.list', { limit: 1 })).runs[0]!.runId })).toMatchObject({ delivery: { channel: 'telegram', state: 'sent' } });
});

test('what a person blocked is a dead letter with its reason, until the owner sends it again', async () => {
  tg.blockBot(ann);
  const refused = await house.run(['message', 'send', '--to', 'owner', '-m', 'are you there']);
  expect(refused).toMatchObject({ code: 1, stdout: expect.stringContaining('Blocked') });
  const [dead] = await listed();
  expect(dead).toMatchObject({ state: 'failed', reason: expect.stringContaining('Blocked') });
  expect((await house.run(['notices', 'list'])).stdout).toContain(dead!.id);
  expect((await house.run(['status'])).stdout).toContain('1 not delivered');
  tg.unblockBot(ann);
  await house.run(['delivery', 'retry', dead!.id]);
  await tg.until(() => said().includes('are you there'), 'the dead letter');
  await until('it is no dead letter', async () => (await listed()).length === 0);
  expect((await house.run(['notices', 'list'])).stdout).not.toContain(dead!.id);
});

test('an account that is switched off in the config keeps what it has to send until it is switched on', async () => {
  expect(await house.run(['channels', 'disable', 'telegram'])).toMatchObject({ code: 0 });
  await until('it is stopped', async () => (await house.run(['channels', 'list'])).stdout.includes('switched off'));
  const client = await house.client();
  const answered = client.request<{ readonly status: string }>('send', { to: `telegram:${ann.id}`, message: 'later', idempotencyKey: 'k-later' }, { timeoutMs: 20_000 });
  await expect(answered).rejects.toMatchObject({ message: 'no messenger is set up and switched on' });
  expect(await house.run(['channels', 'enable', 'telegram'])).toMatchObject({ code: 0 });
  await until('it is connected', async () => (await house.run(['channels', 'list'])).stdout.includes('connected'));
  // Stopped by hand it stays an account, and its deliveries wait.
  await client.request('channels.stop', { channel: 'telegram' });
  expect(await client.request('send', { to: `telegram:${ann.id}`, message: 'while stopped', idempotencyKey: 'k-stopped' }, { timeoutMs: 20_000 })).toMatchObject({ ok: true, status: 'queued' });
  expect(said()).not.toContain('while stopped');
  await client.request('channels.start', { channel: 'telegram' });
  await tg.until(() => said().includes('while stopped'), 'what waited');
});

test('a part that was sent when the gateway was killed comes once more, marked; the window is as wide as a call and a write', async () => {
  const held = tg.hang({ method: 'sendMessage' }, { when: 'after', times: 1 });
  const sending = house.run(['message', 'send', '--to', 'owner', '-m', 'did it arrive']);
  await held.met;
  await house.kill();
  held.lift();
  await sending;
  await house.start();
  await tg.until(() => said().filter((text) => text.endsWith('did it arrive')).length === 2, 'the repeat');
  expect(said().filter((text) => text.endsWith('did it arrive'))).toEqual(['did it arrive', `${REPEAT_MARK}did it arrive`]);
  await until('it is noted', async () => (await listed(true))[0]?.state === 'sent');
  expect((await listed(true))[0]).toMatchObject({ state: 'sent', parts: { repeated: 1 } });

  for (let i = 0; i < 10; i += 1) expect((await house.run(['message', 'send', '--to', 'owner', '-m', `part ${i}`])).code).toBe(0);
  const db = new BetterSqlite(join(house.stateDir, 'openclaw.db'), { readonly: true });
  const widths = db.prepare(`select sent_at - begun_at as width from delivery_parts where state = 'sent' and repeated = 0 order by width`).all() as { readonly width: number }[];
  db.close();
  const at = (share: number): number => widths[Math.min(widths.length - 1, Math.floor(widths.length * share))]!.width;
  process.stdout.write(`the ambiguous window of ${widths.length} parts to a server on this machine: median ${at(0.5)} ms, longest ${at(1)} ms\n`);
  expect(at(0.5)).toBeLessThan(1_000);
  tg.expectNoViolations();
}, 180_000);
