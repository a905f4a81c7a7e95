/** What the owner sends: to whom a name means, once, whatever the engine does. */
import { beforeEach, describe, expect, it } from 'vitest';
import { createDeliveries, type Deliveries } from '../../src/sessions/deliveries.js';
import type { DeliveryEngine } from '../../src/sessions/delivery-engine.js';
import { type Outbound, type SendRequest, createOutbound } from '../../src/sessions/outbound.js';
import { putContact, putIdentity } from '../../src/storage/contacts.js';
import { deliveryById, endDelivery } from '../../src/storage/deliveries.js';
import { endPart, freezeParts } from '../../src/storage/delivery-parts.js';
import type { Db } from '../../src/storage/sqlite.js';
import type { SendingAccount } from '../../src/storage/targets.js';
import { makeStore } from '../storage/store.js';

let db: Db;
let deliveries: Deliveries;
let outbound: Outbound;
let accounts: readonly SendingAccount[];
let away: Error | undefined;
let woken: string[];

beforeEach(async () => {
  ({ db } = await makeStore());
  away = undefined;
  woken = [];
  const engine: DeliveryEngine = {
    async wake({ conversation }) {
      if (away) throw away;
      woken.push(conversation);
    },
    isRunning: async () => false,
  };
  const quiet = (): void => undefined;
  deliveries = createDeliveries({ db, engine, log: { debug: quiet, info: quiet, warn: quiet, error: quiet } });
  accounts = [{ channel: 'telegram', account: 'default', isDefault: true }, { channel: 'telegram', account: 'second', isDefault: false }, { channel: 'matrix', account: 'default', isDefault: true }];
  outbound = createOutbound({ db, deliveries, accounts: () => accounts }, { waitMs: 0 });
  await db.transaction().execute(async (tx) => {
    await putContact(tx, { id: 'me', name: 'Me', role: 'owner' });
    await putContact(tx, { id: 'ann', name: 'Ann' });
    for (const [contact, channel, account, sender] of [['me', 'telegram', 'default', '1'], ['ann', 'telegram', 'second', '42'], ['ann', 'matrix', 'default', '@ann:home']] as const) {
      await putIdentity(tx, { channel, account, sender }, { sender: { id: sender }, direct: { kind: 'direct', id: `room of ${sender}` } }, { contact, state: 'approved' });
    }
  });
  // The first to be known is the one where nothing else tells.
  await db.updateTable('identities').set({ created_at: 1 }).where('channel', '=', 'telegram').execute();
});

let key = 0;
const send = (over: Partial<SendRequest> = {}) => outbound.send({ to: 'ann', text: 'hello', attachments: [], key: `k${(key += 1)}`, principal: 'owner', ...over });

describe('a recipient', () => {
  it.each([
    [{ to: 'owner' }, 'telegram', 'default', 'room of 1'],
    [{ to: 'ann' }, 'telegram', 'second', 'room of 42'],
    [{ to: 'Ann', channel: 'matrix' }, 'matrix', 'default', 'room of @ann:home'],
    [{ to: 'matrix:@ann:home' }, 'matrix', 'default', 'room of @ann:home'],
    [{ to: '42', channel: 'telegram', account: 'second' }, 'telegram', 'second', 'room of 42'],
    [{ to: '42', channel: 'telegram' }, 'telegram', 'default', '42'],
    [{ to: 'telegram:group:-5' }, 'telegram', 'default', '-5'],
    [{ to: '-5', channel: 'telegram', thread: '9' }, 'telegram', 'default', '9'],
  ])('%j is found', async (asked, channel, account, conversation) => {
    expect(await send(asked)).toMatchObject({ channel, account, conversation });
  });

  it('is where they were heard last, when they can be reached in several places', async () => {
    await db.insertInto('routes').values({ session: 'agent:main:direct:ann', address: JSON.stringify({ channel: 'matrix', account: 'default', conversation: { kind: 'direct', id: 'room of @ann:home' } }), updated_at: 1 }).execute();
    expect(await send({ to: 'ann' })).toMatchObject({ channel: 'matrix' });
  });

  it.each([
    [{ to: 'somebody' }, 'say on which channel'],
    [{ to: 'somebody', channel: 'pigeon' }, 'pigeon is not configured; there is telegram (default), telegram (second), matrix (default)'],
    [{ to: 'owner', channel: 'matrix' }, 'cannot be reached on matrix'],
    [{ to: ' ' }, 'to whom'],
    [{ text: '  ' }, 'the message is empty'],
  ])('%j is refused with a reason', async (asked, reason) => {
    await expect(send(asked)).rejects.toMatchObject({ code: 'INVALID_REQUEST', message: expect.stringContaining(reason) });
    accounts = [];
    if ('to' in asked) await expect(send(asked)).rejects.toMatchObject({ message: 'no messenger is set up and switched on', hint: expect.stringContaining('channels add') });
  });
});

describe('a message', () => {
  it('with the same key is sent once; the key is not another message\'s', async () => {
    const first = await send({ key: 'same' });
    expect(await send({ key: 'same' })).toEqual(first);
    expect(await deliveries.list({ limit: 10 })).toHaveLength(1);
    await expect(send({ key: 'same', text: 'other' })).rejects.toMatchObject({ code: 'INVALID_REQUEST', message: expect.stringContaining('idempotency key') });
    await expect(send({ key: 'same', to: 'owner' })).rejects.toMatchObject({ code: 'INVALID_REQUEST' });
  });

  it('is kept while the engine is away, and woken by the sweep', async () => {
    away = new Error('away');
    const { delivery, state } = await send();
    expect(state).toBe('queued');
    expect(await deliveryById(db, delivery)).toMatchObject({ state: 'queued' });
    away = undefined;
    await deliveries.sweep();
    expect(woken).toEqual(['room of 42']);
  });

  it('says how far it got while the caller waited', async () => {
    outbound = createOutbound({ db, deliveries, accounts: () => accounts }, { waitMs: 10_000 });
    const sent = send({ key: 'sent' });
    const failed = send({ key: 'failed' });
    await expect.poll(async () => (await deliveries.list({ limit: 10 })).length).toBe(2);
    const [second, first] = await deliveries.list({ limit: 10 });
    await db.transaction().execute(async (tx) => {
      await freezeParts(tx, first!.id, [{ text: 'x', plain: 'x', format: 'plain', attachments: [] }]);
      await endPart(tx, first!.id, 0, ['77']);
      await endDelivery(tx, second!.id, 'failed', 'Blocked: no');
    });
    expect([await sent, await failed].map(({ state, platformIds, reason }) => [state, platformIds, reason])).toEqual([['sent', ['77'], undefined], ['failed', [], 'Blocked: no']]);
  });
});
