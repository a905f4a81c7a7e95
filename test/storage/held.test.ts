/** Held messages and who waits: order, caps, places, codes that expire, denials, forgetting. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { IdentityKey } from '../../src/core/contact.js';
import type { InboundMessage } from '../../src/core/message.js';
import { changeIdentity, putContact, putIdentity } from '../../src/storage/contacts.js';
import { countHeld, dropHeld, heldRows, holdMessage, releaseHeld } from '../../src/storage/held.js';
import { openInbound, sweepable } from '../../src/storage/inbound.js';
import { decidePairing, giveCode, openPairing, pairingOf, prunePairing, settlePairing, unfinishedPairing } from '../../src/storage/pairing.js';
import type { Db } from '../../src/storage/sqlite.js';
import { makeStore, messageOf, rowOf } from './store.js';

const LIMITS = { ttlMs: 60_000, maxPending: 3 };
const key = (sender = '11', account = 'default'): IdentityKey => ({ channel: 'telegram', account, sender });
const message = (id: string, { sender, account }: IdentityKey, over: Partial<InboundMessage> = {}): InboundMessage =>
  messageOf(`text of ${id}`, { channel: 'telegram', account, conversation: { kind: 'direct', id: sender }, sender: { id: sender, name: 'Ann' }, messageId: id, ...over });
const hold = (db: Db, id: string, of = key(), over: Partial<InboundMessage> = {}) =>
  db.transaction().execute((tx) => holdMessage(tx, { id, messageKey: `key of ${id}`, payloadHash: 'h', message: message(id, of, over) }, LIMITS));
const inTx = <T>(db: Db, work: Parameters<ReturnType<Db['transaction']>['execute']>[0]) => db.transaction().execute(work) as Promise<T>;

afterEach(() => {
  vi.useRealTimers();
});
const at = (ms: number) => vi.useFakeTimers({ now: ms, toFake: ['Date'] });

describe('holding', () => {
  it('keeps the order also within a millisecond, whole with its files, and no session and no sweep sees it', async () => {
    const { db } = await makeStore();
    at(1_000_000);
    const attachments = [{ kind: 'image' as const, media: { hash: 'f'.repeat(64) } }];
    for (const id of ['c', 'a', 'b']) expect(await hold(db, id, key(), { attachments })).toEqual({ status: 'held' });
    expect((await heldRows(db, key())).map(({ inboundId }) => inboundId)).toEqual(['c', 'a', 'b']);
    expect(await rowOf(db, 'a')).toMatchObject({ state: 'held', message: { text: 'text of a', attachments } });
    expect(await sweepable(db, Date.now() + 1e9)).toEqual([]);
    expect(await openInbound(db, (await rowOf(db, 'a')).session)).toEqual([]);
    expect(await countHeld(db, key())).toEqual({ count: 3, lastAt: 1_000_002 });
  });

  it('the same message given again is the same row', async () => {
    const { db } = await makeStore();
    expect(await hold(db, 'a')).toEqual({ status: 'held' });
    expect(await hold(db, 'a')).toEqual({ status: 'held' });
    await inTx(db, (tx) => releaseHeld(tx, 'a', { session: 'agent:main:main', principal: 'p', role: 'guest', rights: 'r', run: 'run', mode: 'followup', rules: '{}', priority: 3 }));
    expect(await hold(db, 'a')).toEqual({ status: 'known' });
  });

  it('at most twenty of one sender; what is dropped says why and keeps neither text nor files', async () => {
    const { db } = await makeStore();
    for (let i = 0; i < 20; i += 1) expect(await hold(db, `m${i}`)).toEqual({ status: 'held' });
    expect(await hold(db, 'over', key(), { attachments: [{ kind: 'image', media: { hash: 'f'.repeat(64) } }] })).toMatchObject({ status: 'dropped', reason: expect.stringContaining('20') });
    const row = await rowOf(db, 'over');
    expect(row).toMatchObject({ state: 'dropped', reason: expect.stringContaining('20'), message: { text: '', attachments: [] } });
    expect(await hold(db, 'over')).toEqual({ status: 'known' });
    // Others are not concerned.
    expect(await hold(db, 'other', key('12'))).toEqual({ status: 'held' });
  });

  it('whoever was approved meanwhile is not held; whom only the config lets in is', async () => {
    const { db } = await makeStore();
    await inTx(db, async (tx) => putIdentity(tx, key(), { sender: { id: '11' } }, { contact: (await putContact(tx, { name: 'Ann' })).id, state: 'approved', approvedBy: 'owner' }));
    expect(await hold(db, 'a')).toEqual({ status: 'approved' });
    await inTx(db, (tx) => changeIdentity(tx, key(), { approvedBy: 'allowFrom' }));
    expect(await hold(db, 'a')).toEqual({ status: 'held' });
  });
});

describe('places', () => {
  it('three strangers of an account at once, of another account three more; further ones are dropped in silence', async () => {
    const { db } = await makeStore();
    const all = await Promise.all(['1', '2', '3', '4', '5'].map((sender) => hold(db, `m${sender}`, key(sender))));
    expect(all.filter(({ status }) => status === 'held')).toHaveLength(3);
    expect(all.filter(({ status }) => status === 'dropped')).toHaveLength(2);
    expect(await hold(db, 'x', key('4', 'second'))).toEqual({ status: 'held' });
    expect(await openPairing(db, { channel: 'telegram', account: 'default' })).toHaveLength(3);
  });

  it('an expired code frees its place; what was held stays, and the next message asks anew', async () => {
    const { db } = await makeStore();
    at(0);
    for (const sender of ['1', '2', '3']) {
      await hold(db, `m${sender}`, key(sender));
      expect(await inTx(db, (tx) => giveCode(tx, key(sender), `CLAW-AAA${sender}`, LIMITS.ttlMs))).toBe(true);
    }
    at(30_000);
    expect(await hold(db, 'more', key('1'))).toEqual({ status: 'held' });
    expect(await pairingOf(db, key('1'))).toMatchObject({ code: 'CLAW-AAA1', requestedAt: 0 });
    at(60_001);
    expect(await hold(db, 'm4', key('4'))).toEqual({ status: 'held' });
    expect(await hold(db, 'again', key('1'))).toEqual({ status: 'held' });
    expect(await pairingOf(db, key('1'))).toMatchObject({ code: '', state: 'open', requestedAt: 60_001 });
    expect((await heldRows(db, key('1'))).map(({ inboundId }) => inboundId)).toEqual(['m1', 'more', 'again']);
    // No place: a newcomer is dropped, who waits already keeps waiting without a new code.
    expect(await hold(db, 'm5', key('5'))).toEqual({ status: 'held' });
    expect(await hold(db, 'm6', key('6'))).toMatchObject({ status: 'dropped', reason: 'too many strangers wait for pairing' });
    expect(await hold(db, 'late', key('2'))).toEqual({ status: 'held' });
    expect(await pairingOf(db, key('2'))).toMatchObject({ code: 'CLAW-AAA2', requestedAt: 0 });
  });

  it('a live code is not given twice in an account', async () => {
    const { db } = await makeStore();
    for (const sender of ['1', '2']) await hold(db, `m${sender}`, key(sender));
    expect(await inTx(db, (tx) => giveCode(tx, key('1'), 'CLAW-AAAA', 1_000))).toBe(true);
    expect(await inTx(db, (tx) => giveCode(tx, key('2'), 'CLAW-AAAA', 1_000))).toBe(false);
  });
});

describe('decisions', () => {
  it('the first word wins', async () => {
    const { db } = await makeStore();
    await hold(db, 'a');
    expect(await inTx(db, (tx) => decidePairing(tx, key(), 'deny', 'owner'))).toMatchObject({ state: 'denied', decidedBy: 'owner' });
    expect(await inTx(db, (tx) => decidePairing(tx, key(), 'approve', 'other', 'c-1'))).toMatchObject({ state: 'denied', decidedBy: 'owner' });
  });

  it('a denial holds for as long as a code lives, then they may ask again; a block holds', async () => {
    const { db } = await makeStore();
    at(0);
    for (const [sender, decision] of [['1', 'deny'], ['2', 'block']] as const) {
      await hold(db, `m${sender}`, key(sender));
      await inTx(db, async (tx) => {
        await decidePairing(tx, key(sender), decision, 'owner');
        await dropHeld(tx, key(sender), 'no');
      });
    }
    expect(await rowOf(db, 'm1')).toMatchObject({ state: 'dropped', reason: 'no' });
    at(59_999);
    expect(await hold(db, 'n1', key('1'))).toMatchObject({ status: 'dropped', reason: 'pairing was denied' });
    at(60_001);
    expect(await hold(db, 'o1', key('1'))).toEqual({ status: 'held' });
    expect(await hold(db, 'o2', key('2'))).toMatchObject({ status: 'dropped', reason: 'pairing was blocked' });
  });

  it('what is not carried out is found, and what is long over forgotten, unless something is held', async () => {
    const { db } = await makeStore();
    at(0);
    for (const sender of ['1', '2', '3']) await hold(db, `m${sender}`, key(sender));
    for (const sender of ['2', '3']) await inTx(db, (tx) => giveCode(tx, key(sender), `CLAW-AAA${sender}`, LIMITS.ttlMs));
    await inTx(db, (tx) => decidePairing(tx, key('3'), 'approve', 'owner', 'c-1'));
    expect((await unfinishedPairing(db, 1)).map(({ sender }) => sender).toSorted()).toEqual(['1', '3']);
    expect(await unfinishedPairing(db, 0)).toEqual([]);
    await inTx(db, (tx) => settlePairing(tx, key('3')));
    expect((await unfinishedPairing(db, 1)).map(({ sender }) => sender)).toEqual(['1']);
    const month = 30 * 24 * 3_600_000;
    await inTx(db, (tx) => dropHeld(tx, key('3'), 'x'));
    expect(await prunePairing(db, month - 1)).toBe(0);
    expect(await prunePairing(db, month + LIMITS.ttlMs + 1)).toBe(1);
    await inTx(db, (tx) => dropHeld(tx, key('2'), 'x'));
    expect(await prunePairing(db, month + LIMITS.ttlMs + 1)).toBe(1);
    expect((await openPairing(db)).map(({ sender }) => sender)).toEqual(['1']);
  });
});
