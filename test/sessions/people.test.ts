/** Who speaks, and may they: policies of direct messages and groups, owners, links, blocks. */
import { describe, expect, it } from 'vitest';
import type { IdentityKey } from '../../src/core/contact.js';
import type { InboundMessage } from '../../src/core/message.js';
import { contactIdOf, createPeople } from '../../src/sessions/people.js';
import { changeContact, changeIdentity, identityOf, listContacts, putContact, putIdentity } from '../../src/storage/contacts.js';
import { parseConfig } from '../../src/storage/config/index.js';
import type { Db } from '../../src/storage/sqlite.js';
import { makeStore, messageOf } from '../storage/store.js';

const ANN: IdentityKey = { channel: 'telegram', account: 'default', sender: '11' };

function world(db: Db, first: Readonly<Record<string, unknown>> = {}) {
  let config = parseConfig(JSON.stringify(first), 'openclaw.json', {}).config;
  return { people: createPeople({ db, config: () => config }), set: (next: Readonly<Record<string, unknown>>) => (config = parseConfig(JSON.stringify(next), 'openclaw.json', {}).config) };
}

const direct = (sender = '11', over: Partial<InboundMessage> = {}): InboundMessage =>
  messageOf('hi', { channel: 'telegram', conversation: { kind: 'direct', id: sender }, sender: { id: sender, name: `Person ${sender}` }, messageId: 'm1', ...over });
const inGroup = (sender = '11', over: Partial<InboundMessage> = {}): InboundMessage => direct(sender, { conversation: { kind: 'group', id: '-100' }, ...over });
const telegram = (section: Readonly<Record<string, unknown>>, more: Readonly<Record<string, unknown>> = {}) => ({ channels: { telegram: section }, ...more });

const approve = (db: Db, key: IdentityKey, role: 'owner' | 'guest' = 'guest') =>
  db.transaction().execute(async (tx) => {
    const contact = await putContact(tx, { name: 'Approved', role });
    await putIdentity(tx, key, { sender: { id: key.sender } }, { contact: contact.id, state: 'approved', approvedBy: 'owner' });
    return contact;
  });

describe('direct messages', () => {
  it('a stranger is unknown and leaves no trace; an approved one is a guest of their own', async () => {
    const { db } = await makeStore();
    const { people } = world(db);
    expect(await people.identify(direct())).toEqual({ verdict: 'unknown', reason: 'not paired' });
    expect(await listContacts(db)).toEqual([]);
    const contact = await approve(db, ANN);
    expect(await people.identify(direct())).toMatchObject({ verdict: 'allowed', role: 'guest', principal: `contact:${contact.id}`, contact: { id: contact.id } });
    // What their platform says of them is kept, with where they can be written to.
    expect(await identityOf(db, ANN)).toMatchObject({ name: 'Person 11', direct: { kind: 'direct', id: '11' } });
  });

  it('an approval counts for its platform and its account alone', async () => {
    const { db } = await makeStore();
    const { people } = world(db);
    await approve(db, ANN);
    expect(await people.identify(direct('11', { account: 'second' }))).toMatchObject({ verdict: 'unknown' });
    expect(await people.identify(direct('11', { channel: 'whatsapp' }))).toMatchObject({ verdict: 'unknown' });
  });

  it.each([
    ['pairing', {}, '11', 'unknown'],
    ['pairing', { allowFrom: ['11'] }, '11', 'allowed'],
    ['pairing', { allowFrom: ['telegram:11'] }, '11', 'allowed'],
    ['pairing', { allowFrom: ['111', '1'] }, '11', 'unknown'],
    ['allowlist', {}, '11', 'refused'],
    ['allowlist', { allowFrom: ['11'] }, '11', 'allowed'],
    ['allowlist', { allowFrom: ['*'] }, '11', 'refused'],
    ['open', {}, '11', 'refused'],
    ['open', { allowFrom: ['*'] }, '11', 'allowed'],
    ['disabled', { allowFrom: ['*', '11'] }, '11', 'refused'],
  ])('%s with %j: %s is %s', async (dmPolicy, more, sender, verdict) => {
    const { db } = await makeStore();
    const { people } = world(db, telegram({ dmPolicy, ...more }));
    expect((await people.identify(direct(sender))).verdict).toBe(verdict);
  });

  it('a list lets in only as long as it names somebody, and whom the owner approved it does not shut out of pairing', async () => {
    const { db } = await makeStore();
    const { people, set } = world(db, telegram({ allowFrom: ['11'] }));
    const first = await people.identify(direct());
    expect(first).toMatchObject({ verdict: 'allowed', role: 'guest', identity: { state: 'approved', approvedBy: 'allowFrom' } });
    set(telegram({}));
    expect(await people.identify(direct())).toMatchObject({ verdict: 'unknown' });
    set(telegram({ allowFrom: ['11'] }));
    expect(await people.identify(direct())).toEqual(first);
    await approve(db, { ...ANN, sender: '12' });
    expect(await people.identify(direct('12'))).toMatchObject({ verdict: 'allowed' });
    set(telegram({ dmPolicy: 'allowlist', allowFrom: ['11'] }));
    expect(await people.identify(direct('12'))).toMatchObject({ verdict: 'refused', reason: 'not in allowFrom' });
  });

  it('an account has its own keys, and takes the others from its channel', async () => {
    const { db } = await makeStore();
    const { people } = world(db, telegram({ dmPolicy: 'allowlist', allowFrom: ['11'], accounts: { open: { dmPolicy: 'pairing' }, other: { allowFrom: ['12'] } } }));
    const at = async (account: string, sender: string) => (await people.identify(direct(sender, { account }))).verdict;
    expect([await at('open', '11'), await at('open', '12'), await at('other', '11'), await at('other', '12')]).toEqual(['allowed', 'unknown', 'refused', 'allowed']);
  });
});

describe('owners', () => {
  it('is whom the config names, on every platform one and the same, and nobody else', async () => {
    const { db } = await makeStore();
    const { people, set } = world(db, { commands: { ownerAllowFrom: ['telegram:11', 'discord:second:9'] } });
    const first = await people.identify(direct());
    expect(first).toMatchObject({ verdict: 'allowed', role: 'owner', principal: 'owner' });
    const second = await people.identify(direct('9', { channel: 'discord', account: 'second' }));
    expect(second).toMatchObject({ verdict: 'allowed', role: 'owner', contact: { id: (first as { contact: { id: string } }).contact.id } });
    expect(await people.identify(direct('9', { channel: 'discord' }))).toMatchObject({ verdict: 'unknown' });
    expect(await people.identify(direct('11', { channel: 'discord', account: 'second' }))).toMatchObject({ verdict: 'unknown' });
    // Taken out of the config they are strangers again.
    set({});
    expect(await people.identify(direct())).toMatchObject({ verdict: 'unknown' });
  });

  it('a guest whom the config names later is the owner, until it names them no more', async () => {
    const { db } = await makeStore();
    const { people, set } = world(db);
    const { id } = await approve(db, ANN);
    set({ commands: { ownerAllowFrom: ['telegram:11'] } });
    expect(await people.identify(direct())).toMatchObject({ role: 'owner', principal: 'owner', contact: { id, role: 'guest' } });
    set({});
    expect(await people.identify(direct())).toMatchObject({ role: 'guest', principal: `contact:${id}` });
  });

  it('may write where only a list may, and not where nobody may', async () => {
    const { db } = await makeStore();
    const { people, set } = world(db, telegram({ dmPolicy: 'allowlist' }));
    await approve(db, ANN, 'owner');
    expect(await people.identify(direct())).toMatchObject({ verdict: 'allowed', role: 'owner' });
    set(telegram({ dmPolicy: 'disabled' }));
    expect(await people.identify(direct())).toMatchObject({ verdict: 'refused' });
  });

  it('an identity of the owner that nobody approved is not the owner', async () => {
    const { db } = await makeStore();
    const { people } = world(db, telegram({ groupPolicy: 'open' }));
    const owner = await approve(db, ANN, 'owner');
    await db.transaction().execute((tx) => putIdentity(tx, { ...ANN, sender: '12' }, { sender: { id: '12' } }, { contact: owner.id, state: 'known' }));
    expect(await people.identify(direct('12'))).toMatchObject({ verdict: 'unknown' });
    expect(await people.identify(inGroup('12'))).toMatchObject({ verdict: 'allowed', role: 'guest', principal: `contact:${owner.id}` });
  });
});

describe('groups', () => {
  it.each([
    ['nothing is configured', {}, 'the group is not in groups'],
    ['groups are off', { groupPolicy: 'disabled', groups: { '*': {} } }, 'groups are off'],
    ['the group is listed', { groups: { '-100': {} } }, undefined],
    ['another one is', { groups: { '-101': {} } }, 'the group is not in groups'],
    ['every one is', { groups: { '*': {} } }, undefined],
    ['this one is off', { groups: { '*': {}, '-100': { enabled: false } } }, 'the group is off'],
    ['groups are open', { groupPolicy: 'open' }, undefined],
    ['only some may speak', { groupPolicy: 'open', groupAllowFrom: ['12'] }, 'the sender is not in the list of the group'],
    ['only some may speak, here others', { groupAllowFrom: ['12'], groups: { '-100': { allowFrom: ['11'] } } }, undefined],
    ['direct messages are off', { dmPolicy: 'disabled', groupPolicy: 'open' }, undefined],
  ])('%s', async (_, section, reason) => {
    const { db } = await makeStore();
    const { people } = world(db, telegram(section));
    expect(await people.identify(inGroup())).toMatchObject(reason === undefined ? { verdict: 'allowed', role: 'guest' } : { verdict: 'refused', reason });
    // A topic belongs to its group.
    expect((await people.identify(inGroup('11', { conversation: { kind: 'thread', id: '7', parentId: '-100' } }))).verdict).toBe(reason === undefined ? 'allowed' : 'refused');
  });

  it('an approval for direct messages opens no group, and speaking in a group none for direct messages', async () => {
    const { db } = await makeStore();
    const { people, set } = world(db);
    await approve(db, ANN);
    expect(await people.identify(inGroup())).toMatchObject({ verdict: 'refused' });
    set(telegram({ groupPolicy: 'open' }));
    expect(await people.identify(inGroup('12'))).toMatchObject({ verdict: 'allowed', identity: { state: 'known' } });
    expect(await people.identify(direct('12'))).toMatchObject({ verdict: 'unknown' });
  });

  it('the owner stays the owner, also where a list does not name them', async () => {
    const { db } = await makeStore();
    const { people } = world(db, telegram({ groupPolicy: 'open', groupAllowFrom: ['12'] }));
    await approve(db, ANN, 'owner');
    expect(await people.identify(inGroup())).toMatchObject({ verdict: 'allowed', role: 'owner', principal: 'owner' });
  });
});

describe('blocked', () => {
  it('an identity or a person that is blocked is never anything, whatever the config says', async () => {
    const { db } = await makeStore();
    const { people } = world(db, { ...telegram({ dmPolicy: 'open', allowFrom: ['*'], groupPolicy: 'open' }), commands: { ownerAllowFrom: ['telegram:11', 'telegram:12'] } });
    await approve(db, ANN);
    await db.transaction().execute((tx) => changeIdentity(tx, ANN, { state: 'blocked' }));
    const other = await approve(db, { ...ANN, sender: '12' });
    await db.transaction().execute((tx) => changeContact(tx, other.id, { blocked: true }));
    for (const message of [direct(), inGroup(), direct('12'), inGroup('12')]) expect(await people.identify(message)).toEqual({ verdict: 'refused', reason: 'blocked' });
  });
});

describe('links of the config', () => {
  it('several identities are one person, and each needs its own approval', async () => {
    const { db } = await makeStore();
    const { people } = world(db, { session: { identityLinks: { Ann: ['telegram:11', 'discord:9'] } }, ...telegram({ allowFrom: ['11'] }) });
    expect(await people.identify(direct())).toMatchObject({ verdict: 'allowed', principal: 'contact:ann', contact: { name: 'Ann' } });
    expect(await people.identify(direct('9', { channel: 'discord' }))).toMatchObject({ verdict: 'unknown' });
  });

  it('a name that cannot be part of a session key has another id', () => {
    expect(contactIdOf(' Ann-Marie ')).toBe('ann-marie');
    for (const name of ['Ann Marie', 'a:b', 'x'.repeat(80), 'Ärmel']) expect(contactIdOf(name)).toMatch(/^c-[a-z0-9]{8}$/);
  });
});
