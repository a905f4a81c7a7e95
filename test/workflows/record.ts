/**
 * Records the histories that later versions must replay (CONTRIBUTING says when and how). Each is a
 * state that a released version can leave in an engine. Written once a version; never recorded again.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { ModelError } from '../../src/activities/models/types.js';
import { textResult } from '../../src/activities/tools/types.js';
import { createBudgetControl } from '../../src/sessions/budgets.js';
import { listApprovals } from '../../src/storage/approvals.js';
import { openQuestions } from '../../src/storage/budget-questions.js';
import { askedTool, callsTools, newestResults, says, scriptedModels, tool, toolset } from '../servers/scripted.js';
import { type House, buildHouse, startServer } from './harness.js';
import { recordDeliveries } from './record-delivery.js';
import { recordPairing } from './record-pairing.js';

export const HISTORIES = fileURLToPath(new URL('../histories/', import.meta.url));

type Scene = (house: House, key: string, gate: Gate, models: ReturnType<typeof scriptedModels>) => Promise<void>;
interface Gate {
  readonly passed: Promise<void>;
  open(): void;
}

const SCENES: Readonly<Record<string, Scene>> = {
  async idle(house, key) {
    await house.send(key, `${key}-1`, 'hello');
    await house.ended(`${key}-1`);
  },
  async 'mid-batch'(house, key) {
    await house.send(key, `${key}-1`, 'batch');
    await house.until('the slow call runs', async () => (await house.engine.view(key))?.turn?.tools.join() === 'slow');
  },
  async 'batch-done'(house, key, gate) {
    gate.open();
    await house.send(key, `${key}-1`, 'batch');
    await house.ended(`${key}-1`);
  },
  async 'failed-over'(house, key) {
    await house.send(key, `${key}-1`, 'fail over');
    await house.ended(`${key}-1`);
  },
  async failed(house, key) {
    await house.send(key, `${key}-1`, 'fail for good');
    await house.ended(`${key}-1`);
  },
  async stopped(house, key, _gate, models) {
    const before = models.requests.length;
    await house.send(key, `${key}-1`, 'hang');
    await house.until('the model is asked', () => models.requests.length > before);
    const second = await house.send(key, `${key}-2`, 'waits');
    await house.until('the second waits', async () => (await house.engine.view(key))?.waiting.length === 1);
    await house.control.stop(key, { run: second.run }, 'owner');
    await house.ended(`${key}-2`);
    await house.control.stop(key, {}, 'owner');
    await house.ended(`${key}-1`);
  },
  async interrupted(house, key, _gate, models) {
    const before = models.requests.length;
    await house.send(key, `${key}-1`, 'hang');
    await house.until('the model is asked', () => models.requests.length > before);
    await house.send(key, `${key}-2`, 'now', { mode: 'interrupt' });
    await house.ended(`${key}-2`);
  },
  async 'timed-out'(house, key) {
    await house.send(key, `${key}-1`, 'hang', { timeoutMs: 700 });
    await house.ended(`${key}-1`);
  },
  async 'awaiting-approval'(house, key) {
    await house.send(key, `${key}-1`, 'ask');
    await house.until('it waits', async () => (await house.engine.view(key))?.state === 'waiting-approval');
  },
  async approved(house, key) {
    await house.send(key, `${key}-1`, 'ask', { timeoutMs: 60_000 });
    await house.approvals.decide(await openApproval(house), 'allow-once', 'owner');
    await house.ended(`${key}-1`);
  },
  async 'handed-on'(house, key) {
    await house.send(key, `${key}-1`, 'ask');
    const id = await openApproval(house);
    await house.send(key, `${key}-2`, 'hello');
    await house.ended(`${key}-2`);
    await house.approvals.decide(id, 'allow-once', 'owner');
    await house.ended(`approval-${id}`);
  },
  async 'over-budget'(house, key) {
    await house.send(key, `${key}-1`, 'hello');
    await house.until('it pauses', async () => (await openQuestions(house.db)).length === 1);
    const [question] = await openQuestions(house.db);
    await createBudgetControl({ ...house.deps, engine: house.engine }).answer(question!.id, 'once', {}, 'owner');
    await house.ended(`${key}-1`);
  },
  async steered(house, key, gate) {
    await house.say(key, `${key}-1`, 'batch', { turn: { mode: 'steer' } });
    await house.until('the slow call runs', async () => (await house.engine.view(key))?.turn?.tools.join() === 'slow,late');
    const { run } = await house.say(key, `${key}-2`, 'and this', { turn: { mode: 'steer' } });
    await house.until('it is to enter', async () => (await house.engine.view(key))?.holds?.includes(run) === true);
    gate.open();
    await house.ended(`${key}-1`);
  },
  async collecting(house, key) {
    const { run } = await house.say(key, `${key}-1`, 'first', { turn: { mode: 'collect' } });
    await house.until('it waits for quiet', async () => (await house.engine.view(key))?.holds?.includes(run) === true);
  },
  async collected(house, key) {
    await house.say(key, `${key}-1`, 'first', { turn: { mode: 'collect' } });
    await house.say(key, `${key}-2`, 'second', { turn: { mode: 'collect' } });
    await house.ended(`${key}-1`);
  },
  async reset(house, key, _gate, models) {
    await house.say(key, `${key}-1`, 'hang');
    await house.until('the model is asked', () => models.requests.length > 0);
    await house.say(key, `${key}-2`, 'waits', { turn: { mode: 'followup' } });
    await house.say(key, `${key}-3`, 'hello', { reset: true });
    await house.ended(`${key}-3`);
  },
  async 'continued-as-new'(house, key) {
    await house.send(key, `${key}-1`, 'long chain');
    await house.ended(`${key}-1`);
  },
};

async function openApproval(house: House): Promise<string> {
  const open = () => listApprovals(house.db, { open: true, limit: 1 });
  await house.until('it is asked', async () => (await open()).length === 1);
  return (await open())[0]!.id;
}

/** Plays every scene. @returns its histories as JSON, continue-as-new runs included */
export async function record(): Promise<ReadonlyMap<string, string>> {
  const env = await startServer({ 'limit.historyCount.suggestContinueAsNew': 120 });
  const out = new Map<string, string>();
  try {
    for (const [name, scene] of Object.entries(SCENES)) {
      const models = scriptedModels(['fake/first', 'fake/second']);
      const { promise, resolve } = Promise.withResolvers<void>();
      models.on('fail over', (request) => {
        if (request.model === 'first') throw new ModelError('Auth', 'refused');
        return says('from the second');
      });
      models.on('fail for good', () => {
        throw new ModelError('BadRequest', 'refused');
      });
      models.on('hang', (_request, { signal }) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))));
      models.on('batch', (request) => (newestResults(request).length === 0 ? callsTools({ name: 'fast' }, { name: 'fast' }, { name: 'act' }, { name: 'slow' }, ...(name === 'steered' ? [{ name: 'late' }] : [])) : says('done')));
      models.on('long chain', (request) => (request.messages.filter((m) => m.role === 'tool').length < 14 ? callsTools({ name: 'act' }) : says('done')));
      models.on('ask', (request) => (newestResults(request).length === 0 ? callsTools({ name: 'asked', args: { n: 1 } }, { name: 'act' }) : says('done')));
      models.on('[approval', () => says('told'));
      const tools = toolset(
        askedTool('asked', async () => textResult('acted')),
        tool('fast', 'read-only', async () => textResult('fast')),
        tool('act', 'side-effecting', async () => textResult('acted')),
        tool('slow', 'side-effecting', async () => (await promise, textResult('slow'))),
        tool('late', 'side-effecting', async () => textResult('late')),
      );
      const queue = name === 'collecting' ? { debounceMs: 600_000 } : { debounceMs: 500 };
      const house = await buildHouse(env, { models, tools, queue, budgets: () => (name === 'over-budget' ? { run: { tokens: 100 } } : {}) });
      const key = `agent:main:${name}`;
      await scene(house, key, { passed: promise, open: resolve }, models);
      const { raw } = await house.handle(key).describe();
      const newest = await house.handle(key).fetchHistory();
      out.set(name, historyToJSON(newest));
      const firstRunId = raw.workflowExecutionInfo?.firstRunId;
      if (name === 'continued-as-new') out.set(`${name}-first-run`, historyToJSON(await env.client.workflow.getHandle(`session:${key}`, firstRunId!).fetchHistory()));
      resolve();
      await house.handle(key).terminate('recorded');
      await house.close();
    }
    for (const [name, json] of [...(await recordPairing(env)), ...(await recordDeliveries(env))]) out.set(name, json);
  } finally {
    await env.teardown();
  }
  return out;
}

/** Replay needs neither stack traces nor who polled; both name the machine that recorded. */
const withoutMachine = (json: string): string => json.replace(/"(stackTrace|identity)": "(?:[^"\\]|\\.)*"/g, '"$1": ""');

export async function recordVersion(version: string): Promise<void> {
  const dir = join(HISTORIES, version);
  mkdirSync(dir, { recursive: true });
  for (const [name, json] of await record()) writeFileSync(join(dir, `${name}.json`), `${withoutMachine(json)}\n`);
}
