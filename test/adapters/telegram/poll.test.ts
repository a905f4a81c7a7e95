/** The connection: who else reads this bot, what is confirmed at the end, what a broken server does to us. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it } from 'vitest';
import type { ChannelStatus } from '../../../src/core/channel.js';
import { startTelegram } from '../../servers/telegram/index.js';
import { telegram, telegramOn } from './standin.js';

/** Statuses, and waiting for one. */
function watch(): { readonly onStatus: (status: ChannelStatus) => void; readonly seen: ChannelStatus[]; until(fits: (status: ChannelStatus) => boolean, from?: number): Promise<ChannelStatus> } {
  const seen: ChannelStatus[] = [];
  let waiting: ((status: ChannelStatus) => boolean)[] = [];
  return {
    seen,
    onStatus(status) {
      seen.push(status);
      waiting = waiting.filter((met) => !met(status));
    },
    /** @param from those before this number do not count */
    until: (fits, from = 0) => new Promise((done) => {
      const known = seen.slice(from).find(fits);
      if (known) done(known);
      else waiting.push((status) => fits(status) && (done(status), true));
    }),
  };
}

it('says that another program reads its messages, gives way, and comes back when that is over', async () => {
  const status = watch();
  const { tg, inbox } = await telegram({ deps: { onStatus: status.onStatus } });
  const other = tg.fail('getUpdates', { status: 409, times: 3 });
  const ann = tg.person();
  ann.sends(tg.privateChat(ann), 'hello');
  const failed = await status.until(({ state }) => state === 'failed');
  expect([failed.lastError?.code, failed.lastError?.hint]).toEqual(['CHANNEL_CONFLICT', expect.stringContaining('One bot token, one program')]);
  await status.until(({ state, lastError }) => state === 'connected' && lastError === undefined, status.seen.indexOf(failed));
  await inbox.until(1);
  expect(other.hits).toBe(3);
  const times = tg.callsOf('getUpdates').filter(({ outcome }) => outcome !== 'ok').map(({ at }) => at);
  expect(times[2]! - times[1]!).toBeGreaterThan(250);
});

it('leaves a webhook of another program alone and says so', async () => {
  const tg = await startTelegram();
  tg.setWebhook('https://example.com/hook');
  const status = watch();
  await telegramOn(tg, { onStatus: status.onStatus });
  const failed = await status.until(({ state }) => state === 'failed');
  expect(failed.lastError?.code).toBe('CHANNEL_WEBHOOK');
  expect(tg.callsOf('deleteWebhook')).toEqual([]);
  tg.setWebhook(undefined);
  await status.until(({ state }) => state === 'connected');
});

it('says that there is no token, and which key wants one', async () => {
  const status = watch();
  const tg = await startTelegram();
  await telegramOn(tg, { onStatus: status.onStatus, config: { channel: 'telegram', account: 'work', enabled: true, settings: { apiRoot: tg.url } } });
  const failed = await status.until(({ state }) => state === 'failed');
  expect(failed.lastError).toMatchObject({ code: 'CHANNEL_NO_TOKEN', message: 'no bot token: set channels.telegram.accounts.work.botToken' });
  expect(tg.calls).toEqual([]);
});

it('waits as long as the server asks before it polls again', async () => {
  const status = watch();
  const { tg, inbox } = await telegram({ deps: { onStatus: status.onStatus } });
  tg.limit('getUpdates', { retryAfter: 1 });
  const ann = tg.person();
  ann.sends(tg.privateChat(ann), 'hello');
  await status.until(({ lastError }) => lastError?.code === 'CHANNEL_RATE_LIMITED');
  // The stand-in writes down a call before its time; `telegram` checks that there is none.
  await inbox.until(1);
});

it('confirms at the stop what is stored, so that the next start does not get it again', async () => {
  const { tg, inbox, adapter } = await telegram();
  const ann = tg.person();
  const held = inbox.hold('last words');
  const message = ann.sends(tg.privateChat(ann), 'last words');
  await held.reached;
  const stopped = adapter.stop();
  held.release();
  await stopped;
  expect(tg.isConfirmed(message)).toBe(true);
});

it('confirms none of an album that is not whole at the stop', async () => {
  const { tg, inbox, adapter } = await telegram({ deps: { timings: { silence: 1_500, albumQuiet: 60_000 } } });
  const ann = tg.person();
  const [first] = ann.sends(tg.privateChat(ann), { mediaGroup: [{ photo: {} }, { photo: {} }] });
  const asked = tg.callsOf('getUpdates').length;
  await tg.until(() => tg.callsOf('getUpdates').length > asked);
  await adapter.stop();
  expect([inbox.offered.length, tg.isConfirmed(first!)]).toEqual([0, false]);
});

it('goes on with other chats while one cannot be stored, without hammering the server', async () => {
  const { tg, inbox, adapter } = await telegram();
  const ann = tg.person();
  const bob = tg.person();
  inbox.refuse('stuck');
  ann.sends(tg.privateChat(ann), 'stuck');
  const since = Date.now();
  for (const text of ['one', 'two', 'three']) {
    bob.sends(tg.privateChat(bob), text);
    await inbox.untilOffered(text);
  }
  expect(inbox.texts()).toEqual(['one', 'two', 'three']);
  await inbox.untilOffered('stuck', 6);
  const polls = tg.callsOf('getUpdates').filter(({ at }) => at >= since).length;
  expect(polls).toBeLessThan(3 + (Date.now() - since) / 50);
  expect(adapter.status().lastError?.code).toBe('INBOUND_NOT_STORED');
  inbox.accept();
  await inbox.until(4);
});

it('is not made a busy loop by a server that does not wait', async () => {
  const polls: number[] = [];
  const enough = Promise.withResolvers<void>();
  const hasty = createServer((request, response) => {
    const method = request.url?.split('/').at(-1);
    if (method === 'getUpdates' && polls.push(Date.now()) === 6) enough.resolve();
    const result = method === 'getMe' ? { id: 1, is_bot: true, first_name: 'x', username: 'x_bot' } : method === 'getUpdates' ? [] : true;
    response.setHeader('content-type', 'application/json').end(JSON.stringify({ ok: true, result }));
  }).listen(0, '127.0.0.1');
  await once(hasty, 'listening');
  const { adapter } = await telegram({ start: false, deps: { config: { channel: 'telegram', account: 'default', enabled: true, settings: { botToken: '1:x', apiRoot: `http://127.0.0.1:${(hasty.address() as AddressInfo).port}` } } } });
  adapter.start();
  await enough.promise;
  await adapter.stop();
  hasty.close();
  // The first is answered at once by any server; of the five after it each waited a quarter of a second.
  expect(polls[5]! - polls[1]!).toBeGreaterThan(900);
});

it('puts its commands into the menu once, and lives without', async () => {
  const { tg, adapter } = await telegram();
  expect(tg.commands()).toEqual(expect.arrayContaining([{ command: 'stop', description: expect.any(String) }, { command: 'link', description: expect.any(String) }]));
  await tg.restart();
  await tg.untilPolling();
  expect(tg.callsOf('setMyCommands')).toHaveLength(1);
  expect(adapter.status().self).toBe('@standin_bot');
});
