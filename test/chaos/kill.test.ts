/**
 * SIGKILL in the middle of a chain of five tool calls: at every step boundary, inside every command, the engine, both.
 * After each: the same run, every line once, one answer, and every question about the run answered truthfully.
 */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { type Installation, install, until } from '../servers/installation.js';
import { DEFAULT_KEY, type ModelServer, type SeenRequest, defaultAnswer, startModelServer } from '../servers/model-server.js';

const CALLS = 5;
let house: Installation;
let model: ModelServer;
/** Called when a request arrives; returning true leaves it without an answer. */
let onRequest: (seen: SeenRequest) => boolean = () => false;

beforeAll(async () => {
  model = await startModelServer({ answer: (seen) => (onRequest(seen) ? { kind: 'mute' } : defaultAnswer(seen)) });
  house = await install({
    config: {
      tools: { exec: { mode: 'full' } },
      agents: { defaults: { model: { primary: 'local/scripted', fallbacks: ['local/spare'] } } },
      models: { providers: { local: { baseUrl: model.baseUrl('openai'), apiKey: DEFAULT_KEY, api: 'openai-completions', models: ['scripted', 'spare'].map((id) => ({ id, contextWindow: 100_000, maxTokens: 4_000 })) } } },
    },
  });
  await house.start();
});
afterEach(() => {
  onRequest = () => false;
});
afterAll(async () => {
  await house?.remove();
  await model?.close();
});

const file = (name: string): string => join(house.workspace, name);
const lines = (name: string): string[] => (existsSync(file(name)) ? readFileSync(file(name), 'utf8').trim().split('\n') : []);

/** Starts a chain in its own session. Each command writes a line, waits for its gate, writes another. */
async function startChain(id: string): Promise<void> {
  for (let call = 1; call <= CALLS; call += 1) rmSync(file(`${id}.gate${call}`), { force: true });
  const command = `sh -c 'echo begin-{i} >> ${id}.log; while [ ! -e ${id}.gate{i} ]; do sleep 0.02; done; echo end-{i} >> ${id}.log; echo out-{i}'`;
  const client = await house.client();
  await client.request('chat.send', { sessionKey: `chaos-${id}`, message: `chain: ${CALLS} ${command}`, idempotencyKey: id });
}
const openGates = (id: string, upTo = CALLS): void => {
  for (let call = 1; call <= upTo; call += 1) writeFileSync(file(`${id}.gate${call}`), '');
};

interface Waited {
  readonly runId: string;
  readonly status: string;
}
interface History {
  readonly messages: readonly { readonly role: string; readonly content: unknown; readonly toolCallId?: string; readonly stopReason?: string }[];
}

/** What must hold whatever was killed. */
async function expectWhole(id: string): Promise<void> {
  const client = await house.client();
  expect(await client.request<Waited>('agent.wait', { runId: id, timeoutMs: 60_000 }, { timeoutMs: 70_000 })).toMatchObject({ runId: id, status: 'ok' });
  expect(lines(`${id}.log`)).toEqual(Array.from({ length: CALLS }, (_, i) => [`begin-${i + 1}`, `end-${i + 1}`]).flat());
  const history = await client.request<History>('chat.history', { sessionKey: `chaos-${id}` });
  const roles = history.messages.map((message) => message.role);
  expect(roles).toEqual(['user', ...Array.from({ length: CALLS }, () => ['assistant', 'toolResult']).flat(), 'assistant']);
  const answer = JSON.stringify(history.messages.at(-1)!.content);
  expect(answer).toContain(Array.from({ length: CALLS }, (_, i) => `out-${i + 1}`).join(' | '));
  // The key again: answered from its row, without another model call.
  const before = model.requests.length;
  const again = await client.request<{ readonly runId: string; readonly status: string }>('chat.send', { sessionKey: `chaos-${id}`, message: messageOf(history), idempotencyKey: id });
  expect(again).toEqual({ runId: id, status: 'ok' });
  const runs = await client.request<{ readonly runs: readonly { readonly runId: string; readonly state: string }[] }>('runs.list', { sessionKey: `chaos-${id}` });
  expect(runs.runs.map((run) => [run.runId, run.state])).toEqual([[id, 'ok']]);
  expect(model.requests.length).toBe(before);
  client.close();
}

function messageOf(history: History): string {
  const { content } = history.messages[0]!;
  return typeof content === 'string' ? content : (content as readonly { readonly text: string }[])[0]!.text;
}

test('the gateway is killed with one chain at every step boundary: after 0, 1, … 5 of five calls', async () => {
  const ids = [0, 1, 2, 3, 4, 5].map((done) => `boundary-${done}`);
  const held = new Set<string>();
  // Each chain's request at its own boundary gets no answer, once.
  onRequest = (seen) => {
    const id = ids.find((each) => seen.text.includes(`${each}.log`));
    if (id === undefined || held.has(id) || id !== `boundary-${seen.results.length}`) return false;
    held.add(id);
    return true;
  };
  for (const id of ids) {
    await startChain(id);
    openGates(id);
  }
  await until('every chain is at its boundary', () => held.size === ids.length);
  await house.kill();
  await house.start();
  for (const [done, id] of ids.entries()) {
    await expectWhole(id);
    // The interrupted call is asked once more, finished ones never again.
    const perStep = model.requests.filter((seen) => seen.text.includes(`${id}.log`)).map((seen) => seen.results.length);
    expect(perStep).toEqual([0, 1, 2, 3, 4, 5].flatMap((step) => (step === done ? [step, step] : [step])));
  }
});

test('the gateway is killed inside a command, with one chain in each of five: commands live on and are re-attached', async () => {
  const ids = [1, 2, 3, 4, 5].map((inside) => `inside-${inside}`);
  for (const [index, id] of ids.entries()) {
    await startChain(id);
    openGates(id, index);
  }
  await until('every command runs', () => ids.every((id, index) => lines(`${id}.log`).includes(`begin-${index + 1}`)));
  await house.kill();
  // Two of them end while nobody watches; their results are found.
  openGates('inside-2', 2);
  openGates('inside-5');
  await until('they ended', () => lines('inside-2.log').includes('end-2') && lines('inside-5.log').includes('end-5'));
  await house.start();
  for (const id of ids) openGates(id);
  for (const id of ids) await expectWhole(id);
});

test('killed three times in one model call and once in a command, a run is neither given up nor handed to another model', async () => {
  const id = 'again';
  let asked = 0;
  // As many attempts as a model gets before the next one in line is asked.
  onRequest = (seen) => seen.text.includes(`${id}.log`) && (asked += 1) <= 3;
  await startChain(id);
  for (let kill = 1; kill <= 3; kill += 1) {
    await until(`the model is asked for the ${kill}. time`, () => asked === kill);
    await house.kill();
    await house.start();
  }
  await until('a command runs', () => lines(`${id}.log`).includes('begin-1'));
  await house.kill();
  openGates(id);
  await house.start();
  await expectWhole(id);
  expect(new Set(model.requests.filter((seen) => seen.text.includes(`${id}.log`)).map((seen) => seen.body['model']))).toEqual(new Set(['scripted']));
});

test('the Temporal server is killed inside a command: it comes back on its ports and the chain goes on', async () => {
  const id = 'engine';
  await startChain(id);
  await until('the command runs', () => lines(`${id}.log`).includes('begin-1'));
  const before = house.engine().pid;
  house.killEngine();
  await until('it was started again', () => house.engine().pid !== before);
  openGates(id);
  await expectWhole(id);
});

test('gateway and Temporal server are killed together', async () => {
  const id = 'both';
  await startChain(id);
  openGates(id, 1);
  await until('the second command runs', () => lines(`${id}.log`).includes('begin-2'));
  house.killEngine();
  await house.kill();
  await house.start();
  openGates(id);
  await expectWhole(id);
});

test('five messages wait behind a running one when the gateway is killed: six answers, in order', async () => {
  const id = 'queued';
  await startChain(id);
  await until('the first command runs', () => lines(`${id}.log`).includes('begin-1'));
  const client = await house.client();
  const waiting = ['a', 'b', 'c', 'd', 'e'].map((name) => `${id}-${name}`);
  for (const runId of waiting) await client.request('chat.send', { sessionKey: `chaos-${id}`, message: `say ${runId}`, idempotencyKey: runId, queueMode: 'followup' });
  await house.kill();
  await house.start();
  openGates(id);
  const after = await house.client();
  for (const runId of [id, ...waiting]) {
    expect(await after.request<Waited>('agent.wait', { runId, timeoutMs: 60_000 }, { timeoutMs: 70_000 })).toMatchObject({ runId, status: 'ok' });
  }
  const history = await after.request<History>('chat.history', { sessionKey: `chaos-${id}`, limit: 200 });
  const answers = history.messages.filter((message) => message.role === 'assistant').map((message) => JSON.stringify(message.content));
  for (const runId of waiting) expect(answers.filter((text) => text.includes(`say ${runId}`))).toHaveLength(1);
  expect(history.messages.filter((message) => message.role === 'user').slice(1).map((message) => message.content)).toEqual(waiting.map((runId) => expect.stringContaining(`say ${runId}`)));
});

test('a gentle stop hands a running command over: the next start attaches to it', async () => {
  const id = 'gentle';
  await startChain(id);
  await until('the command runs', () => lines(`${id}.log`).includes('begin-1'));
  const before = Date.now();
  await house.stop();
  expect(Date.now() - before).toBeLessThan(15_000);
  await house.start();
  openGates(id);
  await expectWhole(id);
});
