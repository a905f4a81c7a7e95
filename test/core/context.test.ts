/** What a model reads of a conversation. */
import { describe, expect, it } from 'vitest';
import { type ContextOptions, NO_RESULT, OMITTED_MARK, assembleContext, describeAttachment, estimateTokens } from '../../src/core/context.js';
import type { PromptMessage } from '../../src/core/model.js';
import type { TranscriptRow } from '../../src/core/transcript.js';
import { said, writeRows } from './rows.js';

const OPTIONS: ContextOptions = { maxTokens: 100_000, images: true, speakers: false };
const assemble = (rows: readonly TranscriptRow[], over: Partial<ContextOptions> = {}) => assembleContext(rows, { ...OPTIONS, ...over });
const read = (rows: readonly TranscriptRow[], over: Partial<ContextOptions> = {}): string[] => said(assemble(rows, over).messages);
const callIds = (messages: readonly PromptMessage[]): string[] => messages.flatMap((m) => (m.role === 'assistant' ? m.calls.map((call) => call.id) : []));
const resultIds = (messages: readonly PromptMessage[]): string[] => messages.flatMap((m) => (m.role === 'tool' ? [m.callId] : []));

describe('calls and results', () => {
  it('stand together, in the order of the calls, whatever the order in which results were written', () => {
    const w = writeRows();
    w.user('go');
    w.answer('looking', [{ tool: 'read', args: { path: 'a' } }, { tool: 'ls', args: { path: 'b' } }]);
    w.result(1, 'second');
    w.result(0, 'first');
    w.answer('done');
    expect(read(w.rows)).toEqual(['user: go', 'assistant: looking read({"path":"a"}) ls({"path":"b"})', 'result of read: first', 'result of ls: second', 'assistant: done']);
    const { messages } = assemble(w.rows);
    expect(resultIds(messages)).toEqual(callIds(messages));
  });

  it('are paired by step and position, never by the provider’s ids, which may repeat or be empty', () => {
    const w = writeRows();
    w.user('go');
    w.answer('', [{ tool: 'read', callId: 'same' }, { tool: 'ls', callId: 'same' }]);
    w.result(0, 'one');
    w.result(1, 'two');
    w.answer('', [{ tool: 'read', callId: '' }, { tool: 'ls', callId: '' }, { tool: 'read', callId: 'same' }]);
    w.result(0, 'three');
    w.result(1, 'four');
    w.result(2, 'five');
    w.user('again');
    w.answer('', [{ tool: 'read', callId: 'same' }]);
    w.result(0, 'six');
    const { messages } = assemble(w.rows);
    expect(said(messages).filter((line) => line.startsWith('result'))).toEqual(['one', 'two', 'three', 'four', 'five', 'six'].map((text, i) => `result of ${['read', 'ls', 'read', 'ls', 'read', 'read'][i]}: ${text}`));
    expect(new Set(callIds(messages)).size).toBe(6);
    expect(resultIds(messages)).toEqual(callIds(messages));
    for (const id of callIds(messages)) expect(id).toMatch(/^[A-Za-z0-9_]{1,40}$/);
  });

  it('a result below its answer belongs to an answer that the store lost, not to this one', () => {
    const w = writeRows();
    w.user('go');
    w.answer('', [{ tool: 'exec' }]);
    w.result(0, 'of the lost answer');
    const [user, answer, result] = w.rows;
    expect(read([user!, { ...result!, seq: 2 }, { ...answer!, seq: 3 }])).toEqual(['user: go', 'assistant: exec({})', `error of exec: ${NO_RESULT}`]);
  });

  it('a call without a result row is answered with an error that says so', () => {
    const w = writeRows();
    w.user('go');
    w.answer('', [{ tool: 'exec' }, { tool: 'exec' }]);
    w.result(1, 'ran');
    w.user('and?');
    expect(read(w.rows)).toEqual(['user: go', 'assistant: exec({}) exec({})', `error of exec: ${NO_RESULT}`, 'result of exec: ran', 'user: and?']);
  });

  it('a result without its call is not shown: no provider would take it', () => {
    const w = writeRows();
    w.user('go');
    w.answer('', [{ tool: 'read' }]);
    w.result(0, 'text');
    w.answer('done');
    expect(read(w.rows.slice(2))).toEqual([`user: ${OMITTED_MARK}`, 'assistant: done']);
  });

  it('a failed call is an error, an empty result says that it is empty', () => {
    const w = writeRows();
    w.user('go');
    w.answer('', [{ tool: 'read' }, { tool: 'ls' }]);
    w.result(0, 'no such file', true);
    w.result(1, []);
    expect(read(w.rows).slice(2)).toEqual(['error of read: no such file', 'result of ls: (no output)']);
  });
});

describe('rows that no model said', () => {
  it('a stopped turn keeps what was said and tells that it was stopped; the next message follows in the same user message', () => {
    const w = writeRows();
    w.user('tell a story');
    w.aborted('Once upon', 'stopped by the owner');
    w.user('short, please');
    expect(read(w.rows)).toEqual(['user: tell a story', 'assistant: Once upon', 'user: [The turn was stopped here: stopped by the owner.] | short, please']);
  });

  it('a turn stopped before its first word leaves no empty answer', () => {
    const w = writeRows();
    w.user('hello');
    w.aborted('  \n', 'interrupted');
    w.user('hi');
    expect(read(w.rows)).toEqual(['user: hello | [The turn was stopped here: interrupted.] | hi']);
  });

  it('a failed turn is told without the failure’s own text', () => {
    const w = writeRows();
    w.user('hello');
    w.error('401 from https://api.example.org');
    w.user('hi');
    expect(read(w.rows)).toEqual(['user: hello | [The turn failed here and got no answer.] | hi']);
  });

  it('a notice is for people only', () => {
    const w = writeRows();
    w.user('hello');
    w.notice('The budget is nearly spent.');
    w.answer('hi');
    expect(read(w.rows)).toEqual(['user: hello', 'assistant: hi']);
  });
});

describe('speakers', () => {
  it('are named in groups, by name or else by id, and not in a conversation of two', () => {
    const w = writeRows();
    w.user('hello', { name: 'Ann' });
    w.user('hi', { id: 'u7' });
    expect(read(w.rows, { speakers: true })).toEqual(['user: Ann: hello | u7: hi']);
    expect(read(w.rows)).toEqual(['user: hello | hi']);
  });
});

describe('attachments', () => {
  const image = { kind: 'image', mime: 'image/png', size: 5, name: 'cat.png', media: { hash: 'h' } } as const;

  it('an image is shown to a model that sees, described to one that does not', () => {
    const w = writeRows();
    w.user('look', { attachments: [image] });
    expect(read(w.rows)).toEqual(['user: look | <image image/png h>']);
    expect(read(w.rows, { images: false })).toEqual(['user: look | [image: cat.png, image/png, 5 bytes, media:h]']);
  });

  it('an image keeps its caption, and one that was sent as a file is an image too', () => {
    const w = writeRows();
    w.user('look', { attachments: [{ ...image, caption: 'my cat' }, { ...image, kind: 'document', media: { hash: 'd' } }] });
    expect(read(w.rows)).toEqual(['user: look | <image image/png h> | my cat | <image image/png d>']);
  });

  it('an image that no model takes, or that is too large for one, is described with how to open it', () => {
    const w = writeRows();
    w.user('', { attachments: [{ ...image, mime: 'image/heic' }, { ...image, size: 11 }, { ...image, size: 10 }] });
    expect(read(w.rows, { imageBytes: 10 })).toEqual(['user: [image: cat.png, image/heic, 5 bytes, media:h] | [image: cat.png, image/png, 11 bytes, media:h] | <image image/png h>']);
  });

  it('an image that could not be fetched is described with the reason', () => {
    const w = writeRows();
    w.user('', { attachments: [{ kind: 'image', name: 'cat.png', problem: 'too large' }] });
    expect(read(w.rows)).toEqual(['user: [image: cat.png, too large]']);
  });

  it('an image in a tool result is replaced by words for a model that does not see', () => {
    const w = writeRows();
    w.user('go');
    w.answer('', [{ tool: 'read' }]);
    w.result(0, [{ type: 'image', hash: 'h', mime: 'image/png' }]);
    expect(read(w.rows)[2]).toBe('result of read: <image image/png h>');
    expect(read(w.rows, { images: false })[2]).toMatch(/^result of read: \[image, image\/png, not shown/);
  });

  it('an empty message says that it is empty', () => {
    const w = writeRows();
    w.user('');
    expect(read(w.rows)).toEqual(['user: (empty message)']);
  });

  it.each([
    [{ kind: 'location', location: { latitude: 52.5, longitude: 13.4, title: 'Berlin' } }, '[location: 52.5, 13.4 (Berlin)]'],
    [{ kind: 'contact', contact: { name: 'Ann', phone: '+49' } }, '[contact: Ann +49]'],
    [{ kind: 'voice', mime: 'audio/ogg', transcript: 'call me' }, '[voice: audio/ogg] Transcript: call me'],
    [{ kind: 'document', name: 'a.pdf', caption: 'the bill' }, '[document: a.pdf] the bill'],
    [{ kind: 'sticker' }, '[sticker]'],
    [{ kind: 'document', name: 'a.pdf', mime: 'application/pdf', size: 9, media: { hash: 'abcdef0123456789' } }, '[document: a.pdf, application/pdf, 9 bytes, media:abcdef012345]'],
    [{ kind: 'video', mime: 'video/mp4', size: 9, durationMs: 12_400, media: { hash: 'abcdef0123456789' } }, '[video: video/mp4, 9 bytes, 12 s, media:abcdef012345]'],
    [{ kind: 'video', problem: 'larger than\n20 MiB' }, '[video: larger than 20 MiB]'],
    [{ kind: 'voice', mime: 'audio/ogg', media: { hash: 'abcdef0123456789' }, transcriptProblem: 'no provider' }, '[voice: audio/ogg, media:abcdef012345, not transcribed: no provider]'],
    [{ kind: 'voice', media: { hash: 'abcdef0123456789' }, transcript: 'call me', transcriptProblem: 'old' }, '[voice: media:abcdef012345] Transcript: call me'],
    [{ kind: 'voice', transcript: '' }, '[voice] Transcript: (no words were heard)'],
    [{ kind: 'document', name: 'a]\n[image: x' }, '[document: a] [image: x]'],
  ] as const)('%j is one line', (attachment, line) => {
    expect(describeAttachment(attachment)).toBe(line);
  });

  it('a transcript longer than a result may be is cut, and names where all of it is', () => {
    const line = describeAttachment({ kind: 'voice', media: { hash: 'abcdef0123456789' }, transcript: 'w'.repeat(16_500) });
    expect(line.length).toBeLessThan(16_200);
    expect(line).toMatch(/w \[… 500 more characters; all of it: read media:abcdef012345\]$/);
  });
});

describe('what no longer fits', () => {
  /** Turns of about 100 tokens each, with a call in each. */
  const conversation = (turns: number) => {
    const w = writeRows();
    for (let i = 1; i <= turns; i += 1) {
      w.user(`question ${i} ${'x'.repeat(150)}`);
      w.answer('', [{ tool: 'read', args: { path: `file${i}` } }]);
      w.result(0, `content ${i} ${'y'.repeat(100)}`);
      w.answer(`answer ${i}`);
    }
    return w.rows;
  };

  it('is cut at turns, from the oldest, and the cut is marked in the first user message', () => {
    const rows = conversation(8);
    const whole = assemble(rows);
    const cut = assemble(rows, { maxTokens: Math.floor(whole.tokens / 2) });
    expect(whole).toMatchObject({ omitted: 0 });
    expect(said(whole.messages)[0]).toMatch(/^user: question 1 /);
    expect(cut.omitted).toBe(16);
    expect(said(cut.messages)[0]).toBe(`user: ${OMITTED_MARK} | question 5 ${'x'.repeat(150)}`);
    expect(cut.tokens).toBeLessThanOrEqual(whole.tokens / 2);
  });

  it('the newest turn stays, whatever its size', () => {
    const w = writeRows();
    w.user('old');
    w.answer('old answer');
    w.user('z'.repeat(10_000));
    w.answer('', [{ tool: 'read' }]);
    w.result(0, 'r'.repeat(10_000));
    const { messages, omitted } = assemble(w.rows, { maxTokens: 10 });
    expect(messages.map((m) => m.role)).toEqual(['user', 'assistant', 'tool']);
    expect(omitted).toBe(2);
  });

  it('a conversation that exactly fits is not cut, one token less cuts a turn', () => {
    const rows = conversation(3);
    const { tokens } = assemble(rows);
    expect(assemble(rows, { maxTokens: tokens }).omitted).toBe(0);
    expect(assemble(rows, { maxTokens: tokens - 1 }).omitted).toBe(4);
  });

  it('rows that begin inside a turn are marked as cut, so that a prompt always begins with a user', () => {
    const rows = conversation(2).slice(1);
    expect(read(rows)[0]).toBe(`user: ${OMITTED_MARK}`);
    expect(assemble(rows).messages.map((m) => m.role)).toEqual(['user', 'assistant', 'tool', 'assistant', 'user', 'assistant', 'tool', 'assistant']);
  });

  it('images count, so that a conversation of pictures does not pass as short', () => {
    const w = writeRows();
    w.user('', { attachments: [{ kind: 'image', mime: 'image/png', media: { hash: 'h' } }] });
    expect(assemble(w.rows).tokens).toBeGreaterThan(1_000);
    expect(assemble(w.rows, { images: false }).tokens).toBeLessThan(20);
  });

  it('reasoning and arguments count', () => {
    const plain = writeRows();
    plain.user('go');
    plain.answer('hm', [{ tool: 'write' }]);
    const heavy = writeRows();
    heavy.user('go');
    heavy.answer('hm', [{ tool: 'write', args: { text: 'w'.repeat(3_500) } }], { reasoning: { provider: 'fake', blocks: [], text: 't'.repeat(3_500) } });
    expect(assemble(heavy.rows).tokens - assemble(plain.rows).tokens).toBeGreaterThanOrEqual(2 * estimateTokens('w'.repeat(3_500)));
  });
});

it('appending rows leaves every earlier message byte-identical, so that providers find it in their cache', () => {
  const w = writeRows();
  let before: string[] = [];
  const check = (): void => {
    const now = assemble(w.rows).messages.map((message) => JSON.stringify(message));
    // The last one may still gain what belongs to it: a further user message, or the result that was missing.
    const settled = before.slice(0, -1);
    expect(now.slice(0, settled.length)).toEqual(settled);
    before = now;
  };
  for (let i = 0; i < 20; i += 1) {
    w.user(`question ${i}`, { name: 'Ann' });
    check();
    w.answer('let me look', [{ tool: 'read', args: { b: 1, a: i }, callId: 'same' }]);
    w.result(0, `text ${i}`);
    check();
    if (i % 3 === 0) w.aborted('so', 'stopped');
    else w.answer(`answer ${i}`, [], { reasoning: { provider: 'fake', blocks: [{ signature: 's' }], text: 'hm' } });
    check();
  }
});

it('reasoning is handed back whole, and only where there was some', () => {
  const w = writeRows();
  const reasoning = { provider: 'anthropic', blocks: [{ type: 'thinking', signature: 'abc' }], text: 'hm' };
  w.user('go');
  w.answer('yes', [], { reasoning });
  w.answer('no');
  const { messages } = assemble(w.rows);
  expect(messages[1]).toEqual({ role: 'assistant', text: 'yes', calls: [], reasoning });
  expect(messages[2]).toEqual({ role: 'assistant', text: 'no', calls: [] });
});

it('half a surrogate pair, wherever it came from, never reaches a provider: their JSON refuses it for good', () => {
  const half = 'a\ud83d';
  const w = writeRows();
  w.user(half, { attachments: [{ kind: 'document', name: half }] });
  w.answer(half, [{ tool: 'write', args: { text: half, list: [half], nested: { deep: half }, fine: 'a🙂 \\ud83d' } }]);
  w.result(0, half);
  w.aborted(half, half);
  const text = JSON.stringify(assemble(w.rows).messages);
  expect(text.replaceAll('\\\\ud83d', '')).not.toMatch(/\\ud8/);
  expect(text).toContain('a🙂');
});
