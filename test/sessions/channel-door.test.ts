/** What a messenger's message becomes: a run, a held message, a command, something overheard, nothing. */
import { describe, expect, it } from 'vitest';
import type { Conversation } from '../../src/core/message.js';
import { putAlias } from '../../src/storage/aliases.js';
import { endInbound } from '../../src/storage/inbound.js';
import { takeOverheard } from '../../src/storage/overheard.js';
import { routeOf } from '../../src/storage/routes.js';
import { makeChat } from './chat-house.js';

const GROUP: Conversation = { kind: 'group', id: '-100', title: 'Club' };
const TOPIC: Conversation = { kind: 'thread', id: '7', parentId: '-100' };
const ME = { id: 'bot', self: true };
const inGroups = { channels: { telegram: { groupPolicy: 'open' } } };

describe('the session', () => {
  it('of the owner is the main one, of another person their own, of a group or topic the group’s', async () => {
    const chat = await makeChat(inGroups);
    await chat.approve('1', 'owner');
    const ann = await chat.approve('2');
    await chat.receive(chat.says('1', 'a'));
    await chat.receive(chat.says('2', 'b'));
    await chat.receive(chat.says('2', 'c', { conversation: GROUP, mentions: [ME] }));
    await chat.receive(chat.says('2', 'd', { conversation: TOPIC, mentions: [ME] }));
    expect(chat.engine.delivered.map(({ to }) => to.session)).toEqual(['agent:main:main', `agent:main:direct:${ann}`, 'agent:main:telegram:group:-100', 'agent:main:telegram:group:-100:topic:7']);
    expect(chat.engine.delivered.map(({ item }) => [item.principal, item.role])).toEqual([['owner', 'owner'], [`contact:${ann}`, 'guest'], [`contact:${ann}`, 'guest'], [`contact:${ann}`, 'guest']]);
    expect(await routeOf(chat.db, 'agent:main:main')).toEqual({ channel: 'telegram', account: 'default', conversation: { kind: 'direct', id: '1' } });
  });

  it('of a linked person is the old one while it drains', async () => {
    const chat = await makeChat();
    await chat.approve('1', 'owner');
    const ann = await chat.approve('2');
    const own = `agent:main:direct:${ann}`;
    await chat.receive(chat.says('2', 'a'));
    const owner = (await chat.db.selectFrom('contacts').select('id').where('role', '=', 'owner').executeTakeFirstOrThrow()).id;
    await chat.db.updateTable('identities').set({ contact: owner }).where('sender', '=', '2').execute();
    await chat.db.transaction().execute((tx) => putAlias(tx, { session: own, primary: 'agent:main:main', contact: owner }));
    await chat.receive(chat.says('2', 'b'));
    await chat.db.updateTable('aliases').set({ state: 'active' }).execute();
    await chat.receive(chat.says('2', 'c'));
    expect(chat.engine.delivered.map(({ to }) => to.session)).toEqual([own, own, 'agent:main:main']);
  });
});

describe('in a group', () => {
  it('only who names the agent, replies to it or matches a pattern is answered; the rest is overheard, in order and bounded', async () => {
    const chat = await makeChat({ channels: { telegram: { groupPolicy: 'open', historyLimit: 2 } }, messages: { groupChat: { mentionPatterns: ['\\bclaw\\b', '('] } } });
    await chat.approve('1');
    const at = (text: string, time: number, over = {}) => chat.says('1', text, { conversation: GROUP, time, ...over });
    expect(await chat.receive(at('one', 1))).toBe('overheard');
    expect(await chat.receive(at('two', 2))).toBe('overheard');
    const three = at('three', 3, { attachments: [{ kind: 'image' }] });
    expect(await chat.receive(three)).toBe('overheard');
    expect(await chat.receive(three)).toBe('overheard');
    expect(await chat.receive(at('hey Claw', 4))).toBe('accepted');
    expect(await chat.receive(at('yes', 5, { replyTo: { messageId: 'x', self: true } }))).toBe('accepted');
    expect(await chat.db.transaction().execute((tx) => takeOverheard(tx, 'agent:main:telegram:group:-100'))).toBe('[Chat messages since your last reply - for context]\nPerson 1: two\nPerson 1: three [image]');
    expect(await chat.db.transaction().execute((tx) => takeOverheard(tx, 'agent:main:telegram:group:-100'))).toBeUndefined();
  });

  it('the config or /activation makes it answer everything', async () => {
    const chat = await makeChat({ channels: { telegram: { groups: { '-100': { requireMention: false } } } } });
    await chat.approve('1', 'owner');
    expect(await chat.receive(chat.says('1', 'hello', { conversation: GROUP }))).toBe('accepted');
    await chat.receive(chat.says('1', '/activation mention', { conversation: GROUP }));
    expect(await chat.receive(chat.says('1', 'hello', { conversation: GROUP }))).toBe('overheard');
  });
});

it('a stranger is held, whoever is refused leaves no trace', async () => {
  const chat = await makeChat();
  expect(await chat.receive(chat.says('9', 'hello'))).toBe('held');
  expect(await chat.receive(chat.says('9', 'hello', { conversation: GROUP, mentions: [ME] }))).toBe('refused');
  expect(await chat.receive(chat.says('9', '/stop'))).toBe('held');
  chat.set({ channels: { telegram: { dmPolicy: 'disabled' } } });
  expect(await chat.receive(chat.says('8', 'hello'))).toBe('refused');
  expect(chat.engine.delivered).toEqual([]);
  expect((await chat.db.selectFrom('inbound').select('state').execute()).map(({ state }) => state)).toEqual(['held', 'held']);
});

it('the same update given again is the same message, also when the config changed in between', async () => {
  const chat = await makeChat(inGroups);
  await chat.approve('1');
  const message = chat.says('1', '/queue', { conversation: GROUP, mentions: [ME] });
  chat.set({ ...inGroups, commands: { text: false } });
  expect(await chat.receive(message)).toBe('accepted');
  chat.set(inGroups);
  expect(await chat.receive(message)).toBe('repeat');
  expect(chat.sent).toEqual([]);
});

it('is the same message also when its file could not be fetched this time; what can never be accepted does not come again', async () => {
  const chat = await makeChat();
  await chat.approve('1');
  const photo = chat.says('1', '', { attachments: [{ kind: 'image', media: { hash: 'ab'.repeat(32) } }] });
  expect(await chat.receive(photo)).toBe('accepted');
  expect(await chat.receive({ ...photo, attachments: [{ kind: 'image', problem: 'gone' }] })).toBe('repeat');
  expect(await chat.receive(chat.says('1', '  '))).toBe('ignored');
  expect(chat.lines.some(({ message }) => message.includes('left out'))).toBe(true);
});

describe('an edit', () => {
  it('enters the run that works on its message, and nothing once that has ended', async () => {
    const chat = await makeChat();
    await chat.approve('1', 'owner');
    const original = chat.says('1', 'at nine');
    await chat.receive(original);
    const edit = (version: string, text: string) => ({ ...original, text, event: { type: 'edit' as const, version } });
    // Not begun yet, it simply has other words.
    expect(await chat.receive(edit('0', 'at eight'))).toBe('accepted');
    expect(chat.engine.delivered).toHaveLength(1);
    expect(JSON.parse((await chat.db.selectFrom('inbound').select('message').executeTakeFirstOrThrow()).message)).toMatchObject({ text: 'at eight' });
    await chat.db.updateTable('inbound').set({ state: 'taken' }).execute();
    expect(await chat.receive(edit('1', 'at ten'))).toBe('accepted');
    expect(await chat.receive(edit('1', 'at ten'))).toBe('repeat');
    expect(chat.engine.delivered.at(-1)?.item.mode).toBe('steer');
    const [row] = await chat.db.selectFrom('inbound').selectAll().where('message_key', 'not like', '%edit%').execute();
    await chat.db.transaction().execute((tx) => endInbound(tx, row!.id, { state: 'ok', outcome: { state: 'ok' } }));
    expect(await chat.receive(edit('2', 'at eleven'))).toBe('ignored');
  });

  it('of a message the agent never took is ignored; so are deletions and reactions', async () => {
    const chat = await makeChat();
    await chat.approve('1');
    expect(await chat.receive(chat.says('1', 'x', { event: { type: 'edit', version: '1' } }))).toBe('ignored');
    expect(await chat.receive(chat.says('1', 'x', { event: { type: 'delete' } }))).toBe('ignored');
    expect(await chat.receive(chat.says('1', '', { event: { type: 'reaction', emoji: '👍', removed: false } }))).toBe('ignored');
  });
});
