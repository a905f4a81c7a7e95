/** A change of the config over RPC is in force at once, or says that it waits for a restart. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Gateway } from '../../src/cli/lib/client.js';
import { logFile } from '../../src/host/log.js';
import { type Installation, install } from '../servers/installation.js';

const SECRET = 'sk-reload-secret-0123456789';
let house: Installation;
let client: Gateway;

interface Snapshot {
  readonly hash: string;
  readonly raw: string;
  readonly config: { readonly agents: { readonly defaults: { readonly maxSteps: number } }; readonly tools: { readonly exec: { readonly mode: string } } };
}
interface Change {
  readonly changedPaths: readonly string[];
  readonly restartRequired: boolean;
}

beforeAll(async () => {
  house = await install({ config: { models: { providers: { local: { baseUrl: 'http://127.0.0.1:9/v1', apiKey: SECRET, api: 'openai-completions', models: [{ id: 'm' }] } } }, agents: { defaults: { model: 'offline/offline' } } } });
  await house.start();
  client = await house.client();
});
afterAll(() => house?.remove());

const snapshot = (): Promise<Snapshot> => client.request<Snapshot>('config.get', {});
const patch = async (change: object): Promise<Change> => client.request<Change>('config.patch', { raw: JSON.stringify(change), baseHash: (await snapshot()).hash });
let asked = 0;
async function ask(message: string): Promise<string> {
  const runId = `ask-${(asked += 1)}`;
  await client.request('chat.send', { sessionKey: `s${asked}`, message, idempotencyKey: runId });
  await client.request('agent.wait', { runId, timeoutMs: 30_000 }, { timeoutMs: 40_000 });
  return JSON.stringify(await client.request('chat.history', { sessionKey: `s${asked}` }));
}

test('the mode of commands changes with the next call', async () => {
  const command = 'run: uname -s > kernel.txt && cat kernel.txt';
  const kernel = new RegExp('"(Linux|Darwin)');
  await patch({ tools: { exec: { mode: 'allowlist' } } });
  expect(await ask(command)).not.toMatch(kernel);
  expect(await patch({ tools: { exec: { mode: 'full' } } })).toMatchObject({ changedPaths: ['tools.exec.mode'], restartRequired: false });
  expect((await snapshot()).config.tools.exec.mode).toBe('full');
  expect(await ask(command)).toMatch(kernel);
  await patch({ tools: { exec: { mode: 'deny' } } });
  expect(await ask(command)).not.toMatch(kernel);
  await patch({ tools: { exec: { mode: null } } });
  expect((await snapshot()).config.tools.exec.mode).toBe('ask');
});

test('the step limit holds for the next turn', async () => {
  const before = await ask('chain: 4 echo step-{i}');
  expect(before.match(/"toolResult"/g)).toHaveLength(4);
  expect(await patch({ agents: { defaults: { maxSteps: 2 } } })).toMatchObject({ restartRequired: false });
  const after = await ask('chain: 4 echo step-{i}');
  expect(after.match(/"toolResult"/g)?.length ?? 0).toBeLessThan(4);
  await patch({ agents: { defaults: { maxSteps: null } } });
});

test('what only a start applies is said', async () => {
  expect(await patch({ gateway: { port: 18_999 } })).toMatchObject({ changedPaths: ['gateway.port'], restartRequired: true });
  expect(await house.ready()).toBe(true);
});

test('a change made from an older content, or to something wrong, is refused and nothing changes', async () => {
  const { hash } = await snapshot();
  await patch({ agents: { defaults: { maxSteps: 50 } } });
  const before = readFileSync(join(house.stateDir, 'openclaw.json'), 'utf8');
  await expect(client.request('config.patch', { raw: '{"agents":{"defaults":{"maxSteps":60}}}', baseHash: hash })).rejects.toMatchObject({ code: 'INVALID_REQUEST', message: expect.stringContaining('config changed since last load') });
  await expect(patch({ agents: { defaults: { maxSteps: 'many' } } })).rejects.toMatchObject({ code: 'INVALID_REQUEST', message: expect.stringContaining('maxSteps') });
  expect(readFileSync(join(house.stateDir, 'openclaw.json'), 'utf8')).toBe(before);
  expect((await snapshot()).config.agents.defaults.maxSteps).toBe(50);
});

test('a patch leaves the rest of a person’s file alone, comments too', async () => {
  const raw = `{\n  // ours to keep\n  agents: { defaults: { maxSteps: 40, model: 'offline/offline' } },\n}\n`;
  await client.request('config.set', { raw, baseHash: (await snapshot()).hash });
  await patch({ agents: { defaults: { maxSteps: 41 } }, tools: { exec: { mode: 'deny' } } });
  const text = readFileSync(join(house.stateDir, 'openclaw.json'), 'utf8');
  expect(text).toContain('// ours to keep');
  expect(text).toContain("model: 'offline/offline'");
  expect((await snapshot()).config).toMatchObject({ agents: { defaults: { maxSteps: 41 } }, tools: { exec: { mode: 'deny' } } });
});

test('a patch of a file that is broken is refused, and the file is kept', async () => {
  const path = join(house.stateDir, 'openclaw.json');
  const good = readFileSync(path, 'utf8');
  writeFileSync(path, '{ agents: { ');
  await expect(patch({ agents: { defaults: { maxSteps: 7 } } })).rejects.toMatchObject({ code: 'INVALID_REQUEST', message: expect.stringContaining('openclaw.json:1:') });
  expect(readFileSync(path, 'utf8')).toBe('{ agents: { ');
  writeFileSync(path, good);
});

test('secrets are hidden in every answer and every log, and survive being sent back hidden', async () => {
  const first = await snapshot();
  await client.request('config.set', { raw: JSON.stringify({ models: { providers: { local: { baseUrl: 'http://127.0.0.1:9/v1', apiKey: SECRET, api: 'openai-completions', models: [{ id: 'm' }] } } } }), baseHash: first.hash });
  const shown = await snapshot();
  expect(shown.raw).toContain('__OPENCLAW_REDACTED__');
  const { hash } = shown;
  await client.request('config.set', { raw: shown.raw, baseHash: hash });
  expect(readFileSync(join(house.stateDir, 'openclaw.json'), 'utf8')).toContain(SECRET);
  const answers = JSON.stringify([shown, await client.request('models.status', {}), await client.request('models.list', {}), await client.request('config.schema', {})]);
  expect(answers).not.toContain(SECRET);
  expect(answers).toContain('"local"');
  expect(readFileSync(logFile(house.stateDir), 'utf8')).not.toContain(SECRET);
  expect(house.output.join('')).not.toContain(SECRET);
});
