/** What the owner does about people: names, blocks, roles; links that approve nothing and wait until the old session is quiet. */
import { describe, expect, it } from 'vitest';
import type { IdentityKey } from '../../src/core/contact.js';
import { tellLinked } from '../../src/activities/linked.js';
import { createContacts, linkIdentity } from '../../src/sessions/contacts.js';
import { directSession } from '../../src/sessions/direct-session.js';
import { createPeople } from '../../src/sessions/people.js';
import { putApproval } from '../../src/storage/approvals.js';
import { aliasOf, aliasesOf, throughAlias } from '../../src/storage/aliases.js';
import { parseConfig } from '../../src/storage/config/index.js';
import { identityOf, putContact, putIdentity } from '../../src/storage/contacts.js';
import { listDeliveries } from '../../src/storage/deliveries.js';
import { ensureSession } from '../../src/storage/fence.js';
import { endInbound } from '../../src/storage/inbound.js';
import { openNotices } from '../../src/storage/notices.js';
import type { Db } from '../../src/storage/sqlite.js';
import { runRows } from '../../src/storage/transcript.js';
import { accept, makeStore, messageOf, openSession } from '../storage/store.js';

const quiet = (): void => undefined;
const LOG = { debug: quiet, info: quiet, warn: quiet, error: quiet };
const MAIN = 'agent:main:main';

async function world(raw: Readonly<Record<string, unknown>> = {}) {
  const { db } = await makeStore();
  const { config } = parseConfig(JSON.stringify(raw), 'openclaw.json', {});
  const woken: string[] = [];
  const contacts = createContacts({ db, config: () => config, deliveries: { wake: async ({ conversation }) => void woken.push(conversation) }, log: LOG });
  const people = createPeople({ db, config: () => config, link: (tx, identity, contact) => linkIdentity(tx, config, identity, contact) });
  const hear = (channel: string, sender: string) => people.identify(messageOf('hi', { channel, conversation: { kind: 'direct', id: sender }, sender: { id: sender } }));
  return { db, contacts, people, hear, woken, sessionOf: directSession(config) };
}

const person = (db: Db, name: string, role: 'owner' | 'guest', ...keys: readonly IdentityKey[]) =>
  db.transaction().execute(async (tx) => {
    const contact = await putContact(tx, { name, role });
    for (const key of keys) await putIdentity(tx, key, { sender: { id: key.sender }, direct: { kind: 'direct', id: key.sender } }, { contact: contact.id, state: 'approved', approvedBy: 'owner' });
    return contact.id;
  });
const telegram = (sender: string): IdentityKey => ({ channel: 'telegram', account: 'default', sender });
const discord = (sender: string): IdentityKey => ({ channel: 'discord', account: 'default', sender });

describe('a person', () => {
  it('is named by id, by name and by any identity; what could be two is refused with both', async () => {
    const { db, contacts } = await world();
    const ann = await person(db, 'Ann', 'guest', telegram('11'), { ...telegram('11'), account: 'work' });
    const other = await person(db, 'Bob', 'guest', { channel: 'x', account: 'default', sender: 'a:b' });
    for (const ref of [ann, ann.toUpperCase(), 'ann', 'telegram:default:11', 'telegram:work:11']) expect((await contacts.get(ref)).id).toBe(ann);
    expect((await contacts.get('x:a:b')).id).toBe(other);
    await expect(contacts.get('telegram:11')).rejects.toMatchObject({ code: 'AMBIGUOUS', details: { candidates: ['telegram:default:11', 'telegram:work:11'] } });
    await expect(contacts.get('nobody')).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect(await contacts.rename('ann', ' Ann B. ', 'owner')).toMatchObject({ id: ann, name: 'Ann B.' });
    await expect(contacts.rename(ann, ' ', 'owner')).rejects.toMatchObject({ code: 'INVALID_REQUEST' });
  });

  it('who is blocked is silence, whole or one identity; unblocked they are what they were', async () => {
    const { db, contacts, hear } = await world();
    const ann = await person(db, 'Ann', 'guest', telegram('11'), discord('9'));
    await contacts.block('telegram:11', 'owner');
    expect([(await hear('telegram', '11')).verdict, (await hear('discord', '9')).verdict]).toEqual(['refused', 'allowed']);
    await contacts.unblock('telegram:11', 'owner');
    await contacts.block(ann, 'owner');
    expect([(await hear('telegram', '11')).verdict, (await hear('discord', '9')).verdict]).toEqual(['refused', 'refused']);
    await contacts.unblock(ann, 'owner');
    expect([(await hear('telegram', '11')).verdict, (await hear('discord', '9')).verdict]).toEqual(['allowed', 'allowed']);
  });

  it('made the owner has the main session once their own is quiet, and every owner is told', async () => {
    const { db, contacts, hear, woken } = await world();
    await person(db, 'Me', 'owner', telegram('1'));
    const ann = await person(db, 'Ann', 'guest', discord('9'));
    await db.transaction().execute((tx) => ensureSession(tx, { key: `agent:main:direct:${ann}`, agent: 'main', channel: 'discord' }));
    await contacts.setOwner(ann, true, 'owner');
    expect(await hear('discord', '9')).toMatchObject({ role: 'owner', principal: 'owner' });
    expect(await aliasOf(db, `agent:main:direct:${ann}`)).toMatchObject({ state: 'draining', primary: MAIN });
    expect((await listDeliveries(db, { limit: 10 })).map(({ to, kind }) => [to.channel, kind]).toSorted()).toEqual([['discord', 'notice'], ['telegram', 'notice']]);
    expect(woken.toSorted()).toEqual(['1', '9']);
    expect(await openNotices(db)).toMatchObject([{ text: 'Ann is an owner now.' }]);
    await contacts.setOwner(ann, false, 'owner');
    expect(await hear('discord', '9')).toMatchObject({ role: 'guest', principal: `contact:${ann}` });
    expect(await aliasOf(db, `agent:main:direct:${ann}`)).toBeUndefined();
  });
});

describe('a link', () => {
  async function linked(...[role]: readonly ('owner' | 'guest')[]) {
    const house = await world();
    const { db, contacts } = house;
    const ann = await person(db, 'Ann', role ?? 'guest', telegram('11'));
    const other = await person(db, 'Ann on Discord', 'guest', discord('9'));
    const old = `agent:main:direct:${other}`;
    await db.transaction().execute((tx) => ensureSession(tx, { key: old, agent: 'main', channel: 'discord' }));
    const route = async (): Promise<string> => {
      const heard = await house.hear('discord', '9');
      if (heard.verdict !== 'allowed') return heard.verdict;
      return throughAlias(db, house.sessionOf(heard.identity, { id: heard.identity.home, role: 'guest' }), house.sessionOf(heard.identity, { id: heard.contact.id, role: heard.role }), heard.contact.id);
    };
    return { ...house, ann, other, old, route, link: () => contacts.link(ann, 'discord:9', 'owner'), own: `agent:main:direct:${ann}` };
  }

  it('makes two one person; the old session goes on until it is quiet, and then the primary one is told once', async () => {
    const { db, contacts, ann, old, own, route, link } = await linked();
    await accept(db, 'running', { session: old, state: 'taken' });
    expect(await link()).toMatchObject({ id: ann, identities: [{ sender: '11' }, { sender: '9' }] });
    expect(await route()).toBe(old);
    await contacts.sweep();
    expect(await route()).toBe(old);
    await db.transaction().execute((tx) => endInbound(tx, 'running', { state: 'ok', outcome: { state: 'ok' } }));

    const call = { session: old, run: 'r', runId: 'r', step: 1, index: 0, callSeq: 2 };
    await db.transaction().execute((tx) => putApproval(tx, { id: 'ap-1', agent: 'main', request: { tool: 'exec', command: 'ls' }, call }));
    await contacts.sweep();
    expect(await aliasOf(db, old)).toMatchObject({ state: 'draining' });
    await db.updateTable('approvals').set({ state: 'denied', settled_at: 1 }).execute();
    await contacts.sweep();
    expect(await aliasOf(db, old)).toMatchObject({ state: 'active', primary: own });
    expect(await route()).toBe(own);
    expect((await aliasesOf(db, own)).map(({ session }) => session)).toEqual([old]);

    const fence = await openSession(db, own);
    const tell = () => db.transaction().execute((tx) => tellLinked(tx, { ...fence, run: 'r2' }, 0));
    expect(await tell()).toBe(true);
    expect(await tell()).toBe(false);
    expect((await runRows(db, 'r2')).map(({ content }) => content)).toMatchObject([{ type: 'notice', forModel: true, text: expect.stringContaining(old) }]);
  });

  it('approves nothing', async () => {
    const { db, contacts, ann, hear } = await linked();
    await db.transaction().execute(async (tx) => putIdentity(tx, discord('10'), { sender: { id: '10' } }, { contact: (await putContact(tx, { name: 'Seen in a group' })).id, state: 'known' }));
    await contacts.link(ann, 'discord:10', 'owner');
    expect(await hear('discord', '10')).toMatchObject({ verdict: 'unknown' });
    expect(await identityOf(db, discord('10'))).toMatchObject({ contact: ann, state: 'known' });
  });

  it('to the owner makes them speak as the owner, and every owner is told', async () => {
    const { db, link, hear, route, contacts } = await linked('owner');
    await link();
    expect(await hear('discord', '9')).toMatchObject({ principal: 'owner' });
    await contacts.sweep();
    expect(await route()).toBe(MAIN);
    expect(await openNotices(db)).toMatchObject([{ text: 'discord:default:9 now speaks as the owner.' }]);
    expect(await listDeliveries(db, { limit: 10 })).toHaveLength(2);
  });

  it('taken back gives them their own session again, also while it waits', async () => {
    const { db, contacts, link, old, other, route, own } = await linked();
    await link();
    await contacts.sweep();
    expect(await route()).toBe(own);
    expect(await contacts.unlink('discord:9', 'owner')).toMatchObject({ id: other });
    expect(await aliasOf(db, old)).toBeUndefined();
    expect(await route()).toBe(old);
    await expect(contacts.unlink('discord:9', 'owner')).rejects.toMatchObject({ code: 'INVALID_REQUEST' });
    await expect(contacts.unlink(other, 'owner')).rejects.toMatchObject({ code: 'INVALID_REQUEST' });
  });

  it('of a whole person moves all they have; nobody is linked twice, or blocked', async () => {
    const { contacts, ann, other, hear } = await linked();
    expect(await contacts.link(ann, other, 'owner')).toMatchObject({ identities: [{ sender: '11' }, { sender: '9' }] });
    await expect(contacts.link(ann, 'discord:9', 'owner')).rejects.toMatchObject({ code: 'INVALID_REQUEST' });
    expect(await hear('discord', '9')).toMatchObject({ contact: { id: ann } });
    await contacts.block(other, 'owner');
    await expect(contacts.link(other, 'telegram:11', 'owner')).rejects.toMatchObject({ code: 'INVALID_REQUEST' });
  });

  it('of a session that never was needs no alias', async () => {
    const { db, contacts, sessionOf } = await world();
    const [a, b] = [await person(db, 'A', 'guest', telegram('1')), await person(db, 'B', 'guest', telegram('2'))];
    await contacts.link(a, b, 'owner');
    expect(await aliasesOf(db, sessionOf(telegram('1'), { id: a, role: 'guest' }))).toEqual([]);
  });
});

describe('session.identityLinks', () => {
  it('moves whom it names, once, and their own session goes on until it is quiet', async () => {
    const { db, hear, contacts } = await world({ session: { identityLinks: { ann: ['telegram:11', 'discord:9'] } } });
    const before = await person(db, 'Ann on Discord', 'guest', discord('9'));
    const old = `agent:main:direct:${before}`;
    await db.transaction().execute((tx) => ensureSession(tx, { key: old, agent: 'main', channel: 'discord' }));
    expect(await hear('discord', '9')).toMatchObject({ principal: 'contact:ann', identity: { contact: 'ann', home: before } });
    expect(await aliasOf(db, old)).toMatchObject({ state: 'draining', primary: 'agent:main:direct:ann' });
    await contacts.sweep();
    await hear('discord', '9');
    expect(await aliasOf(db, old)).toMatchObject({ state: 'active' });
  });
});

describe('session.dmScope', () => {
  it.each([
    ['main', [MAIN, MAIN]],
    ['per-peer', [MAIN, 'agent:main:direct:c-1']],
    ['per-channel-peer', [MAIN, 'agent:main:telegram:direct:c-1']],
    ['per-account-channel-peer', [MAIN, 'agent:main:telegram:work:direct:c-1']],
  ])('%s', async (dmScope, [owner, guest]) => {
    const { sessionOf } = await world({ session: { dmScope } });
    const at = { channel: 'telegram', account: 'work' };
    expect([sessionOf(at, { id: 'c-1', role: 'owner' }), sessionOf(at, { id: 'c-1', role: 'guest' })]).toEqual([owner, guest]);
  });
});
