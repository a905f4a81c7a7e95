/** Where a run stands, read from its rows alone. */
import { describe, expect, it } from 'vitest';
import { callFacts, progressOf } from '../../src/activities/turn-state.js';
import type { ToolPolicy } from '../../src/core/tool.js';
import { type Writer, writeRows } from '../core/rows.js';

const policyOf = (tool: string): ToolPolicy => (tool === 'exec' ? 'side-effecting' : 'read-only');
const calls = [{ tool: 'exec', args: { command: 'secret' } }, { tool: 'read' }, { tool: 'exec' }];
const call = (index: number, seq: number, status: 'pending' | 'done') => ({ index, tool: calls[index]!.tool, policy: policyOf(calls[index]!.tool), needsApproval: false, seq, status });
/** Progress of a run whose rows are all the session has. */
const progress = (write: (w: Writer) => void, nextSeq?: number) => {
  const w = writeRows();
  w.user('go');
  write(w);
  return progressOf(w.rows, nextSeq ?? w.rows.length + 1, policyOf);
};

describe('a run', () => {
  it('without an answer is at its first step, with a seq reserved for the answer', () => {
    expect(progress(() => undefined)).toEqual({ step: 1, seq: 2, nextSeq: 3 });
    expect(progress(() => undefined, 50)).toEqual({ step: 1, seq: 50, nextSeq: 51 });
  });

  it('with a batch of which nothing is done goes on with that batch, each call with a seq of its own', () => {
    expect(progress((w) => w.answer('', calls))).toEqual({ step: 1, seq: 2, callSeq: 2, batch: [call(0, 3, 'pending'), call(1, 4, 'pending'), call(2, 5, 'pending')], nextSeq: 6 });
  });

  it('with a batch that is partly done repeats none of what is done', () => {
    const partly = progress((w) => {
      w.answer('', calls);
      w.result(1, 'text');
    });
    expect(partly).toEqual({ step: 1, seq: 2, callSeq: 2, batch: [call(0, 4, 'pending'), call(1, 3, 'done'), call(2, 5, 'pending')], nextSeq: 6 });
  });

  it('with a result below its answer does not take it for its own: the store lost the answer it belonged to', () => {
    const w = writeRows();
    w.user('go');
    w.answer('', calls.slice(0, 1));
    w.result(0, 'of the lost answer');
    const [user, answer, result] = w.rows;
    expect(progressOf([user!, { ...result!, seq: 2 }, { ...answer!, seq: 3 }], 4, policyOf)).toMatchObject({ step: 1, callSeq: 3, batch: [call(0, 4, 'pending')] });
  });

  it('with a batch that is done is at the next step', () => {
    const done = progress((w) => {
      w.answer('', calls);
      for (const index of [2, 0, 1]) w.result(index, 'x', index === 0);
    });
    expect(done).toEqual({ step: 2, seq: 6, nextSeq: 7 });
  });

  it('counts results of its newest batch only', () => {
    const second = progress((w) => {
      w.answer('', calls);
      for (const index of [0, 1, 2]) w.result(index, 'x');
      w.answer('', calls);
      w.result(0, 'y');
    });
    expect(second).toMatchObject({ step: 2, seq: 6, callSeq: 6, nextSeq: 10 });
    expect(second.batch?.map(({ seq, status }) => [seq, status])).toEqual([[7, 'done'], [8, 'pending'], [9, 'pending']]);
  });

  it('with its final answer only lacks its end', () => {
    const answered = progress((w) => {
      w.answer('', [{ tool: 'read' }]);
      w.result(0, 'x');
      w.answer('done');
    });
    expect(answered).toEqual({ step: 2, seq: 4, nextSeq: 5, ended: { state: 'ok', seq: 4 } });
  });

  it('that was sealed is ended as aborted, also behind an open batch', () => {
    const sealed = progress((w) => {
      w.answer('', [{ tool: 'exec' }]);
      w.result(0, 'skipped: interrupted', true);
      w.aborted('', 'stopped');
    });
    expect(sealed).toEqual({ step: 1, seq: 4, nextSeq: 5, ended: { state: 'aborted', seq: 4, code: 'stopped' } });
  });

  it('that failed is ended as failed, with its code', () => {
    expect(progress((w) => w.error('no'))).toEqual({ step: 0, seq: 2, nextSeq: 3, ended: { state: 'error', seq: 2, code: 'Internal' } });
  });

  it('stands where it stood whatever notices people were shown in between', () => {
    const batch = progress((w) => {
      w.answer('', calls);
      w.result(0, 'x');
      w.notice('the budget is nearly spent');
    });
    expect(batch).toMatchObject({ step: 1, callSeq: 2, nextSeq: 7 });
    expect(batch.batch?.map(({ status }) => status)).toEqual(['done', 'pending', 'pending']);
    expect(progress((w) => w.notice('hello'))).toEqual({ step: 1, seq: 3, nextSeq: 4 });
  });
});

it('facts of calls hold no arguments, and only names that ids and labels can hold', () => {
  const facts = callFacts([
    { index: 0, callId: 'x', tool: 'exec', args: { command: 'secret' } },
    { index: 1, callId: '', tool: '../../rm -rf', args: {}, malformed: 'secret' },
  ], policyOf);
  expect(facts).toEqual([
    { index: 0, tool: 'exec', policy: 'side-effecting', needsApproval: false },
    { index: 1, tool: 'invalid_tool_name', policy: 'read-only', needsApproval: false },
  ]);
});
