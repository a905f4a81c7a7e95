/**
 * `callModel`: one model call. Reads the conversation from rows, streams to the bus, writes the complete answer as one
 * row. Invariants: only complete answers are rows; a repeated attempt whose answer is already stored returns it
 * instead of paying twice; every attempt leaves a usage row.
 */
import { assembleContext, estimateTokens } from '../core/context.js';
import { type ModelAnswer, NO_USAGE, costUsd } from '../core/model.js';
import { LIMITS } from '../core/names.js';
import type { CallModelInput, CallModelResult } from '../core/run.js';
import type { RunEventBody } from '../core/events.js';
import type { RowContent, ToolCall, TranscriptRow } from '../core/transcript.js';
import { saveDraft } from '../storage/drafts.js';
import { checkFence } from '../storage/fence.js';
import { inboundById } from '../storage/inbound.js';
import { appendRows, recentRows, rowAt, sameIdentity } from '../storage/transcript.js';
import { recordModelAttempt } from '../storage/usage.js';
import { mayUse, rightsOf } from '../storage/rights.js';
import type { ActivityDeps } from './deps.js';
import { toFailure, translated } from './failures.js';
import { whileHeartbeating } from './heartbeat.js';
import { ModelError } from './models/types.js';
import { callFacts } from './turn-state.js';

export interface ModelActivities {
  callModel(input: CallModelInput): Promise<CallModelResult>;
}

/** A window's part that messages may never take, for prompts whose tokens we underestimate. */
const SAFETY = 0.9;

export function createCallModel(deps: ActivityDeps): ModelActivities {
  const { db } = deps;
  const policyOf = (tool: string) => deps.tools().get(tool)?.policy ?? 'read-only';

  return {
    callModel: (input) =>
      whileHeartbeating((running) =>
        translated(async () => {
          const stored = await rowAt(db, input.session, input.seq);
          if (stored && sameIdentity(stored, { conversation: input.conversation, run: input.run, step: input.step, kind: 'assistant' })) return facts(stored);
          // Before money is spent: a zombie attempt learns here that it is one.
          await checkFence(db, input);

          const inbound = await inboundById(db, input.inboundId);
          const request = inbound?.request ?? {};
          const base = { session: input.session, run: input.run, runId: inbound?.runId ?? input.run, step: input.step, attempt: running.attempt };
          const emit = (body: RunEventBody): void => deps.events.publish({ ...base, at: Date.now(), ...body });
          if (input.failedOver) emit({ type: 'failover', from: input.failedOver.from, to: input.model, code: input.failedOver.code });
          if (running.attempt > 1 || input.failedOver) emit({ type: 'reset' });

          const startedAt = Date.now();
          const [providerId = '', ...rest] = input.model.split('/');
          const attempt = (outcome: string, answer?: ModelAnswer, cost?: number) => ({
            session: input.session, run: input.run, step: input.step, generation: input.generation, attempt: running.attempt, provider: providerId, model: rest.join('/'),
            usage: answer?.usage ?? NO_USAGE, ...(cost === undefined ? {} : { costUsd: cost }), outcome, startedAt, endedAt: Date.now(),
          });

          let text = '';
          try {
            const { provider, model } = deps.models().resolve(input.model);
            const known = provider.facts(model);
            emit({ type: 'model', provider: provider.id, model });
            const rights = inbound ? await rightsOf(db, inbound.rights) : { tools: [] };
            const tools = deps.tools().tools.filter((tool) => mayUse(rights, tool.name)).map((tool) => ({ name: tool.name, description: tool.description, parameters: tool.parameters as unknown as Readonly<Record<string, unknown>> }));
            const system = [await deps.systemPrompt(), request.extraSystemPrompt].filter((part) => part !== undefined && part !== '').join('\n\n');
            const room = Math.floor((known.contextWindow - known.maxTokens - estimateTokens(system) - estimateTokens(JSON.stringify(tools))) * SAFETY);
            const rows = await recentRows(db, input.session, input.conversation, room * 4);
            const context = assembleContext(rows.filter((row) => row.seq < input.seq), { maxTokens: room, images: known.images, speakers: inbound?.message.conversation.kind !== 'direct' });

            const answer = await provider.stream(
              { model, system, messages: context.messages, tools, maxTokens: known.maxTokens, thinking: known.reasoning ? (request.thinking ?? deps.settings().thinking) : 'off' },
              {
                signal: running.signal,
                loadMedia: (hash) => deps.media.get({ hash }),
                onEvent: (event) => {
                  if (event.type === 'text') {
                    text += event.delta;
                    emit({ type: 'text', delta: event.delta });
                  } else if (event.type === 'thinking') emit({ type: 'thinking', delta: event.delta });
                },
              },
            );
            const cost = costUsd(known.price, answer.usage);
            const row = await db.transaction().execute(async (tx) => {
              const [written] = await appendRows(tx, input, [{ seq: input.seq, run: input.run, step: input.step, kind: 'assistant', content: answerContent(answer, provider.id, model, cost) }]);
              await recordModelAttempt(tx, attempt('ok', answer, cost));
              return written!;
            });
            emit({ type: 'answer', stop: answer.stop, usage: answer.usage, text: answer.text });
            return facts(row);
          } catch (error) {
            if (running.cancelled()) {
              await recordModelAttempt(db, attempt('aborted'));
              // A draft, not a row: the workflow decides what the seq becomes.
              return text === '' ? { kind: 'aborted' } : { kind: 'aborted', draft: await saveDraft(db, input, { run: input.run, step: input.step, text }) };
            }
            if (running.signal.aborted) throw error;
            await recordModelAttempt(db, attempt(error instanceof ModelError ? error.type : 'Internal'));
            throw toFailure(error, input);
          }
        }, () => running.signal.aborted),
      ),
  };

  function facts(row: TranscriptRow): CallModelResult {
    const content = row.content;
    if (content.type !== 'assistant') throw new Error(`seq ${row.seq} holds no answer`);
    return {
      kind: 'answer', seq: row.seq, stop: content.stop, provider: content.provider, model: content.model, usage: content.usage,
      ...(content.costUsd === undefined ? {} : { costUsd: content.costUsd }),
      calls: callFacts(content.calls, policyOf),
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
