/**
 * Where a run stands, read from its rows: pure. A workflow that starts anew (idle completion, termination, a fresh
 * engine) goes on at the last committed step instead of repeating it.
 */
import type { BatchCall, RunOutcome, TurnState } from '../core/run.js';
import type { CallFacts } from '../core/steps.js';
import type { ToolPolicy } from '../core/tool.js';
import { safeToolName } from '../core/tool.js';
import type { ToolCall, TranscriptRow } from '../core/transcript.js';
import type { ToolRegistry } from './tools/types.js';

export type Progress = Pick<TurnState, 'step' | 'seq' | 'batch' | 'callSeq' | 'ended'> & { readonly nextSeq: number };

/**
 * @param rows the run's rows in order of `seq`; the first is its user row
 * @param nextSeq first free seq of the session
 */
export function progressOf(rows: readonly TranscriptRow[], nextSeq: number, policyOf: (tool: string) => ToolPolicy): Progress {
  // A notice is for people: it moves nothing.
  const last = rows.filter((row) => row.content.type !== 'tool' && row.content.type !== 'notice').at(-1);
  if (!last || last.content.type === 'user') return { step: 1, seq: nextSeq, nextSeq: nextSeq + 1 };
  const content = last.content;
  if (content.type === 'error') return { step: last.step, seq: last.seq, nextSeq, ended: { state: 'error', seq: last.seq, code: content.code } };
  if (content.type === 'aborted') return { step: last.step, seq: last.seq, nextSeq, ended: { state: 'aborted', seq: last.seq, code: 'stopped' } };
  if (content.type !== 'assistant') throw new Error(`row ${last.seq} is no answer but ${content.type}`);
  if (content.calls.length === 0) return { step: last.step, seq: last.seq, nextSeq, ended: answered(last.seq) };

  // A result below its answer is that of an answer the store lost: not this one's.
  const results = new Map(rows.filter((row) => row.step === last.step && row.seq > last.seq).flatMap((row) => (row.content.type === 'tool' ? [[row.content.index, row.seq] as const] : [])));
  if (results.size === content.calls.length) return { step: last.step + 1, seq: nextSeq, nextSeq: nextSeq + 1 };
  let free = nextSeq;
  const batch = callFacts(content.calls, policyOf).map((call): BatchCall => {
    const seq = results.get(call.index);
    return { ...call, seq: seq ?? free++, status: seq === undefined ? 'pending' : 'done' };
  });
  return { step: last.step, seq: last.seq, batch, callSeq: last.seq, nextSeq: free };
}

/** A tool nobody knows does nothing, so its call may run beside others. */
export const policyIn = (tools: ToolRegistry) => (tool: string): ToolPolicy => tools.get(tool)?.policy ?? 'read-only';

export const answered = (seq: number): RunOutcome => ({ state: 'ok', seq });

/** Facts of calls for the workflow: no arguments, and names in a shape that ids and labels can hold. */
export const callFacts = (calls: readonly ToolCall[], policyOf: (tool: string) => ToolPolicy, toAsk: ReadonlySet<number> = new Set()): CallFacts[] =>
  calls.map((call) => ({ index: call.index, tool: safeToolName(call.tool), policy: policyOf(call.tool), needsApproval: toAsk.has(call.index) }));
