/**
 * Takes a run: its message becomes a row, what an earlier chain had done is found again, and the workflow learns where
 * the run stands. Invariant: repeated at any time it leaves the same rows; a run that ended is not taken.
 */
import type { Attachment, Sender } from '../core/message.js';
import type { FollowOn } from '../core/run.js';
import type { Fence, TakeRunInput, TakeRunResult } from '../core/steps.js';
import type { RowContent } from '../core/transcript.js';
import { approvalById, callKey, settleApproval } from '../storage/approvals.js';
import { currentConversation, openConversation } from '../storage/conversations.js';
import { type Tx, assertFence, storeBehind } from '../storage/fence.js';
import { type Inbound, endInbound, inboundById, markTaken, takeSummarized } from '../storage/inbound.js';
import { takeLost } from '../storage/lost.js';
import { takeOverheard } from '../storage/overheard.js';
import { sessionSettings } from '../storage/session-settings.js';
import { type NewRow, appendRows, highestSeq, rowAt, runRows } from '../storage/transcript.js';
import { waitedForPeople } from '../storage/waited.js';
import { callsToAsk } from './approvals.js';
import type { ActivityDeps } from './deps.js';
import { tellLinked } from './linked.js';
import { deniedText, followOnOf } from './follow-on.js';
import { toHear } from './media/transcripts.js';
import { resetIsDue } from './reset-policy.js';
import { expectRowsBelow, lostText } from './store-behind.js';
import { type Progress, policyIn, progressOf } from './turn-state.js';

interface Taken {
  readonly inbound: Inbound;
  readonly waitedMs: number;
  readonly progress: Progress;
  readonly followOn?: FollowOn;
  readonly conversation?: string;
}

export async function takeRun(deps: ActivityDeps, input: TakeRunInput): Promise<TakeRunResult> {
  const { db } = deps;
  const settings = deps.settings();
  const taken = await db.transaction().execute((tx) => take(deps, tx, input));
  if (!taken) return { status: 'finished' };
  const { inbound, progress, followOn, waitedMs, conversation } = taken;
  const { nextSeq, ...state } = await withApprovals(deps, input, progress);
  const own = await sessionSettings(db, input.session);
  const model = inbound.request.model ?? own.model;
  const hear = await toHear(deps, [input.inboundId, ...(input.with ?? []).map(({ inboundId }) => inboundId)]);
  const startedAt = inbound.takenAt ?? Date.now();
  const timeoutMs = inbound.request.timeoutMs ?? settings.runTimeoutMs;
  deps.events.publish({ type: 'start', session: input.session, run: input.run, runId: inbound.runId, step: state.step, attempt: 1, at: Date.now() });
  return {
    status: 'taken',
    nextSeq,
    ...(conversation === undefined ? {} : { conversation }),
    turn: {
      ...state,
      model: 0,
      // A model somebody picked is meant: no other answers in its place.
      models: model === undefined ? deps.models().chain : [model],
      maxSteps: settings.maxSteps,
      ...(timeoutMs === undefined ? {} : { deadline: startedAt + timeoutMs + waitedMs }),
      startedAt,
      inGroup: inbound.message.conversation.kind !== 'direct',
      tokens: 0,
      costUsd: 0,
      ...(inbound.request.background === true ? { background: true } : {}),
      ...(followOn ? { followOn } : {}),
      ...(hear.length > 0 ? { hear } : {}),
    },
  };
}

/** @returns nothing for a run that has ended */
async function take(deps: ActivityDeps, tx: Tx, asked: TakeRunInput): Promise<Taken | undefined> {
  const known = await inboundById(tx, asked.inboundId);
  // An earlier attempt of this very activity may have begun the new conversation.
  const begun = known && (await currentConversation(tx, asked.session)) === automatic(known) ? automatic(known) : undefined;
  const input = begun === undefined ? asked : { ...asked, conversation: begun };
  await assertFence(tx, input);
  if (!known) throw storeBehind(`message ${input.inboundId} was accepted and is not there`);
  await expectRowsBelow(tx, input.session, input.seq);
  if (known.session !== input.session || !(await markTaken(tx, input.inboundId))) return undefined;
  // With the time it was taken, the first one's when this is a repeat.
  const inbound = (await inboundById(tx, input.inboundId)) ?? known;
  const rows = await runRows(tx, input.run);
  const waitedMs = await waitedForPeople(tx, input.run);
  if (rows.length > 0) return { inbound, waitedMs, progress: await goOn(deps, tx, input), ...conversationOf(begun) };

  const approval = inbound.request.followOn === undefined ? undefined : await approvalById(tx, inbound.request.followOn);
  if (approval?.state === 'allowed') {
    const followOn = followOnOf(approval, input.seq, deps.tools());
    return { inbound, waitedMs, followOn, progress: { step: 1, seq: input.seq + 1, nextSeq: input.seq + 2 }, ...conversationOf(begun) };
  }
  if (approval?.call) await settleApproval(tx, callKey(approval.call));
  const conversation = begun ?? (approval === undefined && (await resetIsDue(deps, tx, input, inbound)) ? await openConversation(tx, input.session, automatic(inbound)) : undefined);
  const at = conversation === undefined ? input : { ...input, conversation };
  const said = approval ? { ...inbound.message, text: deniedText(approval) } : inbound.message;
  await appendRows(tx, at, await openingRows(tx, at, said, inbound));
  return { inbound, waitedMs, progress: await goOn(deps, tx, at), ...conversationOf(conversation) };
}

const conversationOf = (conversation: string | undefined) => (conversation === undefined ? {} : { conversation });

/** The conversation that a message opens when the old one has run its time. */
const automatic = (inbound: Inbound): string => `auto-${inbound.inboundId}`;

/** What was overheard and what a full queue left out, then the message, then those that were collected with it. */
async function openingRows(tx: Tx, input: TakeRunInput, said: { readonly text: string; readonly sender: Sender; readonly attachments: readonly Attachment[] }, inbound: Inbound): Promise<NewRow[]> {
  const contents: { readonly kind: 'user' | 'notice'; readonly content: RowContent }[] = [];
  const background = [await takeOverheard(tx, input.session), await takeSummarized(tx, input.session, input.run)].filter((text) => text !== undefined);
  for (const text of background) contents.push({ kind: 'notice', content: { type: 'notice', text, forModel: true } });
  contents.push({ kind: 'user', content: userContent(said) });
  for (const { inboundId } of input.with ?? []) {
    const other = await inboundById(tx, inboundId);
    if (!other || other.session !== inbound.session || !(await markTaken(tx, inboundId))) continue;
    contents.push({ kind: 'user', content: userContent(other.message) });
    await endInbound(tx, inboundId, { state: 'merged', mergedInto: input.run });
  }
  return contents.map(({ kind, content }, i) => ({ seq: input.seq + i, run: input.run, step: 0, kind, content }));
}

export const userContent = ({ text, sender, attachments }: { readonly text: string; readonly sender: Sender; readonly attachments: readonly Attachment[] }): RowContent => ({ type: 'user', text, sender, attachments });

async function goOn(deps: ActivityDeps, tx: Tx, input: TakeRunInput): Promise<Progress> {
  // Read, not counted: an earlier attempt of this very activity may have written rows.
  const progress = async (): Promise<Progress> => progressOf(await runRows(tx, input.run), Math.max(input.seq, (await highestSeq(tx, input.session)) + 1), policyIn(deps.tools()));
  const found = await progress();
  if (found.ended !== undefined) return found;
  const { step } = (await runRows(tx, input.run)).at(-1)!;
  const isTold = [await tellLoss(tx, input, step), await tellLinked(tx, input, step)].includes(true);
  return isTold ? progress() : found;
}

/** Tells the session's model, once, that entries were lost. @returns whether there was something to tell */
async function tellLoss(tx: Tx, input: Fence & { readonly run: string }, step: number): Promise<boolean> {
  const since = await takeLost(tx, input.session);
  if (since === undefined) return false;
  const content: RowContent = { type: 'notice', text: lostText(since), forModel: true };
  await appendRows(tx, input, [{ seq: (await highestSeq(tx, input.session)) + 1, run: input.run, step, kind: 'notice', content }]);
  return true;
}

/** Open calls of a batch that was cut by a crash are asked like new ones: the question that was put is found again. */
async function withApprovals(deps: ActivityDeps, input: TakeRunInput, progress: Progress): Promise<Progress> {
  if (!progress.batch || progress.callSeq === undefined) return progress;
  const answer = (await rowAt(deps.db, input.session, progress.callSeq))?.content;
  const calls = answer?.type === 'assistant' ? answer.calls : [];
  const asked = await callsToAsk(deps, { session: input.session, run: input.run, step: progress.step }, calls);
  return { ...progress, batch: progress.batch.map((call) => (call.status === 'pending' && asked.has(call.index) ? { ...call, needsApproval: true } : call)) };
}
