/**
 * Store and engine from different moments: one of them lost, or put back from an older copy, under a chain of commands.
 * Each is said in `openclaw status`, repaired at the start, and no command runs twice.
 */
import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { compareEpochs } from '../../src/host/divergence.js';
import { type Installation, install, until } from '../servers/installation.js';
import { DEFAULT_KEY, type ModelServer, type Reply, type SeenRequest, startModelServer } from '../servers/model-server.js';

const CALLS = 3;
const COMMAND = "sh -c 'echo begin-{i} >> log; while [ ! -e gate{i} ]; do sleep 0.02; done; echo end-{i} >> log; echo out-{i}'";
let model: ModelServer;
let house: Installation | undefined;
/** Requests in which the model was told of a loss. */
let told = 0;

/** The chain goes on by the results there are, whatever else the model is told. */
function answer({ body }: SeenRequest): Reply {
  const messages = body['messages'] as readonly { readonly role: string; readonly content: unknown }[];
  const results = messages.filter(({ role }) => role === 'tool').map(({ content }) => (typeof content === 'string' ? content : JSON.stringify(content)));
  if (JSON.stringify(messages).includes('lost its latest entries')) told += 1;
  if (results.length < CALLS) return { calls: [{ name: 'exec', args: { command: COMMAND.replaceAll('{i}', String(results.length + 1)) } }] };
  return { text: `done ${results.length}` };
}

beforeAll(async () => {
  model = await startModelServer({ answer });
});
afterEach(async () => {
  await house?.remove();
  house = undefined;
  told = 0;
});
afterAll(async () => {
  await model?.close();
});

async function start(): Promise<Installation> {
  house = await install({
    config: {
      tools: { exec: { mode: 'full' } },
      agents: { defaults: { model: { primary: 'local/scripted' } } },
      models: { providers: { local: { baseUrl: model.baseUrl('openai'), apiKey: DEFAULT_KEY, api: 'openai-completions', models: [{ id: 'scripted', contextWindow: 100_000, maxTokens: 4_000 }] } } },
    },
  });
  await house.start();
  const client = await house.client();
  await client.request('chat.send', { sessionKey: 'chain', message: 'go', idempotencyKey: 'run' });
  return house;
}

const lines = (h: Installation): string[] => (existsSync(join(h.workspace, 'log')) ? readFileSync(join(h.workspace, 'log'), 'utf8').trim().split('\n') : []);
const inside = (h: Installation, call: number): Promise<void> => until(`command ${call} runs`, () => lines(h).includes(`begin-${call}`));
const openGate = (h: Installation, call: number): void => writeFileSync(join(h.workspace, `gate${call}`), '');

/** Gateway and engine at once: nothing gets to say goodbye. */
async function killAll(h: Installation): Promise<void> {
  const { pid } = h.engine();
  await h.kill();
  h.killEngine();
  await until('the engine is gone', () => {
    try {
      process.kill(pid, 0);
      return readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ');
    } catch {
      return true;
    }
  });
}

const copies = { engine: ['temporal'], store: ['openclaw.db', 'openclaw.db-wal'] } as const;
function copy(h: Installation, what: keyof typeof copies): void {
  mkdirSync(join(h.home, 'copy'), { recursive: true });
  for (const name of copies[what]) if (existsSync(join(h.stateDir, name))) cpSync(join(h.stateDir, name), join(h.home, 'copy', name), { recursive: true });
}
function putBack(h: Installation, what: keyof typeof copies): void {
  for (const name of readdirSync(h.stateDir)) if (copies[what].some((each) => name.startsWith(each))) rmSync(join(h.stateDir, name), { recursive: true });
  for (const name of copies[what]) if (existsSync(join(h.home, 'copy', name))) cpSync(join(h.home, 'copy', name), join(h.stateDir, name), { recursive: true });
}

async function expectWhole(h: Installation): Promise<void> {
  for (let call = 1; call <= CALLS; call += 1) openGate(h, call);
  const client = await h.client();
  expect(await client.request('agent.wait', { runId: 'run', timeoutMs: 60_000 }, { timeoutMs: 70_000 })).toMatchObject({ runId: 'run', status: 'ok' });
  expect(lines(h)).toEqual(Array.from({ length: CALLS }, (_, i) => [`begin-${i + 1}`, `end-${i + 1}`]).flat());
}

/** Two steps after a copy was made, everything is killed and that copy put back: the chain is whole all the same. */
async function startOnOlder(what: keyof typeof copies): Promise<Installation> {
  const h = await start();
  await inside(h, 1);
  await killAll(h);
  copy(h, what);
  await h.start();
  openGate(h, 1);
  await inside(h, 2);
  openGate(h, 2);
  await inside(h, 3);
  await killAll(h);
  putBack(h, what);
  await h.start();
  await expectWhole(h);
  return h;
}

async function expectSaid(h: Installation, key: string, words: RegExp): Promise<void> {
  const status = await h.run(['status']);
  expect(status.stdout).toMatch(words);
  const list = JSON.parse((await h.run(['notices', 'list', '--json'])).stdout) as { readonly notices: readonly { readonly key: string }[] };
  expect(list.notices.map((notice) => notice.key)).toContain(key);
  expect((await h.run(['notices', 'dismiss', key])).code).toBe(0);
  expect((await h.run(['status'])).stdout).not.toMatch(words);
  // It is not found a second time.
  await h.stop();
  await h.start();
  expect((await h.run(['status'])).stdout).not.toMatch(words);
}

test('the engine’s data are gone: runs go on from their rows in a fresh namespace', async () => {
  const h = await start();
  await inside(h, 1);
  openGate(h, 1);
  await inside(h, 2);
  await killAll(h);
  rmSync(join(h.stateDir, 'temporal'), { recursive: true });
  await h.start();
  await expectWhole(h);
  expect(told).toBe(0);
  await expectSaid(h, 'engine-fresh', /namespace openclaw is new, the store is not/);
});

test('the engine is put back to an older copy: what it thinks is at work is ended, the rows decide', async () => {
  const h = await startOnOlder('engine');
  expect(told).toBe(0);
  await expectSaid(h, 'engine-behind', /Temporal was put back to an older copy/);
});

test('the store is put back to an older copy: its model is told, and commands of the lost steps are found again, not repeated', async () => {
  const h = await startOnOlder('store');
  expect(told).toBeGreaterThan(0);
  await expectSaid(h, 'store-behind', /The store was put back to an older copy/);
  const unknown = await h.run(['sessions', 'recover', 'nobody']);
  expect(unknown).toMatchObject({ code: 1, stderr: expect.stringContaining('agent:main:chain') });
});

test('the store loses its tail, which no number tells: found by the step that needs it, and repaired at once', async () => {
  const h = await start();
  await inside(h, 1);
  copy(h, 'store');
  openGate(h, 1);
  await inside(h, 2);
  openGate(h, 2);
  await inside(h, 3);
  await killAll(h);
  putBack(h, 'store');
  await h.start();
  await expectWhole(h);
  expect(told).toBeGreaterThan(0);
  const status = await h.run(['status']);
  expect(status.stdout).toMatch(/The store lost the latest entries of session agent:main:chain/);
  expect((await h.run(['doctor'])).stdout).toContain('The store lost the latest entries');
});

test('a kill between the two writes of the epoch is no divergence; everything outside of them is', () => {
  // As written by an uncut start: both the same. Cut before the namespace's, or after it.
  for (const [begun, written, namespace] of [[3, 3, 3], [4, 3, 3], [4, 3, 4]] as const) expect(compareEpochs({ begun, written }, namespace)).toBe('none');
  // The first start ever, cut or refused by a hosted server.
  for (const begun of [0, 1, 7]) expect(compareEpochs({ begun, written: 0 }, undefined)).toBe('none');
  expect(compareEpochs({ begun: 3, written: 3 }, undefined)).toBe('engine fresh');
  expect(compareEpochs({ begun: 4, written: 4 }, 3)).toBe('engine behind');
  expect(compareEpochs({ begun: 3, written: 3 }, 4)).toBe('store behind');
  // A store from before there were epochs.
  expect(compareEpochs({ begun: 0, written: 0 }, 1)).toBe('store behind');
});
