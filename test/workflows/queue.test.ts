/** Messages that arrive while a turn runs, on a real server: steered, collected, dropped, reset; and what they may do. */
import { expect, test } from 'vitest';
import { textResult } from '../../src/activities/tools/types.js';
import type { Speech } from '../../src/activities/media/speech.js';
import { ModelError } from '../../src/activities/models/types.js';
import type { Attachment } from '../../src/core/message.js';
import { type ModelRequest, NO_USAGE } from '../../src/core/model.js';
import { createBudgetControl } from '../../src/sessions/budgets.js';
import { openQuestions } from '../../src/storage/budget-questions.js';
import { setSessionSettings } from '../../src/storage/session-settings.js';
import { askedTool, callsTools, newestResults, newestText, says, scriptedModels, tool, toolset } from '../servers/scripted.js';
import { type House, useServer } from './harness.js';

const { session, open } = useServer('q');
const STEER = { mode: 'steer' } as const;

/** A gate that a test opens. */
function gate(): { readonly passed: Promise<void>; open(): void } {
  let open: () => void = () => undefined;
  const passed = new Promise<void>((resolve) => (open = resolve));
  return { passed, open };
}

/** What people said, as the model read it last. */
const said = (request: ModelRequest | undefined): string[] => (request?.messages ?? []).flatMap((m) => (m.role === 'user' ? m.blocks.flatMap((b) => (b.type === 'text' ? [b.text] : [])) : []));
const running = (h: House, key: string) => h.until('the turn runs', async () => (await h.engine.view(key))?.turn !== undefined);
const entering = (h: House, key: string, run: string) => h.until('the message is there', async () => (await h.engine.view(key))?.holds?.includes(run) === true);

/** `go` calls `slow`, `next` and `last` in one batch, then says what they gave. */
function chain() {
  const models = scriptedModels();
  const held = gate();
  const ran: string[] = [];
  const step = (request: ModelRequest) => {
    const results = newestResults(request);
    return results.length === 0 ? callsTools({ name: 'slow' }, { name: 'next' }, { name: 'last' }) : says(`${results.join(' | ')} / ${newestText(request)}`);
  };
  models.on(/./, step);
  const tools = toolset(
    tool('slow', 'side-effecting', async () => (ran.push('slow'), await held.passed, textResult('slow done'))),
    tool('next', 'side-effecting', async () => (ran.push('next'), textResult('next done'))),
    tool('last', 'side-effecting', async () => (ran.push('last'), textResult('last done'))),
  );
  return { models, tools, held, ran };
}

test('a steer in the middle of a chain: what runs finishes, what has not begun is skipped, the next model call reads it; its run is merged', async () => {
  const { models, tools, held, ran } = chain();
  const h = await open({ models, tools, maxCachedWorkflows: 0 });
  const key = session();
  await h.say(key, 'go', 'go', { turn: STEER });
  await h.until('the first call runs', () => ran.length === 1);
  const { run } = await h.say(key, 'no', 'no, stop there', { turn: STEER });
  await entering(h, key, run);
  held.open();
  const row = await h.ended('go');
  expect(row).toMatchObject({ state: 'ok', outcome: { text: 'slow done | skipped: a new message came in | skipped: a new message came in / no, stop there' } });
  expect(ran).toEqual(['slow']);
  expect(await h.ended('no')).toMatchObject({ state: 'merged', mergedInto: row.run });
  expect(models.requests).toHaveLength(2);
  expect((await h.rows(key)).map((r) => r.kind)).toEqual(['user', 'assistant', 'tool.0', 'tool.1', 'tool.2', 'user', 'assistant']);
});

test('a steer that comes while the last answer is written has a turn of its own', async () => {
  const models = scriptedModels();
  const held = gate();
  models.on('first', async () => (await held.passed, says('one')));
  const h = await open({ models });
  const key = session();
  await h.say(key, 'a', 'first', { turn: STEER });
  await running(h, key);
  const { run } = await h.say(key, 'b', 'second', { turn: STEER });
  await entering(h, key, run);
  held.open();
  expect(await h.ended('a')).toMatchObject({ state: 'ok', outcome: { text: 'one' } });
  expect(await h.ended('b')).toMatchObject({ state: 'ok', outcome: { text: 'echo: second' } });
});

test('after two batches that were cut the next one runs whole', async () => {
  const models = scriptedModels();
  const ran: string[] = [];
  let gates = Array.from({ length: 4 }, gate);
  const count = { batches: 0 };
  models.on(/./, (request) => (request.messages.filter((m) => m.role === 'assistant').length < 3 ? callsTools({ name: 'slow' }, { name: 'next' }) : says(`done: ${newestResults(request).join(' | ')}`)));
  const tools = toolset(
    tool('slow', 'side-effecting', async () => (ran.push(`slow ${count.batches}`), await gates[count.batches++]!.passed, textResult('slow'))),
    tool('next', 'side-effecting', async () => (ran.push('next'), textResult('next'))),
  );
  const h = await open({ models, tools });
  const key = session();
  await h.say(key, 'go', 'go', { turn: STEER });
  for (const n of [0, 1, 2]) {
    await h.until(`batch ${n} runs`, () => ran.at(-1) === `slow ${n}`);
    const { run } = await h.say(key, `s${n}`, `and ${n}`, { turn: STEER });
    await entering(h, key, run);
    gates[n]!.open();
  }
  expect((await h.ended('go')).outcome?.text).toBe('done: slow | next');
  expect(ran).toEqual(['slow 0', 'slow 1', 'slow 2', 'next']);
  for (const n of [0, 1, 2]) expect((await h.ended(`s${n}`)).state).toBe('merged');
  expect(said(models.requests.at(-1)).slice(-1)).toEqual(['and 2']);
  gates = [];
});

test('a call that waits for the owner is never skipped: the turn goes on without it, the later yes runs it', async () => {
  const models = scriptedModels();
  const ran: number[] = [];
  models.on('go', (request) => (newestResults(request).length === 0 ? callsTools({ name: 'ask', args: { n: 7 } }, { name: 'ask', args: { n: 0 } }) : says(newestResults(request).join(' | '))));
  models.on('meanwhile', (request) => says(`meanwhile: ${newestResults(request).join(' | ')}`));
  const h = await open({ models, tools: toolset(askedTool('ask', async (args) => (ran.push(Number(args['n'])), textResult(`ran ${String(args['n'])}`)))) });
  const key = session();
  await h.say(key, 'go', 'go', { turn: STEER });
  await h.until('it is asked', async () => ((await h.engine.view(key))?.asks?.length ?? 0) > 0);
  await h.say(key, 'more', 'meanwhile', { turn: STEER });
  const row = await h.ended('go');
  expect(row.outcome?.text).toMatch(/^meanwhile: waiting for approval/);
  expect(ran).toEqual([]);
  const [asked] = (await h.approvals.list({ open: true, limit: 9 }));
  await h.approvals.decide(asked!.id, 'allow-once', 'owner');
  await h.until('the approved call runs', () => ran.length > 0);
  expect(ran).toEqual([7]);
});

test('a guest cannot steer the owner\'s run; the owner steers the guest\'s, whose rights stay what both may', async () => {
  const models = scriptedModels();
  const held = gate();
  const offered: string[][] = [];
  models.on(/./, async (request) => {
    offered.push(request.tools.map((t) => t.name));
    if (newestResults(request).length > 0 || newestText(request) === 'guest too') return says(`heard ${newestText(request)}`);
    if (newestText(request) !== 'owner asks') await held.passed;
    return newestText(request) === 'owner asks' ? callsTools({ name: 'wait' }) : says(`heard ${newestText(request)}`);
  });
  const waiting = gate();
  const h = await open({ models, tools: toolset(tool('wait', 'read-only', async () => (await waiting.passed, textResult('waited')))) });
  const key = session();
  await h.say(key, 'own', 'owner asks', { turn: STEER });
  await running(h, key);
  await h.say(key, 'guest', 'guest too', { role: 'guest', principal: 'bob', turn: STEER });
  waiting.open();
  expect(await h.ended('own')).toMatchObject({ state: 'ok', outcome: { text: 'heard owner asks' } });
  expect(await h.ended('guest')).toMatchObject({ state: 'ok', outcome: { text: 'heard guest too' } });
  // The guest's own turn has no tools.
  expect(offered).toEqual([['wait'], ['wait'], []]);
  held.open();
});

test('from another conversation nothing is steered: every answer goes where its question came from', async () => {
  const { models, tools, held, ran } = chain();
  const h = await open({ models, tools });
  const key = session();
  await h.say(key, 'go', 'go', { turn: STEER, place: 'telegram' });
  await h.until('the first call runs', () => ran.length === 1);
  await h.say(key, 'other', 'from elsewhere', { turn: STEER, place: 'whatsapp' });
  held.open();
  expect((await h.ended('go')).outcome?.text).toMatch(/^slow done \| next done \| last done/);
  expect((await h.ended('other')).state).toBe('ok');
});

test('collected messages become one turn after a quiet while, with everyone named and only what all of them may', async () => {
  const models = scriptedModels();
  const h = await open({ models, queue: { mode: 'collect', debounceMs: 400 }, tools: toolset(tool('wait', 'read-only', async () => textResult('waited'))) });
  const key = session();
  await h.say(key, 'one', 'first', { group: true });
  await h.say(key, 'two', 'second', { group: true, role: 'guest', principal: 'bob' });
  const first = await h.ended('one');
  expect(first.state).toBe('ok');
  expect(await h.ended('two')).toMatchObject({ state: 'merged', mergedInto: first.run });
  expect(models.requests).toHaveLength(1);
  expect(said(models.requests[0])).toEqual(['owner: first', 'bob: second']);
  expect(models.requests[0]!.tools).toEqual([]);
});

test('a quiet time survives the worker: what was collected is answered once', async () => {
  const models = scriptedModels();
  const h = await open({ models, queue: { mode: 'collect', debounceMs: 2_500 } });
  const key = session();
  const { run } = await h.say(key, 'one', 'first');
  await entering(h, key, run);
  await h.stopWorkers();
  await h.say(key, 'two', 'second');
  await h.startWorkers();
  expect((await h.ended('one')).state).toBe('ok');
  expect((await h.ended('two')).state).toBe('merged');
  expect(models.requests).toHaveLength(1);
});

test('a full queue: the oldest is left out and the next turn reads a line of it', async () => {
  const models = scriptedModels();
  const held = gate();
  models.on('busy', async () => (await held.passed, says('done')));
  const h = await open({ models, queue: { mode: 'followup', cap: 2 } });
  const key = session();
  await h.say(key, 'busy', 'busy');
  await running(h, key);
  for (const n of [1, 2, 3]) await h.say(key, `m${n}`, `message ${n}`);
  expect(await h.ended('m1')).toMatchObject({ state: 'dropped', dropped: 'queue full: summarized' });
  held.open();
  expect((await h.ended('m3')).state).toBe('ok');
  const texts = said(models.requests[1]);
  expect(texts.join('\n')).toContain('- owner: message 1');
  // Told once.
  expect(models.requests.filter((request) => said(request).slice(-2).join('\n').includes('came while the queue was full'))).toHaveLength(1);
});

test('the settings of a session come before the config', async () => {
  const models = scriptedModels();
  const held = gate();
  models.on('busy', async (_request, { signal }) => {
    await Promise.race([held.passed, new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))]);
    return says('done');
  });
  const h = await open({ models });
  const key = session();
  await h.db.transaction().execute((tx) => setSessionSettings(tx, key, { queue: { mode: 'interrupt' }, model: 'fake/other' }));
  await h.say(key, 'busy', 'busy');
  await running(h, key);
  await h.say(key, 'now', 'now');
  expect(await h.ended('busy')).toMatchObject({ state: 'aborted', outcome: { code: 'interrupted' } });
  expect((await h.ended('now')).state).toBe('ok');
  expect(new Set(models.requests.map((request) => request.model))).toEqual(new Set(['other']));
  held.open();
});

test('a reset seals the turn, ends what waited, cancels what was asked, and the next message begins a new conversation', async () => {
  const models = scriptedModels();
  models.on('go', (request) => (newestResults(request).length === 0 ? callsTools({ name: 'ask', args: { n: 7 } }) : says('?')));
  const h = await open({ models, tools: toolset(askedTool('ask', async () => textResult('ran'))), maxCachedWorkflows: 0 });
  const key = session();
  await h.say(key, 'before', 'remember the blue door');
  await h.ended('before');
  await h.say(key, 'go', 'go');
  await h.until('it is asked', async () => ((await h.engine.view(key))?.asks?.length ?? 0) > 0);
  const [asked] = await h.approvals.list({ open: true, limit: 9 });
  await h.stopWorkers();
  await h.say(key, 'queued', 'never read', { turn: { mode: 'followup' } });
  await h.say(key, 'new', '', { reset: true });
  await h.say(key, 'after', 'what do you remember?');
  await h.startWorkers();
  expect(await h.ended('new')).toMatchObject({ state: 'ok' });
  expect((await h.ended('after')).state).toBe('ok');
  expect(await h.ended('go')).toMatchObject({ state: 'aborted', outcome: { code: 'reset' } });
  expect(await h.ended('queued')).toMatchObject({ state: 'dropped', dropped: 'reset' });
  expect((await h.approvals.get(asked!.id))?.state).toBe('cancelled');
  expect(said(models.requests.at(-1))).toEqual(['what do you remember?']);
  // The old rows are there, and the new conversation goes on behind them.
  const rows = await h.db.selectFrom('transcript').select(['seq', 'conversation']).where('session', '=', key).orderBy('seq').execute();
  expect(new Set(rows.map((row) => row.conversation)).size).toBe(2);
  expect(rows.map((row) => Number(row.seq))).toEqual(rows.map((_, i) => i + 1));
});

test('a reset with words begins the new conversation with them', async () => {
  const models = scriptedModels();
  const h = await open({ models });
  const key = session();
  await h.say(key, 'old', 'old words');
  await h.ended('old');
  await h.say(key, 'new', 'hello again', { reset: true });
  expect(await h.ended('new')).toMatchObject({ state: 'ok', outcome: { text: 'echo: hello again' } });
  expect(said(models.requests.at(-1))).toEqual(['hello again']);
});

test('an idle conversation is reset by the message that finds it, not while a question is open', async () => {
  const models = scriptedModels();
  const idle = { mode: 'idle', atHour: 4, idleMinutes: 1 } as const;
  const h = await open({ models, settings: { reset: () => idle } });
  const key = session();
  await h.say(key, 'one', 'first words');
  await h.ended('one');
  await h.say(key, 'two', 'soon after');
  await h.ended('two');
  expect(said(models.requests.at(-1))).toContain('first words');
  await h.db.updateTable('transcript').set((e) => ({ created_at: e('created_at', '-', 61_000) })).where('session', '=', key).execute();
  await h.say(key, 'three', 'much later');
  expect((await h.ended('three')).state).toBe('ok');
  expect(said(models.requests.at(-1))).toEqual(['much later']);
  await h.say(key, 'four', 'and on');
  await h.ended('four');
  expect(said(models.requests.at(-1))).toEqual(['much later', 'and on']);
});

test('stop ends what enters and what waits, too', async () => {
  const { models, tools, held, ran } = chain();
  const h = await open({ models, tools });
  const key = session();
  await h.say(key, 'go', 'go', { turn: STEER });
  await h.until('the first call runs', () => ran.length === 1);
  const steer = await h.say(key, 's', 'enters', { turn: STEER });
  const wait = await h.say(key, 'w', 'waits', { turn: { mode: 'followup' } });
  await entering(h, key, steer.run);
  await entering(h, key, wait.run);
  expect(await h.control.stop(key, {}, 'owner')).toEqual(['go', 's', 'w']);
  held.open();
  for (const id of ['go', 's', 'w']) expect((await h.ended(id)).state).toBe('aborted');
});

test('a recording becomes text before the model is asked, also one that enters a running turn; a failure is told to the model', async () => {
  const { models, tools, held, ran } = chain();
  const asked: string[] = [];
  const speech: Speech = {
    maxBytes: 1_000_000,
    models: [{ provider: 'fake', model: 'ears', probe: async () => undefined, async hear({ bytes }) {
      const said = Buffer.from(bytes).toString().slice(4);
      asked.push(said);
      if (said === 'noise') throw new ModelError('BadRequest', 'nothing to hear');
      return { text: `heard ${said}`, usage: NO_USAGE };
    } }],
  };
  const h = await open({ models, tools, speech });
  const voice = async (said: string): Promise<Attachment> => {
    const { hash, size } = await h.deps.media.put(Buffer.from(`OggS${said}`));
    return { kind: 'voice', mime: 'audio/ogg', size, media: { hash } };
  };
  const key = session();
  await h.send(key, 'go', '', STEER, [await voice('first')]);
  await h.until('the first call runs', () => ran.length === 1);
  expect(said(models.requests[0]).join()).toContain('Transcript: heard first');
  const { run } = await h.send(key, 'more', '', STEER, [await voice('noise'), await voice('second')]);
  await entering(h, key, run);
  held.open();
  expect((await h.ended('go')).state).toBe('ok');
  const text = said(models.requests.at(-1)).join();
  expect(text).toContain('Transcript: heard second');
  expect(text).toContain('not transcribed');
  expect(asked).toEqual(['first', 'noise', 'second']);
});

test('a message that comes while a budget pauses the turn does not end with it', async () => {
  const models = scriptedModels();
  const limits: { run?: { tokens: number } } = { run: { tokens: 1 } };
  const h = await open({ models, budgets: () => limits });
  const key = session();
  await h.say(key, 'first', 'first', { turn: STEER });
  await h.until('it pauses', async () => (await openQuestions(h.db)).length === 1);
  const { run } = await h.say(key, 'second', 'second', { turn: STEER });
  await entering(h, key, run);
  const [question] = await openQuestions(h.db);
  delete limits.run;
  await createBudgetControl({ ...h.deps, engine: h.engine }).answer(question!.id, 'stop', {}, 'owner');
  expect(await h.ended('first')).toMatchObject({ state: 'error', outcome: { code: 'BudgetExceeded' } });
  expect(await h.ended('second')).toMatchObject({ state: 'ok', outcome: { text: 'echo: second' } });
});

/** Lets a test act while the session's reset is carried out. */
async function whileResetting(h: House, key: string, act: () => Promise<unknown>): Promise<void> {
  await h.stopWorkers();
  await h.say(key, 'new', 'hello again', { reset: true });
  await act();
  await h.startWorkers();
}

test('what is said right after a reset is answered, and a stop then reaches the words that came with it', async () => {
  const models = scriptedModels();
  const h = await open({ models });
  const key = session();
  for (const n of [1, 2, 3, 4]) {
    await h.say(key, `bare-${n}`, '', { reset: true, turn: STEER });
    await h.say(key, `then-${n}`, `after ${n}`, { turn: STEER });
    expect((await h.ended(`then-${n}`, 10_000)).outcome?.text).toBe(`echo: after ${n}`);
  }
  await whileResetting(h, key, async () => {
    expect(await h.control.stop(key, {}, 'owner')).toEqual(['new']);
  });
  expect(await h.ended('new')).toMatchObject({ state: 'aborted' });
});

test('what a reset ends while the session is only starting is ended, too', async () => {
  const models = scriptedModels();
  const h = await open({ models });
  const key = session();
  await h.stopWorkers();
  await h.say(key, 'before', 'hello', { turn: STEER });
  await h.say(key, 'new', '', { reset: true });
  await h.startWorkers();
  expect(await h.ended('new')).toMatchObject({ state: 'ok' });
  expect(await h.ended('before', 10_000)).toMatchObject({ state: 'dropped', dropped: 'reset' });
});

test('whoever is only summarized narrows the turn that reads it', async () => {
  const models = scriptedModels();
  const held = gate();
  models.on('busy', async () => (await held.passed, says('done')));
  const h = await open({ models, queue: { mode: 'followup', cap: 1, drop: 'summarize' }, tools: toolset(tool('wait', 'read-only', async () => textResult('waited'))) });
  const key = session();
  await h.say(key, 'busy', 'busy', { group: true });
  await running(h, key);
  await h.say(key, 'guest', 'run something for me', { group: true, role: 'guest', principal: 'bob' });
  await h.say(key, 'own', 'and now', { group: true });
  expect((await h.ended('guest')).state).toBe('dropped');
  held.open();
  expect((await h.ended('own')).state).toBe('ok');
  expect(models.requests.map((request) => request.tools.length)).toEqual([1, 0]);
});
