/** The tool `message`: from the owner's sessions, to whom the owner knows, once. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { createToolOutbound, isOwnersSession } from '../../../src/activities/outbound.js';
import { createToolRegistry } from '../../../src/activities/tools/registry.js';
import type { ToolRegistry } from '../../../src/activities/tools/types.js';
import { changeContact, putContact, putIdentity } from '../../../src/storage/contacts.js';
import { enqueueDelivery } from '../../../src/storage/deliveries.js';
import type { Db } from '../../../src/storage/sqlite.js';
import type { SendingAccount } from '../../../src/storage/targets.js';
import { accept, makeStore } from '../../storage/store.js';
import { type TestHost, makeContext, makeHost } from './helpers/env.js';

const TELEGRAM: SendingAccount = { channel: 'telegram', account: 'default', isDefault: true };
const KEY = 'run of mine:1.0';
let db: Db;
let host: TestHost;
let accounts: readonly SendingAccount[];

beforeEach(async () => {
  ({ db } = await makeStore());
  accounts = [TELEGRAM];
  host = { ...makeHost(), outbound: createToolOutbound({ db, accounts: () => accounts }) };
  await accept(db, 'mine');
  await db.transaction().execute(async (tx) => {
    for (const [id, sender, state] of [['ann', '42', 'approved'], ['bob', '43', 'known']] as const) {
      await putContact(tx, { id, name: id === 'ann' ? 'Ann' : 'Bob' });
      await putIdentity(tx, { channel: 'telegram', account: 'default', sender }, { sender: { id: sender, name: id }, direct: { kind: 'direct', id: sender } }, { contact: id, state });
    }
  });
});

const registry = (): ToolRegistry => createToolRegistry(host);
const tool = () => registry().get('message')!;
async function send(args: Readonly<Record<string, unknown>>, over: { readonly approved?: boolean; readonly key?: string } = {}) {
  const context = { ...makeContext(over.key ?? KEY), ...(over.approved ? { approved: true } : {}) };
  const result = await tool().run({ text: 'hello', ...args }, context);
  return { ...result, said: result.blocks.map((block) => (block.type === 'text' ? block.text : '')).join(), delivered: context.delivered };
}

describe('message', () => {
  it('is offered only where a messenger is configured', () => {
    expect(registry().tools.at(-1)!.name).toBe('message');
    accounts = [];
    expect(registry().get('message')).toBeUndefined();
  });

  it.each(['ann', 'Ann', 'ANN', '42', 'telegram:42'])('writes to %s, whom the owner let in, without asking', async (to) => {
    expect(await tool().approval!({ to, text: 'hello' }, KEY)).toBeUndefined();
    const { isError, delivered, said } = await send({ to, replyTo: '7' });
    expect(isError).toBe(false);
    expect(said).toContain('telegram');
    expect(delivered).toMatchObject([{ id: `message-${KEY}`, to: { channel: 'telegram', account: 'default', conversation: { kind: 'direct', id: '42' } }, kind: 'message', source: { type: 'text', markdown: 'hello' }, replyTo: '7' }]);
  });

  it.each(['bob', '99', 'group:-5'])('asks the owner before it writes to %s, and shows all of it', async (to) => {
    const asked = await tool().approval!({ to, text: 'line one\nline two' }, KEY);
    expect(asked).toMatchObject({ tool: 'message', command: expect.stringContaining('line one\nline two') });
    expect(await send({ to })).toMatchObject({ isError: true, delivered: [] });
    expect((await send({ to }, { approved: true })).delivered).toHaveLength(1);
  });

  it('knows a group in which it answered', async () => {
    await db.transaction().execute((tx) => enqueueDelivery(tx, { id: 'r', to: { channel: 'telegram', account: 'default', conversation: { kind: 'group', id: '-5', title: 'Home' } }, kind: 'reply', source: { type: 'text', markdown: 'x' } }));
    expect(await tool().approval!({ to: '-5', text: 'hello' }, KEY)).toBeUndefined();
    expect((await send({ to: '-5' })).delivered).toMatchObject([{ to: { conversation: { kind: 'group', id: '-5', title: 'Home' } } }]);
  });

  it('reaches nobody who is blocked, and says who is meant by a name of several', async () => {
    await db.transaction().execute(async (tx) => {
      await changeContact(tx, 'ann', { blocked: true });
      await putContact(tx, { id: 'bob2', name: 'Bob' });
    });
    expect(await send({ to: 'ann' })).toMatchObject({ isError: true, said: expect.stringContaining('blocked'), delivered: [] });
    expect(await send({ to: 'Bob' }, { approved: true })).toMatchObject({ isError: true, said: expect.stringContaining('bob, bob2'), delivered: [] });
  });

  it('is refused in sessions that are not the owner\'s alone, without asking', async () => {
    await accept(db, 'group', { session: 'agent:main:telegram:group:-5' });
    await accept(db, 'guest', { role: 'guest' });
    for (const key of ['run of group:1.0', 'run of guest:1.0', 'run of nobody:1.0']) {
      expect(await tool().approval!({ to: '99', text: 'x' }, key)).toBeUndefined();
      expect(await send({ to: 'ann' }, { key })).toMatchObject({ isError: true, delivered: [] });
    }
    expect(['agent:main:main', 'agent:main:work', 'agent:main:direct:ann', 'agent:main:telegram:group:1', 'agent:main:telegram:group:1:topic:2'].map(isOwnersSession)).toEqual([true, true, false, false, false]);
  });

  it('takes files of the workspace along, and nothing from outside', async () => {
    writeFileSync(join(host.workspace, 'note.txt'), 'inside');
    writeFileSync(join(host.stateDir, 'openclaw.db'), 'secret');
    expect((await send({ to: 'ann', text: '', attach: ['note.txt'] })).delivered).toMatchObject([{ attachments: [{ kind: 'document', name: 'note.txt', size: 6 }] }]);
    expect(await send({ to: 'ann', attach: ['../openclaw.db'] })).toMatchObject({ isError: true, delivered: [] });
    const before = await tool().approval!({ to: '99', text: 'x', attach: ['note.txt'] }, KEY);
    writeFileSync(join(host.workspace, 'note.txt'), 'another');
    expect((await tool().approval!({ to: '99', text: 'x', attach: ['note.txt'] }, KEY))!.command).not.toBe(before!.command);
  });
});
