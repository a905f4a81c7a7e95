/**
 * `callModel`: one model call. Reads the conversation from rows, streams to the bus, writes the complete answer as one
 * row. Invariants: only complete answers are rows; a repeated attempt whose answer is already stored returns it
 * instead of paying twice; every attempt that began leaves a usage row. Budgets: `budget.ts`.
 */
import { eventAttempt } from '../core/attempt.js';
import type { RunEventBody } from '../core/events.js';
import { type ModelAnswer, type ModelEvent, costUsd } from '../core/model.js';
import { FAILURES, LIMITS } from '../core/names.js';
import type { CallModelInput, CallModelResult } from '../core/steps.js';
import type { RowContent, ToolCall, TranscriptRow } from '../core/transcript.js';
import { saveDraft } from '../storage/drafts.js';
import { checkFence, isFencedOut, storeBehind } from '../storage/fence.js';
import { inboundById } from '../storage/inbound.js';
import { appendRows, rowAt, sameIdentity } from '../storage/transcript.js';
import { LOST } from '../storage/usage.js';
import { callsToAsk } from './approvals.js';
import { createSpending } from './budget.js';
import type { ActivityDeps } from './deps.js';
import { toFailure, translated } from './failures.js';
import { type Running, whileHeartbeating } from './heartbeat.js';
import { type TranscriptionActivities, createTranscription } from './media/transcribe.js';
import { modelRequest } from './model-request.js';
import { ModelError } from './models/types.js';
import { expectStepBefore, repairing } from './store-behind.js';
import { callFacts, policyIn } from './turn-state.js';

export interface ModelActivities extends TranscriptionActivities {
  callModel(input: CallModelInput): Promise<CallModelResult>;
}

export function createCallModel(deps: ActivityDeps): ModelActivities {
  const { db } = deps;
  return { ...createTranscription(deps), callModel: (input) => repairing(deps, input, () => whileHeartbeating((running) => translated(() => callModel(input, running), () => running.signal.aborted))) };

  async function callModel(input: CallModelInput, running: Running): Promise<CallModelResult> {
    const stored = await rowAt(db, input.session, input.seq);
    if (stored && sameIdentity(stored, { conversation: input.conversation, run: input.run, step: input.step, kind: 'assistant' })) return facts(input, stored);
    // Before money is spent: a zombie attempt learns here that it is one.
    await checkFence(db, input);
    await expectStepBefore(db, input);

    const inbound = await inboundById(db, input.inboundId);
    if (!inbound) throw storeBehind(`message ${input.inboundId} was taken and is not there`);
    const base = { session: input.session, run: input.run, runId: inbound.runId, step: input.step, attempt: eventAttempt(input, running.attempt) };
    const emit = (body: RunEventBody): void => deps.events.publish({ ...base, at: Date.now(), ...body });
    if (input.failedOver) emit({ type: 'failover', from: input.failedOver.from, to: input.model, code: input.failedOver.code });
    if (running.attempt > 1 || (input.nth ?? 0) > 0) emit({ type: 'reset' });

    const spending = createSpending(deps, input, running);
    let text = '';
    let answer: ModelAnswer | undefined;
    const onEvent = (event: ModelEvent): void => {
      spending.heard(event);
      if (event.type === 'alive' || event.type === 'usage') return;
      if (event.type === 'text') text += event.delta;
      emit(event);
    };
    try {
      const { provider, model } = deps.models().resolve(input.model);
      const known = provider.facts(model);
      const request = await modelRequest(deps, input, inbound, model, known);
      const reserved = await spending.reserve(request, known, base.runId, emit);
      if ('instead' in reserved) return reserved.instead;
      emit({ type: 'model', provider: provider.id, model });
      const said = await provider.stream({ ...request, maxTokens: reserved.output }, { signal: running.signal, loadMedia: (hash) => deps.media.get({ hash }), onEvent });
      answer = said;
      const row = await db.transaction().execute(async (tx) => {
        const [written] = await appendRows(tx, input, [{ seq: input.seq, run: input.run, step: input.step, kind: 'assistant', content: answerContent(said, provider.id, model, costUsd(known.price, said.usage)) }]);
        await spending.settle(tx, 'ok', said.usage);
        return written!;
      });
      emit({ type: 'answer', stop: said.stop, usage: said.usage, text: said.text });
      return await facts(input, row);
    } catch (error) {
      const ended = (outcome: string): Promise<void> => db.transaction().execute((tx) => spending.settle(tx, outcome, answer?.usage));
      if (running.cancelled()) {
        await ended('aborted');
        // A draft, not a row: the workflow decides what the seq becomes.
        return text === '' ? { kind: 'aborted' } : { kind: 'aborted', draft: await saveDraft(db, input, { run: input.run, step: input.step, text }) };
      }
      if (running.signal.aborted) {
        // Another attempt takes over; what this one used it says itself, as long as it can.
        await ended(LOST).catch(() => undefined);
        throw error;
      }
      await ended(error instanceof ModelError ? error.type : isFencedOut(error) ? FAILURES.FencedOut : FAILURES.Internal);
      throw toFailure(error, input);
    }
  }

  async function facts(input: CallModelInput, row: TranscriptRow): Promise<CallModelResult> {
    const content = row.content;
    if (content.type !== 'assistant') throw new Error(`seq ${row.seq} holds no answer`);
    return {
      kind: 'answer', seq: row.seq, stop: content.stop, provider: content.provider, model: content.model, usage: content.usage,
      ...(content.costUsd === undefined ? {} : { costUsd: content.costUsd }),
      calls: callFacts(content.calls, policyIn(deps.tools()), await callsToAsk(deps, input, content.calls)),
    };
  }
}

function answerContent(answer: ModelAnswer, provider: string, model: string, cost: number | undefined): RowContent {
  // Further calls than a batch may hold are not recorded, so the model is never asked to pair them.
  const calls = answer.calls.slice(0, LIMITS.callsPerStep).map((call, index): ToolCall => ({
    index, callId: call.id, tool: call.name, args: call.args, ...(call.malformed === undefined ? {} : { malformed: call.malformed }),
  }));
  return {
    type: 'assistant', text: answer.text, calls, provider, model, stop: answer.stop, usage: answer.usage,
    ...(answer.reasoning ? { reasoning: answer.reasoning } : {}),
    ...(cost === undefined ? {} : { costUsd: cost }),
  };
}
