/**
 * The turn loop: model, tools, model … until an answer (DESIGN §4). Step state is data in `s.turn`.
 * Invariants: a turn ends in its row exactly once; every call of a batch gets a result before the run ends; a cancelled
 * turn is sealed in a non-cancellable scope.
 */
import { CancellationScope, condition, createEventGroup, isCancellation } from '@temporalio/workflow';
import { CHAIN_ENDING_FAILURES, FAILURES, clip } from '../core/names.js';
import type { InboxItem } from '../core/queue.js';
import type { BatchCall, RunOutcome, TurnState } from '../core/run.js';
import { type CallModelResult, SKIPPED_BY_STOP } from '../core/steps.js';
import { bookkeeping, models } from './activities.js';
import { runBatch, runFollowOn } from './batch.js';
import { causeOf, workerLost } from './failures.js';
import { listen, steer } from './inbox.js';
import { type SessionState, allotSeq, fence, shouldContinueAsNew, show, urgency } from './state.js';
import { armTimeLimit, disarmTimeLimit, whilePaused } from './time-limit.js';

type TurnEnd = 'ended' | 'continue as new';

/** Runs `s.turn` to its end, or to a point where the history should be cut. */
export async function runTurn(s: SessionState): Promise<TurnEnd> {
  const turn = s.turn!;
  const group = createEventGroup(`turn ${turn.item.run.slice(0, 12)}`);
  return group.withScope(async () => {
    armTimeLimit(s);
    try {
      const end = await CancellationScope.cancellable(async () => {
        s.scope = CancellationScope.current();
        return steps(s);
      });
      if (end !== 'stopped') return end;
    } catch (error) {
      if (!isCancellation(error) || !s.stopping) throw error;
    } finally {
      s.scope = undefined;
      disarmTimeLimit(s);
    }
    await CancellationScope.nonCancellable(() => seal(s));
    return 'ended';
  });
}

async function steps(s: SessionState): Promise<TurnEnd | 'stopped'> {
  /** The owner's word on a budget was heard: should it be no, nobody else's message ends with this turn. */
  let answered = false;
  for (;;) {
    const turn = s.turn!;
    show(s);
    if (turn.ended) return finish(s, { outcome: turn.ended });
    if (s.stopping) return 'stopped';
    if (shouldContinueAsNew(s)) return 'continue as new';
    if (turn.followOn) {
      await runFollowOn(s);
      continue;
    }
    if (turn.paused) {
      await awaitAnswer(s);
      answered = true;
      continue;
    }
    if (turn.batch) {
      if ((await runBatch(s)) === 'continue as new') return 'continue as new';
      if (s.stopping) return 'stopped';
      const { skips = 0, cut, ...after } = s.turn!;
      s.turn = { ...after, ...(cut === true ? { skips: skips + 1 } : {}), step: turn.step + 1, seq: allotSeq(s), batch: undefined, callSeq: undefined };
      continue;
    }
    if (s.steering.length > 0 && !answered) {
      await steer(s);
      continue;
    }
    if (turn.hear) {
      await listen(s);
      continue;
    }
    if (turn.step > turn.maxSteps) {
      return fail(s, FAILURES.StepLimit, `The run used all ${turn.maxSteps} steps without an answer. Ask again more narrowly, or raise agents.defaults.maxSteps.`);
    }
    const result = await askModel(s);
    answered = false;
    if (result === 'failed') return 'ended';
    if (result.kind === 'aborted') {
      s.draft = result.draft;
      return 'stopped';
    }
    if (result.kind === 'over budget') {
      const { kind: _, ...paused } = result;
      s.turn = { ...s.turn!, paused };
      continue;
    }
    if (result.kind === 'budget stopped') return fail(s, FAILURES.BudgetExceeded, result.message);
    const spent = { tokens: turn.tokens + result.usage.input + result.usage.output + result.usage.cacheRead + result.usage.cacheWrite, costUsd: turn.costUsd + (result.costUsd ?? 0) };
    if (result.calls.length === 0) {
      s.turn = { ...s.turn!, ...spent };
      return finish(s, { outcome: { state: 'ok', seq: result.seq } });
    }
    const batch = result.calls.map((call): BatchCall => ({ ...call, seq: allotSeq(s), status: 'pending' }));
    s.turn = { ...s.turn!, ...spent, batch, callSeq: result.seq };
  }
}

/** One step's answer, from the first model of the chain that gives one. A turn stays with the model it failed over to. */
async function askModel(s: SessionState): Promise<CallModelResult | 'failed'> {
  let failedOver: { from: string; code: string } | undefined;
  for (let nth = 0; ; nth += 1) {
    const turn = s.turn!;
    const model = turn.models[turn.model]!;
    const hasFallback = turn.model + 1 < turn.models.length;
    try {
      return await models(s.opened.hostQueue, hasFallback).callModel.executeWithOptions(
        { activityId: `${turn.item.run}:${turn.step}`, summary: clip(`step ${turn.step} · ${model}`), ...urgency(s) },
        [{ ...fence(s), inboundId: turn.item.inboundId, run: turn.item.run, step: turn.step, seq: turn.seq, model, nth, hasFallback, ...(failedOver ? { failedOver } : {}) }],
      );
    } catch (error) {
      if (isCancellation(error)) throw error;
      if (workerLost(error)) continue;
      const { code, message } = causeOf(error);
      if (CHAIN_ENDING_FAILURES.some((type) => type === code)) throw error;
      if (!hasFallback) {
        await fail(s, code, message);
        return 'failed';
      }
      failedOver = { from: model, code };
      s.turn = { ...turn, model: turn.model + 1 };
      show(s);
    }
  }
}

/** Waits for the owner's word on a budget, or for the day the limit ends by itself; then the model is asked again. */
async function awaitAnswer(s: SessionState): Promise<void> {
  const { question, until } = s.turn!.paused!;
  const answered = (): boolean => s.decided.has(question) || s.stopping !== undefined || shouldContinueAsNew(s);
  await whilePaused(s, async () => {
    if (until === undefined) await condition(answered);
    else await condition(answered, Math.max(1, until - Date.now()), { summary: 'the limit ends by itself' });
  });
  // Cut here, the next history waits on: it is still paused.
  if (!s.decided.delete(question) && shouldContinueAsNew(s) && (until === undefined || Date.now() < until)) return;
  s.turn = { ...s.turn!, paused: undefined };
}

/** Ends the run as failed; the row says why, for people. */
const fail = (s: SessionState, code: string, message: string): Promise<'ended'> => {
  const seq = s.turn!.seq;
  return finish(s, { outcome: { state: 'error', seq, code }, last: { kind: 'error', seq, code, message } });
};

async function finish(s: SessionState, end: Pick<Parameters<typeof bookkeeping.finishRun>[0], 'outcome' | 'last'>): Promise<'ended'> {
  const turn = s.turn!;
  // A stop that arrives now is too late: the outcome is already decided.
  const { nextSeq } = await CancellationScope.nonCancellable(() =>
    bookkeeping.finishRun.executeWithOptions({ summary: summaryOf(turn, end.outcome) }, [{ ...fence(s), inboundId: turn.item.inboundId, run: turn.item.run, step: turn.step, ...end }]),
  );
  leaveTurn(s, nextSeq);
  return 'ended';
}

const summaryOf = (turn: TurnState, outcome: RunOutcome): string =>
  clip([outcome.code ?? outcome.state, `${turn.step} steps`, `${turn.tokens} tokens`, `$${turn.costUsd.toFixed(4)}`].join(' · '));

/** Closes a stopped turn: open calls are answered, the seq of the answer that did not come is taken. */
async function seal(s: SessionState): Promise<void> {
  const turn = s.turn!;
  const stopping = s.stopping!;
  const calls = (turn.batch ?? []).filter((call) => call.status !== 'done').map(({ index, seq }) => ({ index, seq }));
  const seq = turn.batch ? allotSeq(s) : turn.seq;
  const timedOut = stopping.code === 'RunTimeout';
  const { nextSeq } = await bookkeeping.sealTurn.executeWithOptions({ summary: clip(stopping.reason) }, [
    {
      ...fence(s),
      inboundId: turn.item.inboundId,
      run: turn.item.run,
      step: turn.step,
      outcome: timedOut ? { state: 'error', seq, code: FAILURES.RunTimeout } : { state: 'aborted', seq, code: stopping.code, ...(stopping.by === undefined ? {} : { by: stopping.by }) },
      last: { kind: 'aborted', seq, reason: stopping.reason, ...(s.draft === undefined ? {} : { draft: s.draft }) },
      ...(turn.callSeq === undefined ? {} : { open: { callSeq: turn.callSeq, calls, note: SKIPPED_BY_STOP } }),
      ...(turn.followOn ? { command: `${turn.followOn.run}:${turn.followOn.step}.${turn.followOn.index}`, commandSeq: turn.followOn.seq } : {}),
    },
  ]);
  leaveTurn(s, nextSeq);
}

/** Ends a run that was stopped while it waited: it has no rows, only its outcome. Its item leaves the list with its row. */
export async function endWaiting(s: SessionState, item: InboxItem): Promise<void> {
  await bookkeeping.finishRun.executeWithOptions({ summary: 'stopped while waiting' }, [
    { ...fence(s), inboundId: item.inboundId, run: item.run, step: 0, outcome: { state: 'aborted', code: 'stopped' } },
  ]);
  s.stopped = s.stopped.filter((other) => other !== item);
}

function leaveTurn(s: SessionState, nextSeq: number): void {
  s.turn = undefined;
  s.stopping = undefined;
  s.draft = undefined;
  s.decided.clear();
  s.nextSeq = Math.max(s.nextSeq, nextSeq);
}
