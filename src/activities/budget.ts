/**
 * What a model call does about budgets: reserves before it, waits or asks when it does not fit, settles after it.
 * Invariants: nothing is sent to a provider without a reservation; whatever becomes of the attempt, what was used is
 * counted with its usage row in one transaction, as far as the provider said it.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { estimateTokens } from '../core/context.js';
import { endOfDay, endOfMonth } from '../core/calendar.js';
import type { RunEventBody } from '../core/events.js';
import { type ModelEvent, type ModelRequest, NO_USAGE, type Usage, costUsd } from '../core/model.js';
import { FAILURES } from '../core/names.js';
import type { BudgetScope } from '../core/budget.js';
import type { CallModelInput, CallModelResult } from '../core/steps.js';
import { agentOf } from '../core/session-key.js';
import type { Estimate } from '../core/budget-fit.js';
import type { RunAnswer } from '../storage/budget-questions.js';
import type { Tx } from '../storage/fence.js';
import { type Reserving, reserve, settle, stillHeld } from '../storage/ledger.js';
import { attemptId, recordModelAttempt } from '../storage/usage.js';
import type { ActivityDeps } from './deps.js';
import type { Running } from './heartbeat.js';
import { ModelError, type ModelFacts } from './models/types.js';

/** How often an attempt looks whether others have given back what it needs. */
const HELD_POLL_MS = 200;
/** After this the wait goes on in the workflow: an activity has ten minutes, and its answer needs most of them. */
const HELD_AT_MOST_MS = 4 * 60_000;
const HELD_AGAIN_MS = 1_000;
/** Providers bill an image at about this. */
const IMAGE_TOKENS = 1_500;

export interface Spending {
  /** @returns the output limit that was granted, or what the activity answers instead of calling the model */
  reserve(request: ModelRequest, known: ModelFacts, runId: string, emit: (body: RunEventBody) => void): Promise<{ readonly output: number } | { readonly instead: CallModelResult }>;
  /** Everything the provider streams. */
  heard(event: ModelEvent): void;
  /** Counts the attempt in its usage row and its budgets. @param usage as the answer has it; what was streamed when there is none */
  settle(tx: Tx, outcome: string, usage?: Usage): Promise<void>;
}

export function createSpending(deps: ActivityDeps, input: CallModelInput, running: Running): Spending {
  const startedAt = Date.now();
  const [provider = '', ...rest] = input.model.split('/');
  const about = { run: input.run, step: input.step, attempt: running.attempt, provider, model: rest.join('/') };
  const id = attemptId({ ...about, generation: input.generation, startedAt });
  let asked: Estimate | undefined;
  let counted: Usage | undefined;
  let text = '';
  let streamed = false;

  /** A line that broke off may have said less than was used: what was heard counts at least. */
  function used(): Usage {
    if (!streamed) return NO_USAGE;
    const usage = counted ?? { ...NO_USAGE, input: asked?.input ?? 0 };
    return { ...usage, output: Math.max(usage.output, estimateTokens(text)) };
  }

  return {
    async reserve(request, known, runId, emit) {
      asked = { input: inputTokens(request), output: request.maxTokens, ...(known.price ? { price: known.price } : {}) };
      const at: Reserving = { id, fence: input, runId, agent: agentOf(input.session), ...about };
      const until = Date.now() + HELD_AT_MOST_MS;
      for (;;) {
        const budgets = deps.budgets();
        const found = await reserve(deps.db, at, asked, budgets);
        switch (found.kind) {
          case 'granted':
            for (const question of found.went) emit({ type: 'budget', question });
            return { output: found.output };
          case 'over':
            emit({ type: 'budget', question: found.question });
            return { instead: { kind: 'over budget', question: found.question, scope: found.scope, ...endOf(found.scope, found.day, budgets.timezone) } };
          case 'stopped':
            return { instead: { kind: 'budget stopped', message: stoppedText(found.answer) } };
          case 'held':
            if (Date.now() >= until) return { instead: { kind: 'over budget', question: found.line, held: true, scope: found.scope, until: Date.now() + HELD_AGAIN_MS } };
        }
        do await breathe();
        while (Date.now() < until && (await stillHeld(deps.db, at, asked, deps.budgets())));
      }
    },

    heard(event) {
      streamed = true;
      if (event.type === 'usage') counted = event.usage;
      else if (event.type === 'text' || event.type === 'thinking') text += event.delta;
    },

    async settle(tx, outcome, answered) {
      const usage = answered ?? used();
      const cost = costUsd(asked?.price, usage);
      await recordModelAttempt(tx, { ...about, session: input.session, generation: input.generation, usage, ...(cost === undefined ? {} : { costUsd: cost }), outcome, startedAt, endedAt: Date.now() });
      await settle(tx, id, { tokens: usage.input + usage.output + usage.cacheRead + usage.cacheWrite, usd: cost ?? 0 });
    },
  };

  async function breathe(): Promise<void> {
    const leaving = AbortSignal.any([running.signal, deps.draining]);
    await pause(HELD_POLL_MS, undefined, { signal: leaving }).catch(() => running.signal.throwIfAborted());
    // Nothing was asked yet: the next process takes the wait over.
    if (deps.draining.aborted) throw new ModelError(FAILURES.Network, 'the worker is leaving');
  }
}

/** Only days and months end by themselves. */
function endOf(scope: BudgetScope, day: string, timezone: string): { readonly until?: number } {
  if (scope === 'day') return { until: endOfDay(timezone, day) };
  return scope === 'month' ? { until: endOfMonth(timezone, day) } : {};
}

/** The run is over: what can be done is about the next one. */
function stoppedText({ scope, unit, limit, spent, needs }: RunAnswer): string {
  const amount = (value: number): string => (unit === 'usd' ? `$${value.toFixed(value < 0.01 ? 4 : 2)}` : `${value} tokens`);
  const next = scope === 'run' ? 'Another message is a run with a budget of its own' : 'At the next message the owner is asked anew';
  return `The budget of this ${scope} had no room for the next call (limit ${amount(limit)}, spent ${amount(spent)}${needs === undefined ? '' : `, the call needs ${amount(needs)} or more`}) and the owner said stop. ${next}; budgets.${scope}.${unit} is the limit.`;
}

/** By bytes: scripts whose letters take three of them take about a token a letter, not a quarter of one. */
function inputTokens({ system, tools, messages }: ModelRequest): number {
  let bytes = Buffer.byteLength(system) + Buffer.byteLength(JSON.stringify(tools));
  let images = 0;
  for (const message of messages) {
    bytes += Buffer.byteLength(JSON.stringify(message));
    if (message.role !== 'assistant') images += message.blocks.filter((block) => block.type === 'image').length;
  }
  return Math.ceil(bytes / 3.5) + images * IMAGE_TOKENS;
}
