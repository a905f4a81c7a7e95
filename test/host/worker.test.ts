/** `openclaw worker` alone, beside a Temporal server that the user runs. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Client, Connection } from '@temporalio/client';
import BetterSqlite from 'better-sqlite3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { findTemporalCli } from '../../src/host/engine/index.js';
import { type Installation, install, until } from '../servers/installation.js';
import { DEFAULT_KEY, type ModelServer, defaultAnswer, startModelServer } from '../servers/model-server.js';

let house: Installation;
let model: ModelServer;
let server: ChildProcess;
let worker: ChildProcess;
let address: string;

beforeAll(async () => {
  const port = await freePort();
  address = `127.0.0.1:${port}`;
  server = spawn(await findTemporalCli(process.env), ['server', 'start-dev', '--headless', '--port', String(port), '--log-level', 'never'], { stdio: 'ignore' });
  await until('Temporal answers', async () => {
    try {
      await (await Connection.connect({ address, connectTimeout: '1s' })).close();
      return true;
    } catch {
      return false;
    }
  });
  model = await startModelServer({
    answer(seen) {
      const answer = defaultAnswer(seen);
      return answer.kind === undefined ? { ...answer, delayMs: 20 } : answer;
    },
  });
  house = await install({
    env: { TEMPORAL_ADDRESS: address },
    config: {
      agents: { defaults: { model: 'local/scripted' } },
      tools: { exec: { mode: 'full' } },
      models: { providers: { local: { baseUrl: model.baseUrl('openai'), apiKey: DEFAULT_KEY, api: 'openai-completions', models: [{ id: 'scripted', contextWindow: 100_000, maxTokens: 4_000 }] } } },
    },
  });
});
afterAll(async () => {
  for (const child of [worker, server]) if (child?.exitCode === null) child.kill('SIGKILL');
  await house?.remove();
  await model?.close();
});

test('it starts before any gateway and says what it serves', async () => {
  worker = spawn(process.execPath, [join(import.meta.dirname, '../../bin/openclaw.mjs'), 'worker'], { env: house.env, stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = (await once(createInterface({ input: worker.stdout! }), 'line')) as [string];
  expect(line).toBe(`worker ready · Temporal ${address} · namespace openclaw · model local/scripted`);
});

test('the gateway embeds no server and streams what the worker’s models and tools say', async () => {
  await house.start();
  expect(() => house.engine()).toThrow(/ENOENT/);
  const client = await house.client();
  const text = new Map<string, string>();
  client.onEvent(({ event, payload }) => {
    const { runId, stream, data } = (payload ?? {}) as { runId?: string; stream?: string; data?: { delta?: string } };
    if (event === 'agent' && stream === 'assistant' && runId !== undefined) text.set(runId, (text.get(runId) ?? '') + (data?.delta ?? ''));
  });
  // Both processes poll the same queue; of this many runs each takes some.
  const runs = Array.from({ length: 12 }, (_, i) => `many-${i}`);
  await Promise.all(runs.map((runId) => client.request('chat.send', { sessionKey: runId, message: `chain: 1 sh -c 'ps -o args= -p $PPID; echo ${runId}'`, idempotencyKey: runId })));
  for (const runId of runs) expect(await client.request('agent.wait', { runId, timeoutMs: 60_000 }, { timeoutMs: 70_000 })).toMatchObject({ status: 'ok' });
  await until('every run was streamed', () => runs.every((runId) => text.get(runId)?.includes('done: ')), 10_000);
  const workers = await polled(runs);
  expect([...workers.keys()].sort(), 'both processes did model calls').toEqual([house.pid(), worker.pid].map(String).sort());
});

test('the worker finishes a run while no gateway exists; the next gateway answers from its row', async () => {
  const client = await house.client();
  const gate = join(house.workspace, 'gate');
  await client.request('chat.send', { sessionKey: 'alone', message: `chain: 2 sh -c 'touch running-{i}; while [ ! -e ${gate} ]; do sleep 0.02; done; echo part-{i}'`, idempotencyKey: 'alone' });
  await until('the command runs', () => existsSync(join(house.workspace, 'running-1')));
  await house.kill();
  writeFileSync(gate, '');
  const store = new BetterSqlite(join(house.stateDir, 'openclaw.db'), { readonly: true });
  await until('the run is finished', () => (store.prepare('select state from inbound where run_id = ?').get('alone') as { state: string }).state === 'ok');
  store.close();
  await house.start();
  const after = await house.client();
  expect(await after.request('agent.wait', { runId: 'alone', timeoutMs: 30_000 }, { timeoutMs: 40_000 })).toMatchObject({ runId: 'alone', status: 'ok' });
  expect(JSON.stringify(await after.request('chat.history', { sessionKey: 'alone' }))).toContain('done: part-1');
});

test('SIGTERM: the worker leaves with 0, and the gateway works on', async () => {
  worker.kill('SIGTERM');
  expect(await once(worker, 'exit')).toEqual([0, null]);
  const client = await house.client();
  await client.request('chat.send', { sessionKey: 'left', message: 'hello', idempotencyKey: 'left' });
  expect(await client.request('agent.wait', { runId: 'left', timeoutMs: 60_000 }, { timeoutMs: 70_000 })).toMatchObject({ status: 'ok' });
});

/** Which processes ran model calls, from the histories. */
async function polled(sessions: readonly string[]): Promise<Map<string, number>> {
  const connection = await Connection.connect({ address });
  const found = new Map<string, number>();
  try {
    const client = new Client({ connection, namespace: 'openclaw' });
    for (const session of sessions) {
      const { events } = await client.workflow.getHandle(`session:agent:main:${session}`).fetchHistory();
      const calls = new Set((events ?? []).filter((event) => event.activityTaskScheduledEventAttributes?.activityType?.name === 'callModel').map((event) => String(event.eventId)));
      for (const event of events ?? []) {
        const started = event.activityTaskStartedEventAttributes;
        if (!started || !calls.has(String(started.scheduledEventId))) continue;
        const pid = started.identity!.split(':').at(-1)!;
        found.set(pid, (found.get(pid) ?? 0) + 1);
      }
    }
  } finally {
    await connection.close();
  }
  return found;
}

async function freePort(): Promise<number> {
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  const { port } = taken.address() as AddressInfo;
  taken.close();
  await once(taken, 'close');
  return port;
}
