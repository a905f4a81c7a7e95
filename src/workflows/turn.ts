/**
 * The turn loop: model, tools, model … until an answer (DESIGN §4). Step state is data in `s.turn`.
 * Invariants: a turn ends in its row exactly once; every call of a batch gets a result before the run ends; a cancelled
 * turn is sealed in a non-cancellable scope.
 */
import {
  ActivityFailure, ApplicationFailure, CancellationScope, TimeoutFailure, createEventGroup, isCancellation, sleep,
} from '@temporalio/workflow';
import { FAILURES, clip } from '../core/names.js';
import type { InboxItem } from '../core/queue.js';
import { type BatchCall, type CallModelResult, type RunOutcome, SKIPPED_BY_STOP, type TurnState } from '../core/run.js';
import { bookkeeping, models, tools } from './activities.js';
import { type SessionState, allotSeq, fence, shouldContinueAsNew, show } from './state.js';

type TurnEnd = 'ended' | 'continue as new';

/** Runs `s.turn` to its end, or to a point where the history should be cut. */
export async function runTurn(s: SessionState): Promise<TurnEnd> {
  const turn = s.turn!;
  const group = createEventGroup(`turn ${turn.item.run.slice(0, 12)}`);
  return group.withScope(async () => {
    const limit = armDeadline(s, turn);
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
      limit.cancel();
    }
    await CancellationScope.nonCancellable(() => seal(s));
    return 'ended';
  });
}

async function steps(s: SessionState): Promise<TurnEnd | 'stopped'> {
  for (;;) {
    const turn = s.turn!;
    show(s);
    if (turn.ended) return finish(s, { outcome: turn.ended });
    if (s.stopping) return 'stopped';
    if (shouldContinueAsNew(s)) return 'continue as new';
    if (turn.batch) {
      await runBatch(s, turn.batch);
      if (s.stopping) return 'stopped';
      s.turn = { ...s.turn!, step: turn.step + 1, seq: allotSeq(s), batch: undefined, callSeq: undefined };
      continue;
    }
    if (turn.step > turn.maxSteps) {
      return fail(s, FAILURES.StepLimit, `The run used all ${turn.maxSteps} steps without an answer. Ask again more narrowly, or raise agents.defaults.maxSteps.`);
    }
    const result = await askModel(s);
    if (result === 'failed') return 'ended';
    if (result.kind === 'aborted') {
      s.draft = result.draft;
      return 'stopped';
    }
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
        { activityId: `${turn.item.run}:${turn.step}`, summary: clip(`step ${turn.step} · ${model}`) },
        [{ ...fence(s), inboundId: turn.item.inboundId, run: turn.item.run, step: turn.step, seq: turn.seq, model, nth, hasFallback, ...(failedOver ? { failedOver } : {}) }],
      );
    } catch (error) {
      if (isCancellation(error)) throw error;
      if (workerLost(error)) continue;
      const { code, message } = causeOf(error);
      if (code === FAILURES.FencedOut) throw error;
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

/** Neighbouring read-only calls together, everything else one after another, in the model's order. */
async function runBatch(s: SessionState, batch: readonly BatchCall[]): Promise<void> {
  const open = batch.filter((call) => call.status !== 'done');
  while (open.length > 0 && !s.stopping) {
    const firstOther = open.findIndex((call) => call.policy !== 'read-only');
    const together = firstOther === -1 ? open.length : Math.max(1, firstOther);
    const ended = await Promise.allSettled(open.splice(0, together).map((call) => runCall(s, call)));
    // Siblings have all ended: only now may the first failure leave.
    const failed = ended.find((end) => end.status === 'rejected');
    if (failed) throw failed.reason;
  }
}

async function runCall(s: SessionState, call: BatchCall): Promise<void> {
  const turn = s.turn!;
  const at = { run: turn.item.run, step: turn.step, index: call.index, callSeq: turn.callSeq!, seq: call.seq };
  for (let answered = false; !answered; ) {
    try {
      await tools(s.opened.hostQueue, call.policy)[call.tool]!.executeWithOptions(
        { activityId: `${at.run}:${at.step}.${at.index}`, summary: clip(`step ${at.step}, call ${at.index + 1} of ${turn.batch!.length}`) },
        [{ ...fence(s), ...at, inboundId: turn.item.inboundId, rights: turn.item.rights }],
      );
    } catch (error) {
      if (isCancellation(error)) throw error;
      if (workerLost(error)) continue;
      const { code, message } = causeOf(error);
      if (code === FAILURES.FencedOut) throw error;
      await CancellationScope.nonCancellable(() => bookkeeping.answerCall({ ...fence(s), ...at, code, message }));
    }
    answered = true;
  }
  s.turn = { ...s.turn!, batch: s.turn!.batch!.map((other) => (other.index === call.index ? { ...other, status: 'done' } : other)) };
  show(s);
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
  s.nextSeq = Math.max(s.nextSeq, nextSeq);
}

/** A run's own time limit, as a timer beside its steps; it survives a continue-as-new because the deadline is absolute. */
function armDeadline(s: SessionState, turn: TurnState): CancellationScope {
  const scope = new CancellationScope();
  const { deadline } = turn;
  if (deadline === undefined) return scope;
  scope
    .run(async () => {
      await sleep(Math.max(1, deadline - Date.now()), { summary: 'time limit of the run' });
      s.stopping ??= { code: 'RunTimeout', reason: 'the run used up its time limit' };
      s.scope?.cancel();
    })
    .catch((error: unknown) => {
      if (!isCancellation(error)) throw error;
    });
  return scope;
}

/** Attempts ran out because workers died, not because anything said no: crashes alone never fail a run. */
const workerLost = (error: unknown): boolean =>
  error instanceof ActivityFailure && error.cause instanceof TimeoutFailure && error.cause.timeoutType === 'HEARTBEAT';

function causeOf(error: unknown): { readonly code: string; readonly message: string } {
  if (!(error instanceof ActivityFailure)) throw error;
  const { cause } = error;
  if (cause instanceof ApplicationFailure) return { code: cause.type ?? FAILURES.Internal, message: cause.message };
  if (cause instanceof TimeoutFailure) return { code: FAILURES.Network, message: `no answer in time (${cause.timeoutType})` };
  return { code: FAILURES.Internal, message: error.message };
}
