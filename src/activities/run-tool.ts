/**
 * The handler of every tool activity: registered as `default`, so the Web UI shows the tool's own name as the type.
 * Reads the arguments from the answer row, runs the tool, writes the result as a row.
 * Invariant: a call whose result row exists is not run again; bad arguments and unknown tools are results, not failures.
 */
import { eventAttempt } from '../core/attempt.js';
import type { NewDelivery } from '../core/channel.js';
import type { RunEventBody } from '../core/events.js';
import type { RunToolInput, RunToolResult } from '../core/steps.js';
import type { RowContent, ToolCall } from '../core/transcript.js';
import { approvalOfCall, callKey, settleApproval } from '../storage/approvals.js';
import { beginClaim, finishClaim } from '../storage/claims.js';
import { enqueueDelivery, lineOf } from '../storage/deliveries.js';
import { checkFence, storeBehind } from '../storage/fence.js';
import { inboundById } from '../storage/inbound.js';
import { mayUse, rightsOfRun } from '../storage/rights.js';
import { appendRows, rowAt, sameIdentity } from '../storage/transcript.js';
import { recordToolAttempt } from '../storage/usage.js';
import { randomUUID } from 'node:crypto';
import { approvalWanted, isAllowed } from './approvals.js';
import type { ActivityDeps } from './deps.js';
import { toFailure, translated } from './failures.js';
import { placeOf, resultContent } from './follow-on.js';
import { type Running, whileHeartbeating } from './heartbeat.js';
import { NO_SPEECH } from './media/speech.js';
import { sessionMedia } from './media/transcripts.js';
import { repairing } from './store-behind.js';
import { validateArgs } from './tools/validate.js';
import { type Claims, type Tool, type ToolResult, textResult } from './tools/types.js';

export type RunTool = (input: RunToolInput) => Promise<RunToolResult>;

export function createRunTool(deps: ActivityDeps): RunTool {
  const { db } = deps;
  /** Attempts of this process that are still running: a claim of one of them is waited for. */
  const living = new Set<string>();

  return (input) => repairing(deps, input, () => act(input));

  function act(input: RunToolInput): Promise<RunToolResult> {
    return whileHeartbeating((running) =>
      translated(async () => {
        const place = placeOf(input);
        const stored = await rowAt(db, input.session, input.seq);
        if (stored && sameIdentity(stored, { conversation: input.conversation, ...place })) {
          return { seq: input.seq, outcome: stored.content.type === 'tool' && stored.content.isError ? 'error' : 'ok', durationMs: 0, bytes: 0 };
        }
        await checkFence(db, input);

        const answer = (await rowAt(db, input.session, input.callSeq))?.content;
        const call = answer?.type === 'assistant' ? answer.calls.find((other) => other.index === input.index) : undefined;
        if (!call) throw storeBehind(`row ${input.callSeq} with call ${input.index} of step ${input.step} was written and is not there`);
        const runId = (await inboundById(db, input.inboundId))?.runId ?? input.run;
        const emit = (body: RunEventBody): void =>
          deps.events.publish({ session: input.session, run: input.run, runId, step: input.step, attempt: eventAttempt(input, running.attempt), at: Date.now(), ...body });
        const about = { index: input.index, tool: call.tool, callId: call.callId };
        emit({ type: 'tool-start', ...about, args: call.args });

        const startedAt = Date.now();
        const attempt = (outcome: string) => ({ session: input.session, run: input.run, step: input.step, index: input.index, generation: input.generation, attempt: running.attempt, tool: call.tool, outcome, startedAt, endedAt: Date.now() });
        let result: ToolResult;
        try {
          result = await perform(input, call, running, (delta) => emit({ type: 'tool-output', ...about, delta }));
        } catch (error) {
          if (running.signal.aborted && !running.cancelled()) throw error;
          // Handed over: the attempt fails at once and the next process re-attaches.
          if (deps.draining.aborted && !running.cancelled()) throw toFailure(error);
          if (running.cancelled()) result = { ...textResult('Stopped before it finished.', true), outcome: 'aborted' };
          else {
            await recordToolAttempt(db, attempt('failed'));
            throw toFailure(error);
          }
        }
        const outcome = result.outcome ?? (result.isError ? 'error' : 'ok');
        const content: RowContent = input.enters ? resultContent(await approvalOfCall(db, callKey(input)), result) : { type: 'tool', index: input.index, tool: call.tool, callId: call.callId, isError: result.isError, blocks: result.blocks, ...(result.details ? { details: result.details } : {}) };
        await db.transaction().execute(async (tx) => {
          await appendRows(tx, input, [{ seq: input.seq, ...place, content }]);
          await settleApproval(tx, callKey(input));
          await recordToolAttempt(tx, attempt(outcome));
        });
        const text = result.blocks.flatMap((block) => (block.type === 'text' ? [block.text] : [])).join('\n');
        emit({ type: 'tool-end', ...about, isError: result.isError, text, ...(result.details ? { details: result.details } : {}) });
        return { seq: input.seq, outcome, durationMs: Date.now() - startedAt, bytes: result.bytes ?? text.length };
      }, () => running.signal.aborted),
    );
  }

  async function perform(input: RunToolInput, call: ToolCall, running: Running, onOutput: (delta: string) => void): Promise<ToolResult> {
    const registry = deps.tools();
    const tool: Tool | undefined = registry.get(call.tool);
    if (!tool) return textResult(`There is no tool "${call.tool.slice(0, 64)}". Tools: ${registry.tools.map((t) => t.name).join(', ')}.`, true);
    if (!mayUse(await rightsOfRun(db, input.run), tool.name)) return textResult(`The people in this turn may not use ${tool.name}.`, true);
    if (call.malformed !== undefined) return textResult(`The arguments of ${tool.name} are not a JSON object. Call it again with valid JSON.`, true);
    const problem = validateArgs(tool, call.args);
    if (problem !== undefined) return textResult(problem, true);

    const key = callKey(input);
    // Looked at again where it counts: rules and grants may have changed since the answer was read.
    const wanted = await approvalWanted(deps, input, call);
    const approved = wanted === undefined || (await isAllowed(db, key, wanted));
    const signal = tool.policy === 'side-effecting' ? AbortSignal.any([running.signal, deps.draining]) : running.signal;
    const token = randomUUID();
    living.add(token);
    const claims: Claims = {
      begin: (claim, facts) => beginClaim<ToolResult>(db, input, claim, { token, ...(facts ? { facts } : {}), signal, isMine: (other) => other !== token && living.has(other) }),
      finish: (claim, result) => finishClaim(db, input, claim, 'done', result),
    };
    const deliver = async (delivery: NewDelivery): Promise<void> => {
      await db.transaction().execute((tx) => enqueueDelivery(tx, delivery));
      await deps.deliveries?.wake(lineOf(delivery.to));
    };
    try {
      const attachments = (prefix: string) => sessionMedia(db, input.session, prefix, deps.speech?.() ?? NO_SPEECH);
      return await tool.run(call.args, { key, session: input.session, attempt: running.attempt, signal, cancelled: () => running.cancelled(), emit: onOutput, approved, claims, attachments, deliver });
    } finally {
      living.delete(token);
    }
  }
}
