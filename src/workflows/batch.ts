/**
 * The calls of one model answer: read-only neighbours together, everything else one after another, in the model's
 * order. Invariants: every call gets exactly one result; a call that needs approval runs only when its row says
 * `allowed`; waiting for a person never keeps another message of the session from being answered.
 */
import { CancellationScope, condition, isCancellation } from '@temporalio/workflow';
import { CHAIN_ENDING_FAILURES, FAILURES, clip } from '../core/names.js';
import type { BatchCall } from '../core/run.js';
import type { RequestApprovalResult } from '../core/steps.js';
import { bookkeeping, tools } from './activities.js';
import { causeOf, workerLost } from './failures.js';
import { skip, skippable } from './inbox.js';
import { type SessionState, fence, shouldContinueAsNew, show, urgency } from './state.js';
import { whilePaused } from './time-limit.js';

/** @returns `continue as new` at a wait where the history should be cut; the batch goes on from its data */
export async function runBatch(s: SessionState): Promise<'done' | 'continue as new'> {
  // All questions at once: whoever answers sees the whole batch.
  for (const call of s.turn!.batch!) if (call.needsApproval && call.approval === undefined && call.status === 'pending') await ask(s, call);
  for (;;) {
    const open = s.turn!.batch!.filter((call) => call.status !== 'done');
    const [first] = open;
    if (!first || s.stopping) return 'done';
    const skipped = skippable(s);
    if (skipped.length > 0) {
      await skip(s, skipped);
      continue;
    }
    if (first.status === 'awaiting approval') {
      if ((await awaitDecision(s, first)) === 'continue as new') return 'continue as new';
      continue;
    }
    const firstOther = open.findIndex((call) => call.policy !== 'read-only' || call.status !== 'pending');
    const together = firstOther === -1 ? open.length : Math.max(1, firstOther);
    const ended = await Promise.allSettled(open.slice(0, together).map((call) => runCall(s, call)));
    // Siblings have all ended: only now may the first failure leave.
    const failed = ended.find((end) => end.status === 'rejected');
    if (failed) throw failed.reason;
  }
}

/** A call whose approval came after its turn: it runs as the first thing of the run that tells of it. */
export async function runFollowOn(s: SessionState): Promise<void> {
  const turn = s.turn!;
  const { run, step, index, callSeq, seq, tool, policy, approval } = turn.followOn!;
  const enters = { run: turn.item.run };
  const at = { run, step, index, callSeq, seq };
  await carryOut(s, { tool, policy, at, summary: clip(`approved call of run ${run.slice(0, 12)}`), approval, enters });
  s.turn = { ...s.turn!, followOn: undefined };
}

async function runCall(s: SessionState, call: BatchCall): Promise<void> {
  const at = placeOf(s, call);
  await carryOut(s, { tool: call.tool, policy: call.policy, at, summary: clip(`step ${at.step}, call ${at.index + 1} of ${s.turn!.batch!.length}`), approval: call.approval });
  update(s, call, { status: 'done' });
}

interface Carried extends Pick<BatchCall, 'tool' | 'policy' | 'approval'> {
  readonly at: Place;
  readonly summary: string;
  readonly enters?: { readonly run: string };
}

/** Runs one call until it has its result. Crashes alone never end it: it is scheduled again until something says yes or no. */
async function carryOut(s: SessionState, { tool, policy, at, summary, approval, enters }: Carried): Promise<void> {
  const { inboundId } = s.turn!.item;
  const entered = enters ? { enters } : {};
  for (let nth = 0; ; nth += 1) {
    try {
      await tools(s.opened.hostQueue, policy)[tool]!.executeWithOptions({ activityId: `${at.run}:${at.step}.${at.index}`, summary, ...urgency(s) }, [
        { ...fence(s), ...at, inboundId, ...(nth === 0 ? {} : { nth }), ...(approval === undefined ? {} : { approval }), ...entered },
      ]);
      return;
    } catch (error) {
      if (isCancellation(error)) throw error;
      if (workerLost(error)) continue;
      const { code, message } = causeOf(error);
      if (CHAIN_ENDING_FAILURES.some((type) => type === code)) throw error;
      await CancellationScope.nonCancellable(() => bookkeeping.answerCall({ ...fence(s), ...at, code, message, ...entered }));
      return;
    }
  }
}

type Place = ReturnType<typeof placeOf>;

const placeOf = (s: SessionState, call: BatchCall) => ({ run: s.turn!.item.run, step: s.turn!.step, index: call.index, callSeq: s.turn!.callSeq!, seq: call.seq });

function update(s: SessionState, call: BatchCall, change: Partial<BatchCall>): void {
  s.turn = { ...s.turn!, batch: s.turn!.batch!.map((other) => (other.index === call.index ? { ...other, ...change } : other)) };
  show(s);
}

/** Puts the question, or looks what became of it. */
async function ask(s: SessionState, call: BatchCall): Promise<void> {
  const { run, step, index, callSeq } = placeOf(s, call);
  const asked = await bookkeeping.requestApproval.executeWithOptions({ summary: clip(`approval of step ${step}, call ${index + 1}`) }, [
    { ...fence(s), inboundId: s.turn!.item.inboundId, run, step, index, callSeq },
  ]);
  await apply(s, call, asked);
}

async function apply(s: SessionState, call: BatchCall, asked: RequestApprovalResult): Promise<void> {
  switch (asked.state) {
    case 'not needed':
      return update(s, call, { status: 'pending', needsApproval: false });
    case 'allowed':
      return update(s, call, { status: 'pending', approval: asked.id });
    case 'open':
      return update(s, call, { status: 'awaiting approval', approval: asked.id });
    case 'denied':
    case 'cancelled':
    case 'expired': {
      const message = asked.state === 'denied' ? 'the owner said no; the call has not run. Do without it, or ask what to do instead.' : `the approval was ${asked.state}; the call has not run.`;
      await CancellationScope.nonCancellable(() => bookkeeping.answerCall({ ...fence(s), ...placeOf(s, call), code: FAILURES.NotApproved, message }));
      return update(s, call, { status: 'done', approval: asked.id });
    }
  }
}

/** Waits as long as it takes, unless somebody else waits for this session, or nobody sits beside the run. */
async function awaitDecision(s: SessionState, call: BatchCall): Promise<'decided' | 'continue as new'> {
  const id = call.approval!;
  const others = (): boolean => s.waiting.length > 0 || s.steering.length > 0 || s.turn!.background === true;
  await whilePaused(s, () => condition(() => s.decided.has(id) || s.stopping !== undefined || others() || shouldContinueAsNew(s)));
  if (s.stopping) return 'decided';
  if (s.decided.delete(id)) {
    await ask(s, call);
    return 'decided';
  }
  if (!others()) return 'continue as new';
  const { state } = await bookkeeping.handOnApproval.executeWithOptions({ summary: clip(`the turn goes on without approval ${id}`) }, [{ ...fence(s), ...placeOf(s, call), approval: id }]);
  if (state === 'open') {
    // Decided the moment it was handed on: the word has been heard already.
    if (!s.decided.delete(id)) s.handedOn = [...s.handedOn, id];
    update(s, call, { status: 'done' });
  } else await apply(s, call, { state, id });
  return 'decided';
}
