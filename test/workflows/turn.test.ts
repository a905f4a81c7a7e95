/** The turn loop on a real server: what a run does, what its rows say, how it stops. */
import { expect, test } from 'vitest';
import { createBookkeeping } from '../../src/activities/bookkeeping.js';
import { ModelError } from '../../src/activities/models/types.js';
import { textResult } from '../../src/activities/tools/types.js';
import { callsTools, newestResults, says, scriptedModels, stream, tool, toolset } from '../servers/scripted.js';
import { type House, type HouseOptions, useServer } from './harness.js';

const { session, open } = useServer('t');

test('a message gets one answer, and its row, transcript, usage and events agree', async () => {
  const models = scriptedModels();
  const h = await open({ models });
  const key = session();
  const accepted = await h.send(key, 'run-1', 'hello');
  expect(accepted.status).toBe('accepted');
  const row = await h.ended('run-1');
  expect(row).toMatchObject({ state: 'ok', session: key, outcome: { state: 'ok', text: 'echo: hello', provider: 'fake', model: 'one' } });
  expect((await h.rows(key)).map((r) => [r.seq, r.step, r.kind])).toEqual([[1, 0, 'user'], [2, 1, 'assistant']]);
  const timeline = await h.reader.timeline(row.run);
  expect(timeline.attempts).toMatchObject([{ step: 1, attempt: 1, state: 'ok', usage: { input: 10, output: 5 }, costUsd: 0.00002 }]);
  expect(h.events.filter((e) => e.type === 'text').map((e) => (e.type === 'text' ? e.delta : '')).join('')).toBe('echo: hello');
  expect(h.events.at(-1)).toMatchObject({ type: 'end', state: 'ok', runId: 'run-1' });
});

test('the same key with the same message is one run; with another message or session it is refused', async () => {
  const models = scriptedModels();
  const h = await open({ models });
  const key = session();
  await h.send(key, 'same', 'hello');
  await h.ended('same');
  expect((await h.send(key, 'same', 'hello')).status).toBe('repeat');
  await expect(h.send(key, 'same', 'other')).rejects.toMatchObject({ code: 'INVALID_REQUEST' });
  await expect(h.send(session(), 'same', 'hello')).rejects.toMatchObject({ code: 'INVALID_REQUEST' });
  expect(models.requests).toHaveLength(1);
  await expect(h.send(key, 'm', '  ')).rejects.toMatchObject({ code: 'INVALID_REQUEST' });
});

test('read-only calls of a batch run together, side-effecting ones in order, each result pairs with its call', async () => {
  const models = scriptedModels();
  const log: string[] = [];
  let open = 0;
  let most = 0;
  const reading = tool('peek', 'read-only', async (args) => {
    most = Math.max(most, ++open);
    await new Promise((resolve) => setTimeout(resolve, 150));
    open -= 1;
    log.push(`peek ${String(args['n'])}`);
    return textResult(`peeked ${String(args['n'])}`);
  });
  const acting = tool('act', 'side-effecting', async (args) => {
    log.push(`act ${String(args['n'])} with ${open} open`);
    return textResult(`acted ${String(args['n'])}`);
  });
  models.on('go', (request) => {
    const results = newestResults(request);
    if (results.length === 0) return callsTools({ name: 'peek', args: { n: 1 } }, { name: 'peek', args: { n: 2 } }, { name: 'act', args: { n: 3 } }, { name: 'act', args: { n: 4 } }, { name: 'peek', args: { n: 5 } });
    return says(results.join('|'));
  });
  const h = await open2(models, toolset(reading, acting));
  const key = session();
  await h.send(key, 'batch', 'go');
  const row = await h.ended('batch');
  expect(row.outcome?.text).toBe('peeked 1|peeked 2|acted 3|acted 4|peeked 5');
  expect(most).toBe(2);
  expect(log.slice(2)).toEqual(['act 3 with 0 open', 'act 4 with 0 open', 'peek 5']);
});

const open2 = (models: HouseOptions['models'], tools: HouseOptions['tools'], settings?: HouseOptions['settings']): Promise<House> =>
  open({ models, ...(tools ? { tools } : {}), ...(settings ? { settings } : {}) });

test('unknown tools, malformed arguments and throwing tools become results the model reads, never failures of the run', async () => {
  const models = scriptedModels();
  const broken = tool('broken', 'side-effecting', async () => textResult('no such luck', true));
  models.on('go', (request) => {
    const results = newestResults(request);
    return results.length === 0 ? callsTools({ name: 'nothing; rm -rf /' }, { name: 'ghost' }, { name: 'broken', malformed: '{"a":' }, { name: 'broken' }) : says(results.join(' | '));
  });
  const h = await open2(models, toolset(broken));
  const key = session();
  await h.send(key, 'bad', 'go');
  const text = (await h.ended('bad')).outcome?.text ?? '';
  expect(text).toContain('There is no tool "nothing; rm -rf /"');
  expect(text).toContain('There is no tool "ghost"');
  expect(text).toContain('not a JSON object');
  expect(text).toContain('no such luck');
});

test('a model that fails for good hands over to the next one; the row says which answered', async () => {
  const models = scriptedModels(['fake/first', 'fake/second']);
  models.on('go', (request) => {
    if (request.model === 'first') throw new ModelError('Auth', 'the key was refused');
    return says('from the second');
  });
  const h = await open({ models });
  await h.send(session(), 'over', 'go');
  const row = await h.ended('over');
  expect(row.outcome).toMatchObject({ text: 'from the second', model: 'second' });
  expect((await h.reader.timeline(row.run)).attempts.map((a) => [a.model, a.state, a.code])).toEqual([['first', 'error', 'Auth'], ['second', 'ok', undefined]]);
  expect(h.events.some((e) => e.type === 'failover' && e.from === 'fake/first' && e.code === 'Auth')).toBe(true);
});

test('when every model fails the run ends as an error that says why, and the next message is answered', async () => {
  const models = scriptedModels();
  models.on('bad', () => {
    throw new ModelError('BadRequest', 'the provider did not like it');
  });
  const h = await open({ models });
  const key = session();
  await h.send(key, 'bad', 'bad');
  expect(await h.ended('bad')).toMatchObject({ state: 'error', outcome: { code: 'BadRequest', errorMessage: 'the provider did not like it' } });
  await h.send(key, 'good', 'good');
  expect(await h.ended('good')).toMatchObject({ state: 'ok', outcome: { text: expect.stringContaining('good') } });
});

test('the server’s own delay is obeyed and a transient failure is retried on the same model', async () => {
  const models = scriptedModels();
  const at: number[] = [];
  models.on('go', () => {
    at.push(Date.now());
    if (at.length === 1) throw new ModelError('RateLimited', 'slow down', 1_700);
    return says('fine');
  });
  const h = await open({ models });
  await h.send(session(), 'limited', 'go');
  expect(await h.ended('limited')).toMatchObject({ state: 'ok' });
  expect(at[1]! - at[0]!).toBeGreaterThanOrEqual(1_600);
  // Readers are told that what was streamed is void.
  expect(h.events.some((e) => e.type === 'reset')).toBe(true);
});

test('a provider that asks for a long pause is left for the next model', async () => {
  const models = scriptedModels(['fake/first', 'fake/second']);
  models.on('go', (request) => {
    if (request.model === 'first') throw new ModelError('RateLimited', 'come back in an hour', 3_600_000);
    return says('at once');
  });
  const h = await open({ models });
  await h.send(session(), 'pause', 'go');
  expect((await h.ended('pause')).outcome).toMatchObject({ text: 'at once', model: 'second' });
});

test('sealing a turn whose worker is gone ends the command that nobody follows, and says that it had begun', async () => {
  const models = scriptedModels();
  models.on('go', () => callsTools({ name: 'exec' }, { name: 'exec' }));
  let started = false;
  const ended: string[] = [];
  // As a killed worker leaves it: the attempt does not report.
  const gone = Promise.withResolvers<void>();
  const exec = tool('exec', 'side-effecting', async () => ((started = true), await gone.promise, textResult('too late')));
  const h = await open({ models, tools: toolset(exec), endCommand: (key) => (ended.push(key), key.endsWith('.0')) });
  const key = session();
  const { run, inboundId } = await h.send(key, 'orphan', 'go');
  await h.until('the command runs', () => started);
  const [first] = await h.rows(key);
  const fence = { session: key, generation: 1, conversation: first!.conversation };
  await createBookkeeping(h.deps).sealTurn({ ...fence, inboundId, run, step: 1, outcome: { state: 'aborted', seq: 5, code: 'stopped' }, last: { kind: 'aborted', seq: 5, reason: 'stopped' }, open: { callSeq: 2, calls: [{ index: 0, seq: 3 }, { index: 1, seq: 4 }], note: 'skipped: interrupted' } });
  expect(ended).toEqual([`${run}:1.0`, `${run}:1.1`]);
  const texts = (await h.rows(key)).flatMap((row) => (row.content.type === 'tool' ? row.content.blocks : [])).map((block) => (block.type === 'text' ? block.text : ''));
  expect(texts).toEqual([expect.stringContaining('had begun and was ended'), 'skipped: interrupted']);
  await h.handle(key).terminate('the attempt does not report');
  gone.resolve();
});

test('a run that uses up its steps ends with StepLimit', async () => {
  const models = scriptedModels();
  models.on('loop', () => callsTools({ name: 'noop' }));
  const h = await open2(models, toolset(tool('noop', 'read-only', async () => textResult('done'))), { maxSteps: 3 });
  await h.send(session(), 'loop', 'loop');
  expect(await h.ended('loop')).toMatchObject({ state: 'error', outcome: { code: 'StepLimit' } });
  expect(models.requests).toHaveLength(3);
});

test('a run that uses up its time is sealed with RunTimeout, in the middle of a model call', async () => {
  const models = scriptedModels();
  models.on('hang', (_request, { signal }) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))));
  const h = await open({ models });
  await h.send(session(), 'late', 'hang', { timeoutMs: 800 });
  expect(await h.ended('late')).toMatchObject({ state: 'error', outcome: { code: 'RunTimeout' } });
});

test('a stop ends a streaming model call, keeps what was said as a draft, and seals the turn', async () => {
  const models = scriptedModels();
  models.on('talk', (_request, options) => {
    options.onEvent({ type: 'text', delta: 'so far' });
    return new Promise((_, reject) => options.signal.addEventListener('abort', () => reject(options.signal.reason)));
  });
  const h = await open({ models });
  const key = session();
  await h.send(key, 'talk', 'talk');
  await h.until('the model speaks', () => h.events.some((e) => e.type === 'text'));
  expect(await h.control.stop(key, {}, 'owner')).toEqual(['talk']);
  const row = await h.ended('talk');
  expect(row).toMatchObject({ state: 'aborted', outcome: { code: 'stopped', text: 'so far' } });
  const rows = await h.rows(key);
  expect(rows.at(-1)).toMatchObject({ kind: 'aborted', content: { type: 'aborted', text: 'so far', draft: expect.any(String) } });
  await h.send(key, 'next', 'and now');
  expect((await h.ended('next')).state).toBe('ok');
  // The model reads what it had said and that it was stopped.
  expect(JSON.stringify(models.requests.at(-1)!.messages)).toContain('so far');
});

test('a stop in the middle of a batch answers every open call before the turn is sealed', async () => {
  const models = scriptedModels();
  models.on('go', () => callsTools({ name: 'wait' }, { name: 'never' }, { name: 'never' }));
  let started = false;
  const waiting = tool('wait', 'side-effecting', (_args, context) => {
    started = true;
    return new Promise((resolve) => context.signal.addEventListener('abort', () => resolve({ ...textResult('ended early', true), outcome: 'aborted' })));
  });
  let ran = 0;
  const never = tool('never', 'side-effecting', async () => textResult(`ran ${++ran}`));
  const h = await open2(models, toolset(waiting, never));
  const key = session();
  await h.send(key, 'stop-batch', 'go');
  await h.until('the tool runs', () => started);
  await h.control.stop(key, {}, 'owner');
  expect((await h.ended('stop-batch')).state).toBe('aborted');
  expect(ran).toBe(0);
  const rows = await h.rows(key);
  expect(rows.map((r) => r.kind)).toEqual(['user', 'assistant', 'tool.0', 'tool.1', 'tool.2', 'aborted']);
  expect(rows.slice(2, 5).map((r) => (r.content.type === 'tool' ? r.content.blocks[0] : undefined))).toEqual([
    { type: 'text', text: 'ended early' }, { type: 'text', text: 'skipped: interrupted' }, { type: 'text', text: 'skipped: interrupted' },
  ]);
});

test('followup messages wait their turn in order; interrupt takes the turn over at once and names the run it ended', async () => {
  const models = scriptedModels();
  let release: () => void = () => undefined;
  const gate = new Promise<void>((resolve) => (release = resolve));
  models.on('first', async (_request, { signal }) => {
    await Promise.race([gate, new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))]);
    return says('first done');
  });
  const h = await open({ models });
  const key = session();
  await h.send(key, 'q-first', 'first');
  await h.until('the first runs', () => models.requests.length === 1);
  await h.send(key, 'q-2', 'second', { mode: 'followup' });
  await h.send(key, 'q-3', 'third', { mode: 'followup' });
  await h.send(key, 'q-now', 'urgent', { mode: 'interrupt' });
  const now = await h.ended('q-now');
  const first = await h.ended('q-first');
  expect(first).toMatchObject({ state: 'aborted', outcome: { code: 'interrupted', by: now.run } });
  const rows = await Promise.all(['q-2', 'q-3'].map((id) => h.ended(id)));
  expect(rows.map((r) => r.state)).toEqual(['ok', 'ok']);
  expect(now.endedAt!).toBeLessThanOrEqual(rows[0]!.endedAt!);
  expect(rows[0]!.endedAt!).toBeLessThanOrEqual(rows[1]!.endedAt!);
  release();
});

test('interrupts that follow one another are answered in order', async () => {
  const models = scriptedModels();
  models.on('hang', (_request, { signal }) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))));
  const h = await open({ models });
  const key = session();
  await h.send(key, 'i-0', 'hang');
  await h.until('it runs', () => models.requests.length === 1);
  // Both are in the inbox before the turn has wound down.
  await Promise.all([h.send(key, 'i-1', 'first', { mode: 'interrupt' }).then(() => h.send(key, 'i-2', 'second', { mode: 'interrupt' }))]);
  const [first, second] = [await h.ended('i-1'), await h.ended('i-2')];
  expect((await h.ended('i-0')).state).toBe('aborted');
  // The second may have ended the first; it never overtakes it.
  expect(second.state).toBe('ok');
  expect(first.endedAt!).toBeLessThanOrEqual(second.endedAt!);
});

test('a stop reaches runs whose session does not run, and runs that are still on their way', async () => {
  const models = scriptedModels();
  const h = await open({ models });
  const key = session();
  const deliver = h.engine.deliver;
  h.engine.deliver = async () => {
    throw new Error('away');
  };
  await h.send(key, 'early', 'hello');
  h.engine.deliver = deliver;
  expect(await h.control.stop(key, {}, 'owner')).toEqual(['early']);
  expect((await h.ended('early')).state).toBe('aborted');
  await h.sweeper.sweep();
  expect(models.requests).toHaveLength(0);
  await h.send(key, 'later', 'hello again');
  expect((await h.ended('later')).state).toBe('ok');
});

test('a stop of one waiting run ends that run alone', async () => {
  const models = scriptedModels();
  let release: () => void = () => undefined;
  const gate = new Promise<void>((resolve) => (release = resolve));
  models.on('hold', async () => (await gate, says('held')));
  const h = await open({ models });
  const key = session();
  await h.send(key, 'w-1', 'hold');
  await h.until('it runs', () => models.requests.length === 1);
  const second = await h.send(key, 'w-2', 'not needed');
  await h.send(key, 'w-3', 'needed');
  expect(await h.control.stop(key, { run: second.run }, 'owner')).toEqual(['w-2']);
  // At once, beside the running turn.
  expect((await h.ended('w-2', 5_000)).state).toBe('aborted');
  release();
  expect((await h.ended('w-1')).state).toBe('ok');
  expect((await h.ended('w-3')).state).toBe('ok');
  expect(models.requests).toHaveLength(2);
});

test('an image reaches a model that sees, is described to one that does not, and the caller’s model and thinking are used', async () => {
  const models = scriptedModels();
  let bytes: Uint8Array | undefined;
  models.on('look', async (request, { loadMedia }) => {
    const image = request.messages.flatMap((m) => (m.role === 'user' ? m.blocks : [])).find((block) => block.type === 'image');
    if (image?.type === 'image') bytes = await loadMedia(image.hash);
    return says(`${request.model} ${request.thinking} ${image ? 'sees' : JSON.stringify(request.messages)}`);
  });
  const h = await open({ models });
  // The smallest valid PNG header is enough to be sniffed as one.
  const png = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==', 'base64');
  const { hash, mime, size } = await h.deps.media.put(png, 'text/plain');
  expect(mime).toBe('image/png');
  const attachments = [{ kind: 'image' as const, mime, size, name: 'dot.png', media: { hash } }];
  await h.send(session(), 'sees', 'look', { model: 'fake/sees', thinking: 'high' }, attachments);
  expect((await h.ended('sees')).outcome?.text).toBe('sees high sees');
  expect(Buffer.from(bytes!)).toEqual(png);
  await h.send(session(), 'blind', 'look', {}, attachments);
  expect((await h.ended('blind')).outcome?.text).toContain('[image: dot.png, image/png');
});

test('text is streamed and stored whole even when the provider says it in one piece', async () => {
  const models = scriptedModels();
  models.on('piece', (_request, options) => stream(says('one piece'), options));
  const h = await open({ models });
  await h.send(session(), 'piece', 'piece');
  expect((await h.ended('piece')).outcome?.text).toBe('one piece');
});
