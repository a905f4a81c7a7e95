/** The invariants of context assembly, over many random conversations: also those that no healthy store holds. */
import { expect, it } from 'vitest';
import { OMITTED_MARK, assembleContext } from '../../src/core/context.js';
import type { PromptMessage } from '../../src/core/model.js';
import { type Writer, said, writeRows } from './rows.js';

/** Mulberry32: the same numbers on every machine, so that a failure can be repeated by its seed. */
function randomOf(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 4_294_967_296) * below);
  };
}

const TEXTS = ['', ' ', 'hello', 'x'.repeat(400), '🙂', '\ud83d', '{"a":1}', 'call_1_0', '[The turn was stopped here: no.]', 'zeile\nzeile'];
const IDS = ['', 'same', 'call_1_0', 'toolu_01', 'c0'];

function writeTurn(w: Writer, random: (below: number) => number): void {
  const pick = <T>(list: readonly T[]): T => list[random(list.length)]!;
  for (let i = 0; i <= random(2); i += 1) {
    w.user(pick(TEXTS), { name: pick(TEXTS), attachments: random(4) === 0 ? [{ kind: 'image', mime: 'image/png', media: { hash: 'h' } }] : [] });
  }
  for (let steps = random(4); steps > 0; steps -= 1) {
    const calls = Array.from({ length: 1 + random(4) }, () => ({ tool: pick(['read', 'ls', 'exec']), callId: pick(IDS), args: { text: pick(TEXTS) } }));
    w.answer(pick(TEXTS), calls);
    const order = calls.map((_, index) => index).toSorted(() => random(3) - 1);
    for (const index of order) if (random(6) > 0) w.result(index, random(8) === 0 ? [] : random(8) === 0 ? [{ type: 'image', hash: 'h', mime: 'image/png' }] : pick(TEXTS), random(4) === 0);
    if (random(6) === 0) w.notice(pick(TEXTS));
  }
  const end = random(6);
  if (end === 0) w.aborted(pick(TEXTS), pick(TEXTS));
  else if (end === 1) w.error(pick(TEXTS));
  else if (end > 2) w.answer(pick(TEXTS));
}

/** Every call is followed, at once and in order, by exactly one result; no result stands alone. */
function checkPairs(messages: readonly PromptMessage[]): void {
  const seen = new Set<string>();
  let expected: string[] = [];
  for (const message of messages) {
    if (message.role === 'tool') {
      expect(message.callId).toBe(expected.shift());
      continue;
    }
    expect(expected).toEqual([]);
    if (message.role !== 'assistant') continue;
    expected = message.calls.map((call) => call.id);
    for (const id of expected) {
      expect(seen.has(id), `call id ${id} repeats`).toBe(false);
      seen.add(id);
    }
  }
  expect(expected).toEqual([]);
}

const SEEDS = Array.from({ length: 300 }, (_, i) => i + 1);

it('holds every invariant for 300 random conversations', () => {
  for (const seed of SEEDS) {
    const random = randomOf(seed);
    const w = writeRows();
    for (let turns = 1 + random(8); turns > 0; turns -= 1) writeTurn(w, random);
    const images = random(2) === 0;
    const options = { images, speakers: random(2) === 0 };
    // Some readers hand over rows that begin in the middle of a turn.
    const rows = random(3) === 0 ? w.rows.slice(random(w.rows.length)) : w.rows;
    const whole = assembleContext(rows, { ...options, maxTokens: Number.MAX_SAFE_INTEGER });
    const limit = random(Math.max(1, whole.tokens));
    for (const context of [whole, assembleContext(rows, { ...options, maxTokens: limit })]) {
      const { messages } = context;
      const about = `seed ${seed}:\n${said(messages).join('\n')}`;
      checkPairs(messages);
      if (messages.length > 0) expect(messages[0]!.role, about).toBe('user');
      for (const [i, message] of messages.entries()) {
        expect(message.role === 'user' && messages[i - 1]?.role === 'user', `two user messages in ${about}`).toBe(false);
        if (message.role !== 'assistant') expect(message.blocks.length, about).toBeGreaterThan(0);
        if (!images && message.role !== 'assistant') expect(message.blocks.every((block) => block.type === 'text'), about).toBe(true);
      }
      expect(JSON.stringify(messages), about).not.toContain('\\ud83d');
      expect(context.omitted, about).toBeLessThan(Math.max(1, rows.length));
      if (context.omitted > 0) expect(said(messages)[0], about).toContain(OMITTED_MARK);
    }
    expect(whole.omitted).toBe(0);
    // What is kept after a cut is what the whole prompt ends with, but for the mark.
    const cut = assembleContext(rows, { ...options, maxTokens: limit });
    const tail = cut.messages.slice(1).map((m) => JSON.stringify(m));
    expect(tail, `seed ${seed}`).toEqual(whole.messages.slice(whole.messages.length - tail.length).map((m) => JSON.stringify(m)));
    expect(cut.tokens).toBeLessThanOrEqual(Math.max(limit, newestTurn(rows, options)));
  }
});

it('appending a turn to any random conversation leaves the earlier messages byte-identical', () => {
  for (const seed of SEEDS) {
    const random = randomOf(seed);
    const w = writeRows();
    for (let turns = 1 + random(5); turns > 0; turns -= 1) writeTurn(w, random);
    // A finished turn: what follows belongs to another message.
    w.answer('done');
    const options = { images: true, speakers: random(2) === 0, maxTokens: Number.MAX_SAFE_INTEGER };
    const before = assembleContext(w.rows, options).messages.map((m) => JSON.stringify(m));
    writeTurn(w, random);
    const after = assembleContext(w.rows, options).messages.map((m) => JSON.stringify(m));
    expect(after.slice(0, before.length), `seed ${seed}`).toEqual(before);
  }
});

/** Tokens of the newest turn alone, which is never cut. */
function newestTurn(rows: Writer['rows'], options: { readonly images: boolean; readonly speakers: boolean }): number {
  return assembleContext(rows, { ...options, maxTokens: 0 }).tokens;
}
