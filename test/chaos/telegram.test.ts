/**
 * Thirty messages from ten chats while gateway, engine and both are killed at random: each is answered once and in order.
 * Telegram takes no key, so a kill between a send and its confirmation shows the same part twice, the second time marked:
 * how often is printed.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { REPEAT_MARK } from '../../src/core/channel.js';
import { install, until } from '../servers/installation.js';
import { DEFAULT_KEY, startModelServer } from '../servers/model-server.js';
import { startTelegram } from '../servers/telegram/index.js';
import { strike, untilReady } from './lib/blows.js';
import { dice } from './lib/dice.js';

const SEED = 20_261_124;
const CHATS = 10;
const EACH = 3;
const KILLS = 10;
const BLOWS = ['gateway', 'engine', 'both'] as const;

const open: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).toReversed()) await close();
});

/** Calls a command first, so that there is a middle of a turn to be killed in. */
function answer(seen: { readonly body: Readonly<Record<string, unknown>> }) {
  const messages = seen.body['messages'] as readonly { readonly role: string; readonly content: unknown }[];
  const at = messages.findLastIndex(({ role }) => role === 'user');
  const [, id = '?'] = /say (\S+)/.exec(JSON.stringify(messages[at]?.content)) ?? [];
  const name = id.replace(/[^\w-]/g, '');
  return messages.slice(at).some(({ role }) => role === 'tool') ? { text: `answer ${name}.` } : { text: '', calls: [{ name: 'exec', args: { command: `sleep 0.2; echo ${name} >> done.log` } }] };
}

test('thirty messages from ten chats, killed at random: each is answered once, in order, and each command ran once', { timeout: 400_000 }, async () => {
  const random = dice(SEED);
  const tg = await startTelegram();
  const model = await startModelServer({ answer });
  const owner = tg.person({ firstName: 'Olga' });
  // Groups, because each is a session of its own; the owner in all of them, because guests have no tools.
  const chats = Array.from({ length: CHATS }, (_, i) => tg.group({ title: `Club ${i}`, members: [owner] }));
  const house = await install({
    config: {
      tools: { exec: { mode: 'full' } },
      agents: { defaults: { model: 'local/scripted' } },
      models: { providers: { local: { baseUrl: model.baseUrl('openai'), apiKey: DEFAULT_KEY, api: 'openai-completions', models: [{ id: 'scripted', contextWindow: 100_000, maxTokens: 4_000 }] } } },
      channels: { telegram: { botToken: tg.token, apiRoot: tg.url, groupPolicy: 'open', groups: { '*': { requireMention: false } } } },
      commands: { ownerAllowFrom: [`telegram:${owner.id}`] },
      messages: { queue: { mode: 'followup' } },
    },
  });
  open.push(() => tg.close(), () => model.close(), () => house.remove());
  await house.start();

  const speaking = (async () => {
    for (let n = 0; n < EACH; n += 1) {
      for (const [i, chat] of chats.entries()) {
        owner.sends(chat, `say ${i}-${n}`);
        await sleep(random.below(400));
      }
    }
  })();
  const blows = dice(SEED + 1);
  for (let i = 0; i < KILLS; i += 1) {
    await sleep(blows.below(2_500));
    await strike(house, blows.pick(BLOWS), blows);
  }
  await speaking;
  await untilReady(house);

  const texts = (i: number): string[] => tg.texts(chats[i]!).filter((text) => text.includes('answer'));
  const once = (i: number): string[] => texts(i).filter((text) => !text.startsWith(REPEAT_MARK.trim()));
  await until('every message is answered', () => chats.every((_, i) => once(i).length >= EACH), 300_000);
  // What is sent a second time comes soon after the first.
  await until('everything is delivered', async () => (await house.run(['status', '--json'])).code === 0 && tg.pending().length === 0);
  for (const i of chats.keys()) {
    expect(once(i), `chat ${i}`).toEqual(Array.from({ length: EACH }, (_, n) => `answer ${i}-${n}.`));
    for (const repeat of texts(i).filter((text) => text.startsWith(REPEAT_MARK.trim()))) expect(once(i)).toContain(repeat.slice(REPEAT_MARK.length));
  }
  const lines = readFileSync(join(house.workspace, 'done.log'), 'utf8').trim().split('\n');
  expect(lines.toSorted()).toEqual(chats.flatMap((_, i) => Array.from({ length: EACH }, (__, n) => `${i}-${n}`)).toSorted());
  const repeats = chats.flatMap((_, i) => texts(i)).length - CHATS * EACH;
  console.log(`${KILLS} kills, ${CHATS * EACH} messages, 0 lost, ${repeats} shown twice (marked)`);
  tg.expectNoViolations();
});
