/**
 * The queue's decisions in the store: messages enter a turn, calls are answered as skipped, runs are dropped, a new
 * conversation begins. Each is one transaction that may be repeated and leaves the same rows.
 */
import type { DropRunsInput, ResetSessionInput, ResetSessionResult, SkipCallsInput, SteerRunInput, SteerRunResult } from '../core/inbox.js';
import { SKIPPED_BY_MESSAGE } from '../core/inbox.js';
import { RPC_CHANNEL } from '../core/names.js';
import type { Fence } from '../core/steps.js';
import { isTerminal } from '../core/run.js';
import { cancelSessionApprovals } from '../storage/approvals.js';
import { currentConversation, openConversation } from '../storage/conversations.js';
import { lineOf } from '../storage/deliveries.js';
import { assertFence, storeBehind } from '../storage/fence.js';
import { type Inbound, endInbound, inboundById, markTaken } from '../storage/inbound.js';
import { appendRows, highestSeq, rowAt } from '../storage/transcript.js';
import { enqueueReply } from './reply.js';
import type { ActivityDeps } from './deps.js';
import { translated } from './failures.js';
import { toHear } from './media/transcripts.js';
import { resultRow } from './result-row.js';
import { expectRowsBelow, repairing } from './store-behind.js';
import { userContent } from './take-run.js';

export interface InboxActivities {
  steerRun(input: SteerRunInput): Promise<SteerRunResult>;
  skipCalls(input: SkipCallsInput): Promise<void>;
  dropRuns(input: DropRunsInput): Promise<void>;
  resetSession(input: ResetSessionInput): Promise<ResetSessionResult>;
}

export const NEW_CONVERSATION = 'A new conversation begins. What was said before is kept, and no longer read.';

export function createInbox(deps: ActivityDeps): InboxActivities {
  const { db } = deps;
  const fenced = <T>(input: Fence, work: () => Promise<T>): Promise<T> => repairing(deps, input, () => translated(work, () => false));
  const tellEnd = (session: string, { run, runId }: Pick<Inbound, 'run' | 'runId'>, state: 'merged' | 'dropped' | 'ok'): void =>
    deps.events.publish({ type: 'end', state, session, run, runId, step: 0, attempt: 1, at: Date.now() });

  return {
    steerRun: (input) =>
      fenced(input, async () => {
        const merged: Inbound[] = [];
        const nextSeq = await db.transaction().execute(async (tx) => {
          await assertFence(tx, input);
          await expectRowsBelow(tx, input.session, input.seq);
          let seq = Math.max(input.seq, (await highestSeq(tx, input.session)) + 1);
          for (const { inboundId } of input.items) {
            const other = await inboundById(tx, inboundId);
            if (!other) throw storeBehind(`message ${inboundId} was accepted and is not there`);
            // Entered by an earlier attempt, or ended by a stop that came first.
            if (!(await markTaken(tx, inboundId))) continue;
            await appendRows(tx, input, [{ seq, run: input.run, step: input.step, kind: 'user', content: userContent(other.message) }]);
            await endInbound(tx, inboundId, { state: 'merged', mergedInto: input.run });
            merged.push(other);
            seq += 1;
          }
          return seq;
        });
        for (const other of merged) tellEnd(input.session, other, 'merged');
        // Also those an earlier attempt of this activity let in.
        const hear = await toHear(deps, input.items.map(({ inboundId }) => inboundId));
        return { nextSeq, ...(hear.length > 0 ? { hear } : {}) };
      }),

    skipCalls: (input) =>
      fenced(input, () =>
        db.transaction().execute(async (tx) => {
          await assertFence(tx, input);
          for (const call of input.calls) {
            if (await rowAt(tx, input.session, call.seq)) continue;
            const row = await resultRow(tx, input, input.callSeq, call, SKIPPED_BY_MESSAGE, { skipped: true });
            if (!row) throw storeBehind(`row ${input.callSeq} with call ${call.index} of step ${input.step} was written and is not there`);
            await appendRows(tx, input, [row]);
          }
        }),
      ),

    dropRuns: (input) =>
      fenced(input, async () => {
        const dropped: Inbound[] = [];
        await db.transaction().execute(async (tx) => {
          await assertFence(tx, input);
          for (const { inboundId, reason } of input.items) {
            const other = await inboundById(tx, inboundId);
            if (!other || isTerminal(other.state)) continue;
            await endInbound(tx, inboundId, { state: 'dropped', reason });
            dropped.push(other);
          }
        });
        for (const other of dropped) tellEnd(input.session, other, 'dropped');
      }),

    resetSession: (input) =>
      fenced(input, async () => {
        const done = await db.transaction().execute(async (tx) => {
          const known = await inboundById(tx, input.inboundId);
          if (!known) throw storeBehind(`message ${input.inboundId} was accepted and is not there`);
          const conversation = conversationOf(known);
          const goesOn = known.message.text.trim() !== '' || known.message.attachments.length > 0;
          // Done by an earlier attempt, whose fence was the old conversation's.
          const repeated = (await currentConversation(tx, input.session)) === conversation;
          const at = repeated ? { ...input, conversation } : input;
          await assertFence(tx, at);
          if (repeated || isTerminal(known.state)) return { known, conversation: (await currentConversation(tx, input.session))!, nextSeq: (await highestSeq(tx, input.session)) + 1, goesOn: goesOn && !isTerminal(known.state), cancelled: [] };
          const cancelled = await cancelSessionApprovals(tx, input.session, 'reset');
          await openConversation(tx, input.session, conversation);
          const seq = Math.max(input.seq, (await highestSeq(tx, input.session)) + 1);
          const text = [NEW_CONVERSATION, cancelled.length === 0 ? '' : `${cancelled.length === 1 ? 'One open question is' : `${cancelled.length} open questions are`} cancelled: ${cancelled.map(({ id }) => id).join(', ')}.`].filter(Boolean).join(' ');
          // With words or files it goes on as their turn, which says enough.
          if (!goesOn) await appendRows(tx, { ...input, conversation }, [{ seq, run: input.run, step: 0, kind: 'notice', content: { type: 'notice', text } }]);
          if (!goesOn) await endInbound(tx, input.inboundId, { state: 'ok', outcome: { state: 'ok', seq } });
          if (!goesOn || cancelled.length > 0) await enqueueReply(tx, known, { kind: 'command', source: { type: 'text', markdown: text } });
          return { known, conversation, nextSeq: goesOn ? seq : seq + 1, goesOn, cancelled };
        });
        const { known } = done;
        for (const { id, run, runId } of done.cancelled) deps.events.publish({ type: 'approval', id, session: input.session, run, runId, step: 0, attempt: 1, at: Date.now() });
        if (!done.goesOn) tellEnd(input.session, known, 'ok');
        if (known.channel !== RPC_CHANNEL) void deps.deliveries?.wake(lineOf(known.message));
        return { conversation: done.conversation, nextSeq: done.nextSeq, goesOn: done.goesOn };
      }),
  };
}

/** Named after the order, so that a repeat opens nothing new. */
const conversationOf = (order: Inbound): string => `reset-${order.inboundId}`;
