/**
 * Sessions that do not go on by themselves: ended by hand, stuck in a history that does not fit, apart from their rows.
 * Each is said, and taken up from its rows without repeating what was done.
 */
import { expect, test } from 'vitest';
import { bundleWorkflowCode } from '@temporalio/worker';
import { pino } from 'pino';
import { textResult } from '../../src/activities/tools/types.js';
import { createSessionRepair } from '../../src/sessions/recover.js';
import { tellingEngine } from '../../src/sessions/successor.js';
import { createSweeper } from '../../src/sessions/sweeper.js';
import { createWatcher } from '../../src/sessions/watcher.js';
import { openNotices } from '../../src/storage/notices.js';
import { callsTools, newestResults, newestText, says, scriptedModels, tool, toolset } from '../servers/scripted.js';
import { type House, useServer } from './harness.js';

const { session, open: openHouse } = useServer('r');

/** A chain of two calls, `first` and `second`, of which the second waits for its gate; then an answer. */
async function open() {
  const models = scriptedModels();
  const gate = Promise.withResolvers<void>();
  const ran: string[] = [];
  models.on('go', (request) => {
    const results = request.messages.filter((message) => message.role === 'tool').length;
    return results === 0 ? callsTools({ name: 'first' }) : results === 1 ? callsTools({ name: 'second' }) : says(newestResults(request).join());
  });
  const tools = toolset(
    tool('first', 'side-effecting', async (_, context) => {
      const claim = await context.claims.begin(context.key);
      if (claim.state === 'begun') ran.push('first');
      return textResult('one');
    }),
    // As a command does it: every attempt attaches to the one effect.
    tool('second', 'side-effecting', async (_, context) => {
      if (!ran.includes('second')) ran.push('second');
      const left = Promise.withResolvers<never>();
      context.signal.addEventListener('abort', () => left.reject(context.signal.reason as Error));
      await Promise.race([gate.promise, left.promise]);
      return textResult('two');
    }),
  );
  const h = await openHouse({ models, tools });
  const watcher = createWatcher(h, { staleMs: 0, recoverAfterMs: 1_000 });
  const notices = async (): Promise<string[]> => (await openNotices(h.db)).map((notice) => notice.key);
  return { h, models, ran, gate, watcher, notices, sweeper: createSweeper({ ...h, passes: [() => watcher.pass()], onGone: (key) => watcher.gone(key) }, { staleMs: 0 }) };
}

const untilSecond = (h: House, ran: readonly string[]): Promise<void> => h.until('the second call runs', () => ran.includes('second'));

test('a workflow ended by hand is taken up under the same run id, and who ended it and why is said', async () => {
  const { h, ran, gate, notices, sweeper, models } = await open();
  const key = session();
  await h.send(key, 'run', 'go');
  await untilSecond(h, ran);
  await h.handle(key).terminate('I was curious');
  await sweeper.sweep();
  gate.resolve();
  expect(await h.ended('run')).toMatchObject({ state: 'ok', outcome: { text: 'two' } });
  expect(ran).toEqual(['first', 'second']);
  expect(models.requests).toHaveLength(3);
  expect(await notices()).toEqual([`session-restarted:${key}`]);
  const [notice] = await openNotices(h.db);
  expect(notice!.text).toMatch(/terminated by .+ at .+; I was curious/);
});

test('ended by hand and started again before the sweeper came by, by a message or by recovering: said all the same, and once', async () => {
  const { h, ran, gate, notices, sweeper, watcher } = await open();
  Object.assign(h.engine, tellingEngine({ ...h, engine: { ...h.engine }, gone: (key) => watcher.gone(key) }));
  const [byMessage, byRecover] = [session(), session()];
  await h.send(byMessage, 'first', 'go');
  await untilSecond(h, ran);
  await h.handle(byMessage).terminate('I was curious');
  await h.send(byMessage, 'behind', 'hello');
  expect(await openNotices(h.db)).toMatchObject([{ key: `session-restarted:${byMessage}`, times: 1, text: expect.stringMatching(/terminated by .+; I was curious/) }]);
  await sweeper.sweep();

  await h.send(byRecover, 'second', 'go');
  await h.until('its second call was asked for', async () => (await h.rows(byRecover)).length === 4);
  await h.handle(byRecover).terminate('so was I');
  expect(await createSessionRepair(h).recover(byRecover, { force: false, by: 'owner' })).toMatchObject({ was: 'gone', runs: ['second'] });
  // What we end ourselves is no news.
  expect(await createSessionRepair(h).recover(byRecover, { force: true, by: 'owner' })).toMatchObject({ was: 'running', runs: ['second'] });
  gate.resolve();
  expect(await h.ended('first')).toMatchObject({ state: 'ok', outcome: { text: 'two' } });
  for (const run of ['behind', 'second']) expect(await h.ended(run)).toMatchObject({ state: 'ok' });
  expect((await notices()).toSorted()).toEqual([`session-restarted:${byMessage}`, `session-restarted:${byRecover}`].toSorted());
  expect((await openNotices(h.db)).map(({ times }) => times)).toEqual([1, 1]);
});

test('a session that went idle is started again without a word', async () => {
  const { h, notices, sweeper } = await open();
  await h.send(session(), 'run', 'hello');
  await h.ended('run');
  await sweeper.sweep();
  expect(await notices()).toEqual([]);
});

test('a history that does not fit the code: said, then recovered by itself at the step where it stood', async () => {
  const { h, ran, gate, watcher, notices, models } = await open();
  const key = session();
  await h.send(key, 'run', 'go');
  await untilSecond(h, ran);
  const kinds = (await h.rows(key)).map((row) => row.kind);
  await watcher.pass();
  expect(await notices()).toEqual([]);
  await h.stopWorkers();
  await h.startWorkers(await bundleWorkflowCode({ workflowsPath: new URL('./changed.ts', import.meta.url).pathname, logger: pino({ level: 'silent' }) as never }));
  gate.resolve();

  await h.until('the task fails for the third time', async () => (await h.engine.condition(key)).state === 'failing', 60_000);
  expect(await h.engine.condition(key)).toMatchObject({ nonDeterminism: true });
  const patient = createWatcher(h, { staleMs: 0, recoverAfterMs: 3_600_000 });
  await patient.pass();
  expect(await openNotices(h.db)).toMatchObject([{ key: `session-stuck:${key}`, level: 'error', hint: expect.stringContaining(`openclaw sessions recover ${key}`) }]);
  await watcher.pass();
  expect(await h.ended('run')).toMatchObject({ state: 'ok', outcome: { text: 'two' } });
  expect(await notices()).toEqual([`session-recovered:${key}`]);
  expect(ran).toEqual(['first', 'second']);
  expect(models.requests).toHaveLength(3);
  expect((await h.rows(key)).map((row) => row.kind)).toEqual([...kinds, 'tool.0', 'assistant']);
});

test('recovering is refused for a session that is well, and for one that is not there; by force it repeats nothing', async () => {
  const { h, ran, gate, models } = await open();
  const key = session();
  await h.send(key, 'run', 'go');
  await untilSecond(h, ran);
  const repair = createSessionRepair(h);
  await expect(repair.recover(key, { force: false, by: 'owner' })).rejects.toMatchObject({ code: 'INVALID_REQUEST', details: { code: 'NOT_NEEDED' } });
  await expect(repair.recover('agent:main:nobody', { force: true, by: 'owner' })).rejects.toMatchObject({ code: 'NOT_FOUND', hint: expect.stringContaining(key) });
  expect(await repair.recover(key, { force: true, by: 'owner' })).toEqual({ session: key, was: 'running', runs: ['run'] });
  gate.resolve();
  expect(await h.ended('run')).toMatchObject({ state: 'ok', outcome: { text: 'two' } });
  expect(ran).toEqual(['first', 'second']);
  expect(models.requests).toHaveLength(3);
});

/** The store as it was before these rows. */
const lose = (h: House, key: string, from: number): Promise<unknown> => h.db.deleteFrom('transcript').where('session', '=', key).where('seq', '>=', from).execute();

test('rows lost beneath a running turn: said, the model told, the run goes on from what is left', async () => {
  const { h, ran, gate, notices, sweeper, models } = await open();
  models.on('lost its latest entries', () => says('looked: all there'));
  const key = session();
  await h.send(key, 'run', 'go');
  await untilSecond(h, ran);
  // The second answer (row 4), whose call is at work.
  await lose(h, key, 4);
  gate.resolve();
  await h.until('the chain ends', async () => (await h.engine.condition(key)).state === 'gone');
  expect(await h.engine.condition(key)).toMatchObject({ state: 'gone', ended: { how: 'failed', failure: 'StoreBehind' } });
  expect(await notices()).toEqual([`store-behind:${key}`]);
  await sweeper.sweep();
  expect(await h.ended('run')).toMatchObject({ state: 'ok', outcome: { text: 'looked: all there' } });
  expect(newestText(models.requests.at(-1)!)).toContain('Steps that are not shown');
  expect(ran).toEqual(['first', 'second']);
  // Once: the next message of the session reads it where it stood, and hears of nothing new.
  await h.send(key, 'next', 'and now?');
  expect(await h.ended('next')).toMatchObject({ state: 'ok' });
  expect((await h.rows(key)).filter((row) => row.kind === 'notice')).toHaveLength(1);
});

test('a message lost after its signal: said, and the session works on', async () => {
  const { h, ran, gate, notices } = await open();
  const key = session();
  await h.send(key, 'run', 'go');
  await untilSecond(h, ran);
  const { inboundId } = await h.send(key, 'lost', 'never mind', { mode: 'followup' });
  await h.db.deleteFrom('inbound').where('id', '=', inboundId).execute();
  gate.resolve();
  await h.ended('run');
  await h.until('the chain ends', async () => (await h.engine.condition(key)).state === 'gone');
  expect(await notices()).toEqual([`store-behind:${key}`]);
  // The client's key is free again: what was lost can be sent again.
  await h.send(key, 'lost', 'never mind');
  expect(await h.ended('lost')).toMatchObject({ state: 'ok' });
});

test('an end lost while the session is idle: found by the watcher, and the run gets its answer again', async () => {
  const { h, gate, watcher, notices, models } = await open();
  gate.resolve();
  const key = session();
  await h.send(key, 'run', 'hello');
  await h.ended('run');
  await watcher.pass();
  expect(await notices()).toEqual([]);
  await lose(h, key, 2);
  await h.db.updateTable('inbound').set({ state: 'taken', outcome: null, ended_at: null }).where('run_id', '=', 'run').execute();
  await watcher.pass();
  expect(await h.ended('run')).toMatchObject({ state: 'ok' });
  expect(await notices()).toEqual([`store-behind:${key}`]);
  expect(models.requests).toHaveLength(2);
  const generations = (await h.rows(key)).map((row) => row.generation);
  expect(generations.at(-1)).toBeGreaterThan(generations[0]! + 1);
});

test('a message that the workflow never heard of is signalled again', async () => {
  const { h, ran, gate, watcher } = await open();
  const key = session();
  await h.send(key, 'run', 'go');
  await untilSecond(h, ran);
  const deliver = h.engine.deliver;
  Object.assign(h.engine, { deliver: async () => undefined });
  await h.send(key, 'deaf', 'hello');
  Object.assign(h.engine, { deliver });
  expect((await h.engine.view(key))!.holds).toHaveLength(1);
  await watcher.pass();
  expect((await h.engine.view(key))!.holds).toHaveLength(2);
  gate.resolve();
  expect(await h.ended('deaf')).toMatchObject({ state: 'ok' });
  expect((await h.ended('run')).state).toBe('ok');
});
