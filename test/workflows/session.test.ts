/** The life of a session: idle completion, continue-as-new, recovery from rows, fencing. */
import { expect, test } from 'vitest';
import { ApplicationFailure } from '@temporalio/common';
import { createBookkeeping } from '../../src/activities/bookkeeping.js';
import { textResult } from '../../src/activities/tools/types.js';
import { takeGeneration } from '../../src/storage/fence.js';
import { callsTools, newestResults, says, scriptedModels, tool, toolset } from '../servers/scripted.js';
import { useServer } from './harness.js';

// Suggested after 60 events instead of 4,096: a chain of a few steps passes it.
const { session, open } = useServer('s', { 'limit.historyCount.suggestContinueAsNew': 60 });

/** A chain of `length` tool calls, one a step. */
function chain(models: ReturnType<typeof scriptedModels>, length: number): { readonly runs: () => number; readonly tools: ReturnType<typeof toolset> } {
  let runs = 0;
  models.on('chain', (request) => {
    const done = request.messages.filter((m) => m.role === 'tool').length;
    return done < length ? callsTools({ name: 'count', args: { n: done } }) : says(newestResults(request).join());
  });
  return { runs: () => runs, tools: toolset(tool('count', 'side-effecting', async (args) => (runs++, textResult(`n${String(args['n'])}`)))) };
}

test('an idle session completes and the next message starts it from the store with the conversation intact', async () => {
  const models = scriptedModels();
  const h = await open({ models, settings: { idleMs: 1_000 } });
  const key = session();
  await h.send(key, 'one', 'first words');
  await h.ended('one');
  await h.until('the workflow completes', async () => !(await h.engine.isRunning(key)));
  await h.send(key, 'two', 'second words');
  expect((await h.ended('two')).state).toBe('ok');
  expect(JSON.stringify(models.requests.at(-1)!.messages)).toContain('first words');
  // A new chain took a new generation, and the rows go on without a gap.
  const rows = await h.rows(key);
  expect(rows.map((r) => r.seq)).toEqual([1, 2, 3, 4]);
  expect(rows.map((r) => r.generation)).toEqual([1, 1, 2, 2]);
});

test('a long chain continues as new between its steps: one answer, every call once, the same generation', async () => {
  const models = scriptedModels();
  const { tools, runs } = chain(models, 12);
  const h = await open({ models, tools });
  const key = session();
  await h.send(key, 'long', 'chain');
  await h.until('the second message can wait', () => runs() > 2);
  await h.send(key, 'after', 'and you');
  const row = await h.ended('long', 60_000);
  expect(row).toMatchObject({ state: 'ok', outcome: { text: 'n11' } });
  expect(runs()).toBe(12);
  expect((await h.ended('after')).state).toBe('ok');
  const rows = await h.rows(key);
  expect(new Set(rows.map((r) => r.generation))).toEqual(new Set([1]));
  expect(rows.map((r) => r.seq)).toEqual(rows.map((_, i) => i + 1));
  const first = await h.handle(key).describe();
  expect(first.raw.workflowExecutionInfo?.firstRunId).not.toBe(first.runId);
});

test('every task replayed from its history gives the same run (no cache, continue-as-new included)', async () => {
  const models = scriptedModels();
  const { tools, runs } = chain(models, 8);
  const h = await open({ models, tools, maxCachedWorkflows: 0 });
  await h.send(session(), 'replayed', 'chain');
  expect(await h.ended('replayed', 60_000)).toMatchObject({ state: 'ok', outcome: { text: 'n7' } });
  expect(runs()).toBe(8);
});

test('a workflow terminated in the middle of a batch goes on from its rows: the same run, no call twice', async () => {
  const models = scriptedModels();
  let open1: () => void = () => undefined;
  const gate = new Promise<void>((resolve) => (open1 = resolve));
  const ran: string[] = [];
  models.on('go', (request) => {
    const results = newestResults(request);
    return results.length === 0 ? callsTools({ name: 'fast' }, { name: 'slow' }) : says(results.join('+'));
  });
  const tools = toolset(
    tool('fast', 'side-effecting', async () => (ran.push('fast'), textResult('fast'))),
    tool('slow', 'read-only', async () => (ran.push('slow'), await gate, textResult('slow'))),
  );
  const h = await open({ models, tools });
  const key = session();
  await h.send(key, 'killed', 'go');
  await h.until('the second tool runs', () => ran.includes('slow'));
  await h.handle(key).terminate('by hand');
  await h.until('it is gone', async () => !(await h.engine.isRunning(key)));
  open1();
  await h.sweeper.sweep();
  const row = await h.ended('killed');
  expect(row).toMatchObject({ state: 'ok', outcome: { text: 'fast+slow' } });
  expect(ran.filter((name) => name === 'fast')).toEqual(['fast']);
  expect(models.requests).toHaveLength(2);
  // The call that was answered keeps its row; the model is asked once a step.
  expect((await h.rows(key)).map((r) => r.kind)).toEqual(['user', 'assistant', 'tool.0', 'tool.1', 'assistant']);
});

test('a begun run that is stopped before its new workflow has loaded it is sealed with its open calls', async () => {
  const models = scriptedModels();
  const gate = Promise.withResolvers<void>();
  models.on('go', () => callsTools({ name: 'slow' }, { name: 'never' }));
  let started = false;
  let ran = 0;
  const tools = toolset(
    tool('slow', 'side-effecting', async () => ((started = true), await gate.promise, textResult('too late'))),
    tool('never', 'side-effecting', async () => textResult(`ran ${++ran}`)),
  );
  const h = await open({ models, tools });
  const key = session();
  await h.send(key, 'early-stop', 'go');
  await h.until('the tool runs', () => started);
  await h.handle(key).terminate('by hand');
  await h.until('it is gone', async () => !(await h.engine.isRunning(key)));
  // Message and stop are both there before any worker is.
  const leaving = h.stopWorkers();
  gate.resolve();
  await leaving;
  await h.sweeper.sweep();
  expect(await h.control.stop(key, {}, 'owner')).toEqual(['early-stop']);
  await h.startWorkers();
  expect(await h.ended('early-stop')).toMatchObject({ state: 'aborted' });
  expect(ran).toBe(0);
  // The first call's late result may have made it into its row before the new chain took over; none is missing.
  expect((await h.rows(key)).map((row) => row.kind)).toEqual(['user', 'assistant', 'tool.0', 'tool.1', 'aborted']);
});

test('a run that had begun goes on before messages that had waited longer', async () => {
  const models = scriptedModels();
  const gate = Promise.withResolvers<void>();
  models.on('begun', async () => (await gate.promise, says('went on')));
  const h = await open({ models });
  const key = session();
  await h.send(key, 'older', 'waits').then(() => h.ended('older'));
  await h.send(key, 'begun', 'begun');
  await h.until('it runs', () => models.requests.length === 2);
  await h.send(key, 'waiting', 'waits too');
  // As an interrupt leaves it: what runs was accepted after what waits.
  await h.db.updateTable('inbound').set({ accepted_at: 1 }).where('run_id', '=', 'waiting').execute();
  await h.handle(key).terminate('by hand');
  gate.resolve();
  await h.until('it is gone', async () => !(await h.engine.isRunning(key)));
  await h.sweeper.sweep();
  const [begun, waiting] = [await h.ended('begun'), await h.ended('waiting')];
  expect(begun.endedAt!).toBeLessThanOrEqual(waiting.endedAt!);
  expect((await h.rows(key)).map((row) => row.run === begun.run)).toEqual([false, false, true, true, false, false]);
});

test('a row that was accepted while the engine was away is signalled by the sweeper, once', async () => {
  const models = scriptedModels();
  const h = await open({ models });
  const key = session();
  const deliver = h.engine.deliver;
  h.engine.deliver = async () => {
    throw new Error('away');
  };
  expect((await h.send(key, 'kept', 'hello')).status).toBe('accepted');
  expect((await h.reader.run('kept'))?.state).toBe('accepted');
  h.engine.deliver = deliver;
  expect(await h.sweeper.sweep()).toBe(1);
  expect((await h.ended('kept')).state).toBe('ok');
  expect(await h.sweeper.sweep()).toBe(0);
  expect(models.requests).toHaveLength(1);
});

test('a signal delivered twice, and one delivered after the end, change nothing', async () => {
  const models = scriptedModels();
  const h = await open({ models });
  const key = session();
  const { inboundId, run } = await h.send(key, 'once', 'hello');
  const item = { inboundId, run, principal: 'owner', role: 'owner', rights: 'x', mode: 'followup', priority: 2, at: Date.now() } as const;
  await h.engine.deliver({ session: key, agent: 'main', channel: 'rpc' }, item);
  await h.ended('once');
  await h.engine.deliver({ session: key, agent: 'main', channel: 'rpc' }, item);
  await h.send(key, 'more', 'again');
  await h.ended('more');
  expect(models.requests).toHaveLength(2);
});

test('an attempt of an older generation can write neither row nor outcome', async () => {
  const models = scriptedModels();
  const h = await open({ models });
  const key = session();
  const { inboundId, run } = await h.send(key, 'zombie', 'hello');
  const row = await h.ended('zombie');
  const { conversation } = (await h.rows(key))[0]!;
  await h.db.transaction().execute((tx) => takeGeneration(tx, key, 'a-newer-chain'));
  const old = { session: key, generation: 1, conversation };
  const late = createBookkeeping(h.deps);
  await expect(late.takeRun({ ...old, inboundId, run, seq: 9 })).rejects.toMatchObject({ type: 'FencedOut', nonRetryable: true });
  await expect(late.finishRun({ ...old, inboundId, run, step: 1, outcome: { state: 'error', code: 'Internal', seq: 9 } })).rejects.toBeInstanceOf(ApplicationFailure);
  // The chain that was replaced cannot come back as the newest.
  await expect(h.db.transaction().execute((tx) => takeGeneration(tx, key, 'a-newer-chain'))).resolves.toMatchObject({ generation: 2 });
  expect(await h.reader.run('zombie')).toEqual(row);
});

test('a stop that meets an answer already stored leaves the run answered, and its calls paired', async () => {
  const models = scriptedModels();
  const h = await open({ models });
  const key = session();
  const { inboundId, run } = await h.send(key, 'late', 'hello');
  await h.ended('late');
  const rows = await h.rows(key);
  const fence = { session: key, generation: 1, conversation: rows[0]!.conversation };
  // The workflow never heard of the answer at seq 2 and seals it.
  const sealed = await createBookkeeping(h.deps).sealTurn({ ...fence, inboundId, run, step: 1, outcome: { state: 'aborted', seq: 2, code: 'stopped' }, last: { kind: 'aborted', seq: 2, reason: 'stopped' } });
  expect(sealed).toEqual({ outcome: { state: 'ok', seq: 2 }, nextSeq: 3 });
});

test('the live view and the Web UI’s attributes say what the session does', async () => {
  const models = scriptedModels();
  let release: () => void = () => undefined;
  const gate = new Promise<void>((resolve) => (release = resolve));
  models.on('quixotic', async () => (await gate, says('held up')));
  const h = await open({ models });
  const key = session();
  const { run } = await h.send(key, 'view', 'quixotic');
  await h.until('it runs', () => models.requests.length === 1);
  await h.send(key, 'waits', 'walrus');
  await h.until('the next one waits', async () => (await h.engine.view(key))?.waiting.length === 1);
  expect(await h.engine.view(key)).toMatchObject({ state: 'running', turn: { run, step: 1 } });
  const description = await h.handle(key).describe();
  expect(description.searchAttributes).toMatchObject({ OpenClawAgent: ['main'], OpenClawChannel: ['rpc'], OpenClawKind: ['chat'], OpenClawState: ['running'] });
  release();
  await h.ended('waits');
  // Nothing that people or models wrote is in the history, in any encoding of a payload.
  const texts = payloadTexts(await h.handle(key).fetchHistory());
  expect(texts.join()).toContain(run);
  for (const text of ['quixotic', 'held up', 'walrus', 'You are a test']) expect(texts.some((t) => t.includes(text))).toBe(false);
});

/** The text of every payload and message of a history. */
function payloadTexts(value: unknown): string[] {
  if (value instanceof Uint8Array) return [Buffer.from(value).toString('utf8')];
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(payloadTexts) : [];
}
