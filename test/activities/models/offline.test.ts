/** The offline provider: the same prompt, the same answer; requests become real calls, one step after another. */
import { expect, test } from 'vitest';
import { assembleContext } from '../../../src/core/context.js';
import { OMITTED_MARK } from '../../../src/core/context.js';
import type { PromptMessage } from '../../../src/core/model.js';
import type { TranscriptRow } from '../../../src/core/transcript.js';
import { createOfflineProvider, offlineAnswer, OFFLINE_NOTE } from '../../../src/activities/models/offline.js';
import { lostText } from '../../../src/activities/store-behind.js';
import { answered, call, EXEC, READ, request, result, texts, user } from './helpers.js';

const WRITE = { name: 'write', description: 'Writes.', parameters: { type: 'object' } };
const ask = (messages: readonly PromptMessage[]) => offlineAnswer(request('offline', messages, { tools: [EXEC, READ, WRITE] }));
const before = [user('hi'), { role: 'assistant' as const, text: 'hello', calls: [] }];

/** Plays a whole turn; each call's result is what `run` says. */
function play(text: string, run: (command: string, n: number) => { readonly text: string; readonly isError?: boolean }, earlier: readonly PromptMessage[] = []): { readonly batches: string[][]; readonly answer: string } {
  const messages: PromptMessage[] = [...earlier, user(text)];
  const batches: string[][] = [];
  let n = 0;
  for (let step = 1; step <= 60; step += 1) {
    const answer = ask(messages);
    if (answer.calls.length === 0) return { batches, answer: answer.text };
    batches.push(answer.calls.map((one) => String(one.args['command'])));
    messages.push(answered(answer, step));
    answer.calls.forEach((one, i) => {
      n += 1;
      const said = run(String(one.args['command']), n);
      messages.push(result(`call_${step}_${i}`, said.text, said.isError ?? false));
    });
  }
  throw new Error('the turn did not end');
}

test('the first answer of a conversation says that it is no model and how to add one; later ones do not', () => {
  expect(ask([user('hello')]).text).toContain(OFFLINE_NOTE);
  expect(OFFLINE_NOTE).toMatch(/not a language model.*ANTHROPIC_API_KEY.*openclaw config set/s);
  expect(ask([...before, user('hello')]).text).not.toContain(OFFLINE_NOTE);
  expect(ask([{ role: 'user', blocks: [{ type: 'text', text: OMITTED_MARK }, { type: 'text', text: 'hello' }] }]).text).toContain(OFFLINE_NOTE);
  expect(ask([{ role: 'user', blocks: [{ type: 'text', text: OMITTED_MARK }] }, ...before.slice(1), user('hello')]).text).not.toContain(OFFLINE_NOTE);
});

test('anything else is given back with the forms it knows', () => {
  const { text, calls, stop } = ask([...before, user('what is the weather?')]);
  expect(text).toContain('what is the weather?');
  for (const form of ['run:', 'read:', 'remember:', 'chain:', 'parallel:', 'slow:']) expect(text).toContain(form);
  expect({ calls, stop }).toEqual({ calls: [], stop: 'stop' });
});

test.each([
  ['run: echo hi', 'exec', { command: 'echo hi' }],
  ['Run:   ls -la  ', 'exec', { command: 'ls -la' }],
  ['read: notes/a.md', 'read', { path: 'notes/a.md' }],
  ['remember: the cat is called Momo', 'write', { path: 'memory/notes.md', content: '- the cat is called Momo\n', append: true }],
  ['slow: 2 all good', 'exec', { command: 'sleep 2' }],
  ['slow: 0.5', 'exec', { command: 'sleep 0.5' }],
  ['please do this\nrun: pwd', 'exec', { command: 'pwd' }],
  ['Ada Lovelace: run: pwd', 'exec', { command: 'pwd' }],
  ['[Mon 10:00] run: pwd', 'exec', { command: 'pwd' }],
  ['run: echo a: b: c', 'exec', { command: 'echo a: b: c' }],
])('%s becomes a call of %s', (text, tool, args) => {
  const answer = ask([user(text)]);
  expect(answer.stop).toBe('tool_calls');
  expect(answer.calls.map((one) => [one.name, one.args])).toEqual([[tool, args]]);
});

test('chain makes its calls one after another, each in its own step, and lists the outputs', () => {
  const { batches, answer } = play('chain: 5 echo {i}', (command) => ({ text: command.replace('echo', 'said') }), before);
  expect(batches).toEqual([['echo 1'], ['echo 2'], ['echo 3'], ['echo 4'], ['echo 5']]);
  expect(answer).toBe('Done, 5 calls:\n1. said 1\n2. said 2\n3. said 3\n4. said 4\n5. said 5');
});

test('parallel makes all its calls in one step', () => {
  const { batches, answer } = play('parallel: 3 date', (_, n) => ({ text: `tick ${n}` }), before);
  expect(batches).toEqual([['date', 'date', 'date']]);
  expect(answer).toContain('3. tick 3');
});

test('a chain is at most 50 calls', () => {
  expect(play('chain: 9999 echo x', () => ({ text: 'x' })).batches).toHaveLength(50);
});

test('slow ends with its text, remember with what it kept, run with the output', () => {
  expect(play('slow: 1 good morning', () => ({ text: '' }), before).answer).toBe('good morning');
  expect(play('slow: 1', () => ({ text: '' }), before).answer).toBe('Done after 1 s.');
  expect(play('remember: tea at five', () => ({ text: 'ok' }), before).answer).toContain('tea at five');
  expect(play('run: echo hi', () => ({ text: 'hi' }), before).answer).toBe('Output:\n\n```\nhi\n```');
  expect(play('run: cat x', () => ({ text: '```js\n```' }), before).answer).toContain('````\n```js');
});

test('an error is said, and ends a chain', () => {
  expect(play('run: rm x', () => ({ text: 'rm is not allowed', isError: true }), before).answer).toBe('The call failed: rm is not allowed');
  const { batches, answer } = play('chain: 5 echo {i}', (_, n) => (n === 3 ? { text: 'disk full', isError: true } : { text: `out ${n}` }), before);
  expect(batches).toHaveLength(3);
  expect(answer).toBe('Call 3 of 5 failed: disk full\nBefore that:\n1. out 1\n2. out 2');
  expect(play('slow: 1 fine', () => ({ text: 'killed', isError: true }), before).answer).toContain('failed: killed');
});

test('the note of a first turn with calls is in its closing answer', () => {
  const { answer } = play('chain: 2 echo x', () => ({ text: 'x' }));
  expect(answer.startsWith(OFFLINE_NOTE)).toBe(true);
  expect(answer).toContain('2. x');
});

test('an image is seen by its type', () => {
  const message: PromptMessage = { role: 'user', blocks: [{ type: 'text', text: 'look' }, { type: 'image', mime: 'image/webp', hash: 'h' }] };
  expect(ask([...before, message]).text).toMatch(/image.*image\/webp/);
});

test('only the newest request counts, not one that was stopped before it', () => {
  const message: PromptMessage = { role: 'user', blocks: [{ type: 'text', text: 'run: rm -rf x' }, { type: 'text', text: '[The turn was stopped here: stopped.]' }, { type: 'text', text: 'hello' }, { type: 'text', text: '[document: a.pdf]' }] };
  expect(ask([message])).toMatchObject({ calls: [], stop: 'stop' });
});

test('the notice of lost entries is no request: what the person asked is answered, at the turn\'s start and in its middle', () => {
  const notice = { type: 'text' as const, text: lostText(Date.now()) };
  const asked = user('chain: 2 echo {i}');
  const start = ask([...before, { role: 'user', blocks: [...(asked.role === 'user' ? asked.blocks : []), notice] }]);
  expect(start.calls).toMatchObject([{ args: { command: 'echo 1' } }]);
  const middle = ask([...before, asked, answered(start, 1), result('call_1_0', '1'), { role: 'user', blocks: [notice] }]);
  expect(middle.calls).toMatchObject([{ args: { command: 'echo 2' } }]);
});

test('a missing tool is said, not called', () => {
  const answer = offlineAnswer(request('offline', [...before, user('run: ls')], { tools: [READ] }));
  expect(answer.calls).toEqual([]);
  expect(answer.text).toContain('`exec`');
});

test('it goes on from transcript rows, as after a crash', () => {
  const row = (seq: number, step: number, kind: TranscriptRow['kind'], content: TranscriptRow['content']): TranscriptRow => ({ session: 's', conversation: 'c', run: 'r', generation: 1, createdAt: 0, seq, step, kind, content });
  const call1 = ask([user('chain: 3 echo {i}')]).calls[0]!;
  const rows = [
    row(1, 0, 'user', { type: 'user', text: 'chain: 3 echo {i}', sender: { id: 'me' }, attachments: [] }),
    row(2, 1, 'assistant', { type: 'assistant', text: '', calls: [{ index: 0, callId: call1.id, tool: 'exec', args: call1.args }], provider: 'offline', model: 'offline', stop: 'tool_calls', usage: { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 } }),
    row(3, 1, 'tool.0', { type: 'tool', index: 0, tool: 'exec', callId: call1.id, isError: false, blocks: [{ type: 'text', text: '1' }] }),
  ];
  const { messages } = assembleContext(rows, { maxTokens: 10_000, images: true, speakers: false });
  expect(ask(messages).calls.map((one) => one.args)).toEqual([{ command: 'echo 2' }]);
  expect(ask(messages)).toEqual(ask(messages));
});

test('it streams in a few deltas, costs nothing, and stops when told', async () => {
  const model = createOfflineProvider();
  const { answer, events } = await call(model, request('offline', [user('hello')]));
  expect(texts(events).length).toBeGreaterThan(2);
  expect(texts(events).join('')).toBe(answer.text);
  expect(answer.usage.output).toBeGreaterThan(0);
  expect(model.facts('offline').price).toMatchObject({ input: 0, output: 0 });
  const reason = new Error('stop');
  const control = new AbortController();
  await expect(call(model, request('offline', [user('hello')]), { signal: control.signal, onEvent: () => control.abort(reason) })).rejects.toBe(reason);
});
