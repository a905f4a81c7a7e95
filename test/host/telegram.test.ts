/**
 * The whole road: a person writes to the bot on Telegram, the gateway (a real process) answers through the agent. Killed
 * and started again in between.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { REPEAT_MARK } from '../../src/core/channel.js';
import { type Installation, install, until } from '../servers/installation.js';
import { DEFAULT_KEY, type ModelServer, type SeenRequest, startModelServer } from '../servers/model-server.js';
import { type ChatHandle, type Person, type TelegramServer, startTelegram } from '../servers/telegram/index.js';

interface House {
  readonly house: Installation;
  readonly tg: TelegramServer;
  readonly model: ModelServer;
  readonly owner: Person;
  readonly ownerChat: ChatHandle;
  /** What the bot said in a chat, as its people see it. */
  said(chat: ChatHandle): string[];
}

const open: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).toReversed()) await close();
});

const textOf = (content: unknown): string => (typeof content === 'string' ? content : (content as readonly { readonly text?: string }[]).map(({ text }) => text ?? '').join('\n'));
interface Wire { readonly role: string; readonly content: unknown }
const messagesOf = (seen: SeenRequest): readonly Wire[] => seen.body['messages'] as readonly Wire[];
const lastUser = (seen: SeenRequest): string => textOf(messagesOf(seen).findLast(({ role }) => role === 'user')?.content ?? '');
const results = (seen: SeenRequest): readonly string[] => {
  const messages = messagesOf(seen);
  return messages.slice(messages.findLastIndex(({ role }) => role === 'assistant') + 1).flatMap(({ role, content }) => (role === 'tool' ? [textOf(content)] : []));
};

/** `sleep <file>` runs a slow command; `ask <command>` runs that; anything else is echoed. */
function answer(seen: SeenRequest) {
  const asked = lastUser(seen);
  const [, file] = /sleep (\S+)$/.exec(asked) ?? [];
  const [, command] = /ask (.+)$/s.exec(asked) ?? [];
  if (results(seen).length > 0) return { text: `result: ${results(seen).join(' | ')} after "${asked.split('\n').at(-1)}"` };
  if (file !== undefined) return { text: 'a moment', calls: [{ name: 'exec', args: { command: `echo begun >> ${file}; until [ -e ${file}.go ]; do sleep 0.05; done; echo out` } }, { name: 'exec', args: { command: `echo second >> ${file}` } }] };
  if (command !== undefined) return { text: '', calls: [{ name: 'exec', args: { command } }] };
  return { text: `echo: ${asked.split('\n').at(-1)}` };
}

async function makeHouse(config: Readonly<Record<string, unknown>> = {}, telegram: Readonly<Record<string, unknown>> = {}): Promise<House> {
  const tg = await startTelegram();
  const model = await startModelServer({ answer });
  const owner = tg.person({ firstName: 'Olga', username: 'olga' });
  const house = await install({
    config: {
      tools: { exec: { mode: 'full' } },
      agents: { defaults: { model: 'local/scripted' } },
      models: { providers: { local: { baseUrl: model.baseUrl('openai'), apiKey: DEFAULT_KEY, api: 'openai-completions', models: [{ id: 'scripted', contextWindow: 100_000, maxTokens: 4_000 }] } } },
      channels: { telegram: { botToken: tg.token, apiRoot: tg.url, ...telegram } },
      commands: { ownerAllowFrom: [`telegram:${owner.id}`] },
      ...config,
    },
  });
  open.push(() => tg.close(), () => model.close(), () => house.remove());
  await house.start();
  const ownerChat = tg.privateChat(owner);
  return { house, tg, model, owner, ownerChat, said: (chat) => tg.sent(chat).map((message) => message.text ?? message.caption ?? '') };
}

const heard = (h: House, chat: ChatHandle, text: string | RegExp, timeoutMs = 60_000): Promise<unknown> =>
  h.tg.until(() => h.said(chat).some((line) => (typeof text === 'string' ? line.includes(text) : text.test(line))), () => `${String(text)}; there is ${JSON.stringify(h.said(chat))}\n${h.house.output.join('').slice(-2_000)}`, timeoutMs);

test('a stranger writes three messages, the owner approves after a SIGKILL, three answers arrive in order', async () => {
  const h = await makeHouse();
  const eve = h.tg.person({ firstName: 'Eve' });
  const chat = h.tg.privateChat(eve);
  for (const text of ['one', 'two', 'three']) await h.tg.untilConfirmed(eve.sends(chat, text));
  await heard(h, chat, /CLAW-[A-Z2-9]{4}/);
  await h.house.kill();
  await h.house.start();
  const [, code] = /(CLAW-[A-Z2-9]{4})/.exec(h.said(chat).join('\n'))!;
  expect(h.model.requests).toHaveLength(0);
  const done = await h.house.run(['pairing', 'approve', 'telegram', code!.toLowerCase()]);
  expect(done, done.stderr).toMatchObject({ code: 0 });
  await heard(h, chat, 'echo: three');
  expect(h.said(chat).filter((line) => line.startsWith('echo:'))).toEqual(['echo: one', 'echo: two', 'echo: three']);
  // The code was said once, however often was written; the kill may have come before its sending was noted.
  const [first, ...repeats] = h.said(chat).filter((line) => line.includes('CLAW-'));
  expect(repeats.map((line) => line.replace(REPEAT_MARK, ''))).toEqual(repeats.map(() => first));
  h.tg.expectNoViolations();
});

test('a steer in the middle of a chain changes its outcome; a guest cannot steer the run of the owner; /stop ends a command at once', async () => {
  const h = await makeHouse({}, { allowFrom: ['*'], dmPolicy: 'open', groupPolicy: 'open' });
  const file = (name: string): string => join(h.house.workspace, name);
  const lines = (name: string): string[] => (existsSync(file(name)) ? readFileSync(file(name), 'utf8').trim().split('\n') : []);
  h.owner.sends(h.ownerChat, 'sleep a');
  await until('the command runs', () => lines('a').length === 1);
  const steer = h.owner.sends(h.ownerChat, 'do not write the second');
  await h.tg.untilConfirmed(steer);
  writeFileSync(file('a.go'), '');
  await heard(h, h.ownerChat, 'after "do not write the second"');
  expect(h.said(h.ownerChat).join()).toContain('skipped: a new message came in');
  expect(lines('a')).toEqual(['begun']);

  const guest = h.tg.person({ firstName: 'Bob' });
  const group = h.tg.group({ title: 'Club', members: [h.owner, guest] });
  h.owner.sends(group, `@${h.tg.bot.username} sleep b`);
  await until('the command runs', () => lines('b').length === 1);
  await h.tg.untilConfirmed(guest.sends(group, `@${h.tg.bot.username} stop that`));
  writeFileSync(file('b.go'), '');
  await heard(h, group, 'result: ');
  await heard(h, group, 'stop that');
  expect(lines('b')).toEqual(['begun', 'second']);

  h.owner.sends(h.ownerChat, 'sleep c');
  await until('the command runs', () => lines('c').length === 1);
  const began = Date.now();
  h.owner.sends(h.ownerChat, '/stop');
  await heard(h, h.ownerChat, /^Stopped/);
  const runs = await h.house.client();
  await until('the run is ended', async () => ((await runs.request('runs.list', { limit: 1, sessionKey: 'main' })) as { runs: { status: string }[] }).runs[0]!.status !== 'running');
  console.log(`/stop: the run was ended after ${Date.now() - began} ms`);
  h.tg.expectNoViolations();
});

test('an approval is asked in the chat of the owner with buttons; a press runs it once; decided elsewhere it is told', async () => {
  const h = await makeHouse({ tools: { exec: { mode: 'ask' } } });
  h.owner.sends(h.ownerChat, 'ask touch pressed && echo was-run');
  await heard(h, h.ownerChat, 'May I run this?');
  const button = h.tg.buttons(h.ownerChat).find(({ text }) => text === 'Allow once');
  h.owner.presses(button!);
  await heard(h, h.ownerChat, /result: .*was-run/s);
  expect(existsSync(join(h.house.workspace, 'pressed'))).toBe(true);
  expect(h.said(h.ownerChat).filter((line) => line.startsWith('Allowed once'))).toHaveLength(1);

  h.owner.sends(h.ownerChat, 'ask touch denied');
  await until('it is asked', async () => (await h.house.run(['approvals', 'list', '--json'])).stdout.includes('touch denied'));
  const [asked] = (JSON.parse((await h.house.run(['approvals', 'list', '--json'])).stdout) as { approvals: { id: string }[] }).approvals;
  expect((await h.house.run(['approvals', 'deny', asked!.id])).code).toBe(0);
  await heard(h, h.ownerChat, /^Denied/);
  await heard(h, h.ownerChat, /result: .*said no/s);
  expect(existsSync(join(h.house.workspace, 'denied'))).toBe(false);
  h.tg.expectNoViolations();
});

test('commands are answered without the model; a new conversation forgets; in a group only who is named is answered, and what was overheard is read', async () => {
  const h = await makeHouse({}, { groupPolicy: 'open' });
  for (const [text, said] of [['/whoami', 'my owner'], ['/status', 'Idle'], ['/help', '/new'], ['/queue collect debounce:1s', 'collect'], ['/queue default', 'steer'], ['/model list', 'local/scripted'], ['/think high', 'high'], ['/usage', 'tokens'], ['/approve', 'Nothing waits'], ['/link', 'LINK-']] as const) {
    h.owner.sends(h.ownerChat, text);
    await heard(h, h.ownerChat, said);
  }
  expect(h.model.requests).toHaveLength(0);
  h.owner.sends(h.ownerChat, 'remember blue');
  await heard(h, h.ownerChat, 'echo: remember blue');
  // Seen while it worked.
  expect(h.tg.actions(h.ownerChat)).toContainEqual(expect.objectContaining({ action: 'typing' }));
  expect(h.tg.callsOf('sendMessageDraft').length).toBeGreaterThan(0);
  h.owner.sends(h.ownerChat, '/new what do you know?');
  await heard(h, h.ownerChat, 'echo: what do you know?');
  expect(JSON.stringify(h.model.requests.at(-1)!.body)).not.toContain('remember blue');

  const bob = h.tg.person({ firstName: 'Bob' });
  const group = h.tg.group({ title: 'Club', members: [h.owner, bob] });
  await h.tg.untilConfirmed(bob.sends(group, 'the meeting is at nine'));
  h.owner.sends(group, `@${h.tg.bot.username} when is it?`);
  await heard(h, group, 'when is it?');
  const asked = JSON.stringify(h.model.requests.at(-1)!.body);
  expect(asked).toContain('Bob: the meeting is at nine');
  expect(h.said(group)).toHaveLength(1);
  h.tg.expectNoViolations();
});
