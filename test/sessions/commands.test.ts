/** Chat commands, one by one: what they answer, whom they refuse, and that each message is answered once. */
import { describe, expect, it, test } from 'vitest';
import { createApprovalChat } from '../../src/sessions/approval-chat.js';
import { parseCommand } from '../../src/sessions/commands/parse.js';
import { identityOf } from '../../src/storage/contacts.js';
import { sessionSettings } from '../../src/storage/session-settings.js';
import { makeChat } from './chat-house.js';

describe('what a command is', () => {
  it.each([
    ['/stop', { name: 'stop', args: '' }],
    ['  /Think: high ', { name: 'think', args: 'high' }],
    ['/t low', { name: 'think', args: 'low' }],
    ['/stop@claw_bot now', { name: 'stop', args: 'now' }],
    ['/new\nhello\nthere', { name: 'new', args: 'hello\nthere' }],
    ['/id', { name: 'whoami', args: '' }],
    // What Telegram's Start button sends.
    ['/start', { name: 'help', args: '' }],
    ['fresh start', { name: 'new', args: '' }],
    ['Fresh Start please', { name: 'new', args: 'please' }],
    ['/nonsense', undefined],
    ['/stopping', undefined],
    ['say /stop', undefined],
    ['/', undefined],
    ['/constructor', undefined],
    ['freshly', undefined],
  ] as const)('%j', (text, command) => {
    expect(parseCommand(text, ['fresh start', ''])).toEqual(command);
  });
});

test('each message is answered once, however often it is given', async () => {
  const chat = await makeChat();
  await chat.approve('1', 'owner');
  const message = chat.says('1', '/think high');
  expect(await chat.receive(message)).toBe('command');
  await chat.receive(chat.says('1', '/think default'));
  expect(await chat.receive(message)).toBe('command');
  expect(chat.sent).toHaveLength(2);
  // Carried out once, too.
  expect(await sessionSettings(chat.db, 'agent:main:main')).toEqual({});
  expect(chat.engine.delivered).toEqual([]);
});

test('what is the owner’s is refused to others politely, what is theirs is not', async () => {
  const chat = await makeChat({ channels: { telegram: { groupPolicy: 'open' } } });
  await chat.approve('2');
  for (const text of ['/model fake/two', '/think high', '/approve x', '/budget', '/activation always']) {
    await chat.receive(chat.says('2', text));
    expect(chat.last()).toMatch(/^Sorry, \/\w+ is for my owner\.$/);
  }
  await chat.receive(chat.says('2', '/queue collect'));
  expect(chat.last()).toContain('collect');
  await chat.receive(chat.says('2', '/help'));
  expect(chat.last()).not.toContain('/approve');
  await chat.receive(chat.says('2', '/new', { conversation: { kind: 'group', id: '-1' } }));
  expect(chat.last()).toBe('Sorry, /new is for my owner here.');
  expect(chat.sent.at(-1)?.replyTo).toBeDefined();
});

test('/queue sets, shows, refuses and forgets', async () => {
  const chat = await makeChat();
  await chat.approve('1', 'owner');
  await chat.receive(chat.says('1', '/queue collect debounce:2s cap:5 drop:old'));
  expect((await sessionSettings(chat.db, 'agent:main:main')).queue).toEqual({ mode: 'collect', debounceMs: 2_000, cap: 5, drop: 'old' });
  await chat.receive(chat.says('1', '/queue sometimes'));
  expect(chat.last()).toContain('"sometimes" is not understood');
  await chat.receive(chat.says('1', '/queue cap:0'));
  expect(chat.last()).toContain('not understood');
  await chat.receive(chat.says('1', 'a message'));
  expect(chat.engine.delivered[0]?.item).toMatchObject({ mode: 'collect', rules: { quietMs: 2_000, cap: 5, drop: 'old' } });
  await chat.receive(chat.says('1', '/queue default'));
  expect(await sessionSettings(chat.db, 'agent:main:main')).toEqual({});
});

test('/model takes what is meant, and says what else it could be', async () => {
  const chat = await makeChat();
  await chat.approve('1', 'owner');
  const say = async (text: string) => (await chat.receive(chat.says('1', text)), chat.last());
  expect(await say('/model')).toContain('fake/one');
  expect(await say('/model list')).toContain('other/two');
  expect(await say('/model two')).toContain('fits several');
  expect(await say('/model nothing')).toContain('no model "nothing"');
  expect(await say('/model Other/Two')).toContain('other/two');
  expect((await sessionSettings(chat.db, 'agent:main:main')).model).toBe('other/two');
  expect(await say('/model default')).toContain('fake/one');
});

test('/stop names every run of the person; a guest in a group stops only theirs', async () => {
  const chat = await makeChat({ channels: { telegram: { groupPolicy: 'open' } } });
  await chat.approve('1', 'owner');
  await chat.approve('2');
  const group = { conversation: { kind: 'group' as const, id: '-1' }, mentions: [{ id: 'bot', self: true }] };
  await chat.receive(chat.says('1', 'of the owner', group));
  await chat.receive(chat.says('2', 'of the guest', group));
  const [, guests] = chat.engine.delivered.map(({ item }) => item.run);
  await chat.receive(chat.says('2', '/stop', group));
  expect(chat.engine.stops.map(({ order }) => order.runs)).toEqual([[guests]]);
  await chat.receive(chat.says('1', '/stop', group));
  expect(chat.engine.stops.at(-1)?.order.runs).toHaveLength(2);
  chat.engine.away = new Error('gone');
  await chat.receive(chat.says('1', '/stop', group));
  expect(chat.last()).toContain('engine is away');
});

test('/new and /reset go through the door as items of the queue', async () => {
  const chat = await makeChat();
  await chat.approve('1', 'owner');
  expect(await chat.receive(chat.says('1', '/new hello'))).toBe('accepted');
  expect(await chat.receive(chat.says('1', '/reset'))).toBe('accepted');
  expect(chat.engine.delivered.map(({ item }) => item.rules?.reset)).toEqual([true, true]);
  expect((await chat.db.selectFrom('inbound').select('message').execute()).map(({ message }) => (JSON.parse(message) as { text: string }).text).toSorted()).toEqual(['', 'hello']);
});

test('/link: a code from one messenger, typed on the other, once', async () => {
  const chat = await makeChat();
  const owner = await chat.approve('1', 'owner');
  await chat.approve('w1', 'guest', 'whatsapp');
  await chat.receive(chat.says('1', '/link'));
  const [code = ''] = /LINK-[A-Z2-9]{6}/.exec(chat.last()) ?? [];
  const whatsapp = { channel: 'whatsapp' };
  await chat.receive(chat.says('w1', '/link LINK-AAAAAA', whatsapp));
  expect(chat.last()).toContain('not known');
  await chat.receive(chat.says('w1', `/link ${code.slice(5).toLowerCase()}`, whatsapp));
  expect(chat.last()).toContain('Linked');
  expect((await identityOf(chat.db, { channel: 'whatsapp', account: 'default', sender: 'w1' }))?.contact).toBe(owner);
  await chat.receive(chat.says('w1', `/link ${code}`, whatsapp));
  expect(chat.last()).toContain('not known');
  // Nobody else's code moves the owner.
  await chat.approve('3');
  await chat.receive(chat.says('3', '/link'));
  const [other = ''] = /LINK-[A-Z2-9]{6}/.exec(chat.last()) ?? [];
  await chat.receive(chat.says('1', `/link ${other}`));
  expect(chat.last()).toContain('You are the owner here');
  // A code is for its person alone.
  await chat.receive(chat.says('3', '/link', { conversation: { kind: 'group', id: '-1' }, mentions: [] }));
  expect(chat.last()).not.toMatch(/LINK-[A-Z2-9]{6}/);
});

test('wrong link codes are few', async () => {
  const chat = await makeChat();
  await chat.approve('1');
  for (let i = 0; i < 5; i += 1) await chat.receive(chat.says('1', '/link AAAAAA'));
  await chat.receive(chat.says('1', '/link AAAAAA'));
  expect(chat.last()).toContain('Too many wrong codes');
});

test('an approval is asked where its run came from when that is the owner’s chat, once; what becomes of it is told there once', async () => {
  const chat = await makeChat();
  await chat.approve('1', 'owner');
  await chat.receive(chat.says('1', 'do it'));
  const { run, runId, session } = (await chat.db.selectFrom('inbound').select(['run', 'run_id as runId', 'session']).executeTakeFirstOrThrow());
  const put = async (id: string): Promise<void> => {
    await chat.db.insertInto('approvals').values({ id, call_key: `${run}:1.${id}`, agent: 'main', session, run, run_id: runId, step: 1, call_index: 0, call_seq: 2, request: JSON.stringify({ tool: 'exec', command: `rm -rf ${id}` }), state: 'open', decision: null, decided_by: null, reason: null, created_at: Date.now(), expires_at: null, decided_at: null, handed_on_at: null, signalled_at: null, settled_at: null, updated_at: Date.now() }).execute();
  };
  const shown = createApprovalChat({ db: chat.db, approvals: chat.approvals, deliveries: { send: async (delivery) => {
    const isNew = !chat.sent.some(({ id }) => id === delivery.id);
    if (isNew) chat.sent.push(delivery);
    const { enqueueDelivery } = await import('../../src/storage/deliveries.js');
    return chat.db.transaction().execute((tx) => enqueueDelivery(tx, delivery));
  } }, events: { publish: () => undefined, subscribe: () => () => undefined }, log: chat.log });
  await put('ap-one');
  await put('ap-two');
  await shown.sweep();
  await shown.sweep();
  expect(chat.sent.map(({ id, kind }) => [id, kind]).toSorted()).toEqual([['approval-ap-one', 'approval'], ['approval-ap-two', 'approval']]);
  expect(chat.sent[0]?.buttons?.[0]?.map(({ command }) => command)).toHaveLength(3);
  // An id alone decides nothing, and needs no prefix.
  await chat.receive(chat.says('1', '/approve one'));
  expect(chat.last()).toContain('rm -rf ap-one');
  expect((await chat.approvals.get('ap-one'))?.state).toBe('open');
  await chat.receive(chat.says('1', '/approve nothing deny'));
  expect(chat.last()).toContain('See what waits: /approve');
  chat.sent.splice(-2);
  await chat.receive(chat.says('1', '/approve ap-o deny not that'));
  expect(chat.last()).toBe('Denied by owner (not that): `rm -rf ap-one`');
  await chat.approvals.decide('ap-two', 'allow-once', 'somebody at a terminal');
  await shown.sweep();
  await shown.sweep();
  expect(chat.sent.map(({ id }) => id)).toEqual(['approval-ap-two', 'approval-ap-one', 'approval-ap-one-done', 'approval-ap-two-done'].toSorted((a, b) => chat.sent.findIndex(({ id }) => id === a) - chat.sent.findIndex(({ id }) => id === b)));
  expect(chat.last()).toContain('Allowed once by somebody at a terminal');
  await chat.receive(chat.says('1', '/approve ap-two deny'));
  expect(chat.last()).toMatch(/already|was/i);
});

test('a command of the machine is shown to the owner alone', async () => {
  const chat = await makeChat({ channels: { telegram: { groupPolicy: 'open' } } });
  await chat.approve('1', 'owner');
  await chat.approve('2');
  const group = { conversation: { kind: 'group' as const, id: '-1' }, mentions: [{ id: 'bot', self: true }] };
  await chat.receive(chat.says('1', 'do it', group));
  const { session } = await chat.db.selectFrom('inbound').select('session').executeTakeFirstOrThrow();
  await chat.db.insertInto('approvals').values({ id: 'ap-x', call_key: 'k', agent: 'main', session, run: 'r', run_id: 'r', step: 1, call_index: 0, call_seq: 2, request: JSON.stringify({ tool: 'exec', command: 'cat secret' }), state: 'open', decision: null, decided_by: null, reason: null, created_at: Date.now(), expires_at: null, decided_at: null, handed_on_at: null, signalled_at: null, settled_at: null, updated_at: Date.now() }).execute();
  for (const [who, text] of [['2', '/status'], ['1', '/status'], ['1', '/approve'], ['1', '/approve ap-x deny']] as const) {
    await chat.receive(chat.says(who, text, group));
    expect(chat.last()).not.toContain('cat secret');
  }
});

test('where guests share the owner’s session they do not rule it', async () => {
  const chat = await makeChat({ session: { dmScope: 'main' } });
  await chat.approve('1', 'owner');
  await chat.approve('2');
  await chat.receive(chat.says('1', 'of the owner'));
  await chat.receive(chat.says('2', '/new'));
  expect(chat.last()).toBe('Sorry, /new is for my owner here.');
  await chat.receive(chat.says('2', '/stop'));
  expect(chat.engine.stops).toEqual([]);
});

test('a command for another bot of the group is not ours', async () => {
  const chat = await makeChat({ channels: { telegram: { groupPolicy: 'open' } } });
  await chat.approve('1', 'owner');
  const group = { conversation: { kind: 'group' as const, id: '-1' } };
  expect(await chat.receive(chat.says('1', '/new@other_bot', group))).toBe('overheard');
  expect(await chat.receive(chat.says('1', '/status@claw_bot', { ...group, mentions: [{ id: 'bot', self: true }] }))).toBe('command');
});
