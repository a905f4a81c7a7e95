/** After a day's work no file and no answer holds a model key or the gateway's token, except where a person put it. */
import { readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Installation, install } from '../servers/installation.js';
import { type ModelServer, defaultAnswer, startModelServer } from '../servers/model-server.js';

/** One server a way to give a key, so that each key is known to have been used. */
const KEYS = { variable: 'key-by-variable-51f0c2', file: 'key-in-a-file-9b7d44' } as const;
let house: Installation;
let models: Readonly<Record<keyof typeof KEYS, ModelServer>>;
const answers: unknown[] = [];

beforeAll(async () => {
  models = { variable: await startModelServer({ key: KEYS.variable, answer: defaultAnswer }), file: await startModelServer({ key: KEYS.file, answer: defaultAnswer }) };
  house = await install({ env: { MY_MODEL_KEY: KEYS.variable, ANTHROPIC_API_KEY: 'sk-ant-unused-77aa' } });
  const keyFile = join(house.home, 'key');
  writeFileSync(keyFile, `${KEYS.file}\n`, { mode: 0o600 });
  const provider = (server: ModelServer, more: object) => ({ baseUrl: server.baseUrl('openai'), api: 'openai-completions', models: [{ id: 'scripted', contextWindow: 100_000, maxTokens: 4_000 }], ...more });
  const config = JSON.parse(readFileSync(join(house.stateDir, 'openclaw.json'), 'utf8')) as object;
  writeFileSync(join(house.stateDir, 'openclaw.json'), JSON.stringify({
    ...config,
    logging: { level: 'debug' },
    tools: { exec: { mode: 'full' } },
    agents: { defaults: { model: { primary: 'byvariable/scripted', fallbacks: ['byfile/scripted'] } } },
    models: { providers: { byvariable: provider(models.variable, { apiKey: '${MY_MODEL_KEY}' }), byfile: provider(models.file, { apiKeyFile: keyFile }) } },
  }));
  await house.start();
});
afterAll(async () => {
  await house?.remove();
  for (const server of Object.values(models ?? {})) await server.close();
});

async function ask(runId: string, message: string): Promise<string> {
  const client = await house.client();
  client.onEvent((event) => answers.push(event));
  answers.push(await client.request('chat.send', { sessionKey: 'main', message, idempotencyKey: runId }));
  answers.push(await client.request('agent.wait', { runId, timeoutMs: 30_000 }, { timeoutMs: 40_000 }));
  const history = await client.request('chat.history', { sessionKey: 'main' });
  answers.push(history, await client.request('runs.get', { runId }));
  return JSON.stringify(history);
}

test('a command in mode full sees the environment, but no key', async () => {
  const history = await ask('environment', 'chain: 1 env');
  expect(history).toContain('OPENCLAW_STATE_DIR=');
  expect(history).not.toContain('ANTHROPIC_API_KEY');
  expect(history).not.toContain('MY_MODEL_KEY');
  expect(models.variable.requests.length).toBe(2);
});

test('nothing that was stored, logged, answered or streamed holds a secret', async () => {
  // The first server refuses for its key and repeats it in its complaint; the second answers.
  models.variable.script({ kind: 'error', status: 401, code: 'invalid_api_key', message: `Incorrect API key provided: ${KEYS.variable}` });
  expect(await ask('failover', 'say it with the key from the file')).toContain('echo: ');
  expect(models.file.requests.length).toBeGreaterThan(0);
  // Both refuse: the error is what people see.
  models.variable.script({ kind: 'error', status: 401, code: 'invalid_api_key', message: `Incorrect API key provided: ${KEYS.variable}` });
  models.file.script({ kind: 'error', status: 401, code: 'invalid_api_key', message: `Incorrect API key provided: ${KEYS.file}` });
  await ask('refused', 'nobody answers');
  const client = await house.client();
  for (const [method, params] of [['config.get', {}], ['config.schema', {}], ['models.status', {}], ['models.list', {}], ['models.test', {}], ['status', {}], ['health', {}], ['runs.list', {}], ['sessions.list', {}]] as const) {
    answers.push(await client.request(method, params, { timeoutMs: 60_000 }));
  }
  answers.push(client.hello, await house.run(['doctor', '--json']), await house.run(['config', 'get', '--json']), await house.run(['runs', 'show', 'refused']));
  await house.stop();
  const token = readFileSync(join(house.stateDir, 'gateway-token'), 'utf8').trim();
  const secrets = [...Object.values(KEYS), 'sk-ant-unused-77aa', token];

  const told = JSON.stringify(answers) + house.output.join('');
  for (const secret of secrets) expect(told).not.toContain(secret);
  const files = readdirSync(house.stateDir, { recursive: true, encoding: 'utf8' }).filter((name) => statSync(join(house.stateDir, name)).isFile());
  expect(files).toEqual(expect.arrayContaining(['openclaw.db', 'temporal/temporal.db', 'logs/openclaw.log', 'logs/temporal.log']));
  expect(files.some((name) => name.startsWith('jobs/'))).toBe(true);
  const found = files.flatMap((name) => {
    const content = readFileSync(join(house.stateDir, name));
    return secrets.filter((secret) => content.includes(secret)).map((secret) => `${name}: ${secret.slice(0, 8)}`);
  });
  expect(found).toEqual([`gateway-token: ${token.slice(0, 8)}`]);
});
