/**
 * Bookkeeping activities of the session workflow: open, take, answer, seal, finish. Small transactions on the store.
 * Invariant: each may be repeated at any time and leaves the same rows.
 */
import { FAILURES, RPC_CHANNEL, hostQueue } from '../core/names.js';
import type { RunOutcome } from '../core/run.js';
import type { AnswerCallInput, EndRunInput, EndRunResult, Fence, OpenSessionInput, OpenSessionResult, TakeRunInput, TakeRunResult } from '../core/steps.js';
import { ENDED_BY_STOP, SKIPPED_BY_STOP } from '../core/steps.js';
import type { TranscriptRow } from '../core/transcript.js';
import { approvalOfCall, callKey, cancelApprovals, handedOnApprovals, settleApproval } from '../storage/approvals.js';
import { lineOf } from '../storage/deliveries.js';
import { draftText } from '../storage/drafts.js';
import { assertFence, ensureSession, storeBehind, takeGeneration, type Tx } from '../storage/fence.js';
import { type Inbound, endInbound, inboundById, inboxItem, openInbound } from '../storage/inbound.js';
import { pinnedHost } from '../storage/meta.js';
import { appendRows, highestSeq, rowAt, sameIdentity, type NewRow } from '../storage/transcript.js';
import { enqueueAnswer } from './answer.js';
import { type ApprovalActivities, createApprovalActivities } from './approvals.js';
import type { ActivityDeps } from './deps.js';
import { translated } from './failures.js';
import { type InboxActivities, createInbox } from './inbox.js';
import { placeOf, resultContent } from './follow-on.js';
import { resultRow } from './result-row.js';
import { textResult } from './tools/types.js';
import { repairing } from './store-behind.js';
import { takeRun } from './take-run.js';
import { answered } from './turn-state.js';

export interface BookkeepingActivities extends ApprovalActivities, InboxActivities {
  openSession(input: OpenSessionInput): Promise<OpenSessionResult>;
  takeRun(input: TakeRunInput): Promise<TakeRunResult>;
  answerCall(input: AnswerCallInput): Promise<void>;
  sealTurn(input: EndRunInput): Promise<EndRunResult>;
  finishRun(input: EndRunInput): Promise<EndRunResult>;
}

export function createBookkeeping(deps: ActivityDeps): BookkeepingActivities {
  const { db } = deps;
  const coded = <T>(work: () => Promise<T>): Promise<T> => translated(work, () => false);
  const fenced = <T>(input: Fence, work: () => Promise<T>): Promise<T> => repairing(deps, input, () => coded(work));

  return {
    openSession: (input) =>
      coded(async () => {
        const host = await pinnedHost(db, input.agent, deps.hostId);
        const opened = await db.transaction().execute(async (tx) => {
          await ensureSession(tx, { key: input.session, agent: input.agent, channel: RPC_CHANNEL });
          // The generation is taken before anything is read: from here on no older attempt can add a row.
          const taken = await takeGeneration(tx, input.session, input.chain);
          const open = await openInbound(tx, input.session);
          return {
            ...taken,
            nextSeq: (await highestSeq(tx, input.session)) + 1,
            begun: open.filter((row) => row.state === 'taken').map(inboxItem),
            unfinished: open.filter((row) => row.state !== 'taken').map(inboxItem),
            handedOn: await handedOnApprovals(tx, input.session),
          };
        });
        return { ...opened, hostQueue: hostQueue(host), idleMs: deps.settings().idleMs };
      }),

    takeRun: (input) => fenced(input, () => takeRun(deps, input)),

    ...createApprovalActivities(deps),
    ...createInbox(deps),

    answerCall: (input) =>
      fenced(input, () =>
        db.transaction().execute(async (tx) => {
          await assertFence(tx, input);
          const text = `${input.code}: ${input.message}${await reasonOf(tx, input)}`;
          const row: NewRow | undefined = input.enters
            ? { seq: input.seq, ...placeOf(input), content: resultContent(await approvalOfCall(tx, callKey(input)), textResult(text, true)) }
            : await resultRow(tx, input, input.callSeq, input, text, { code: input.code });
          if (!row) throw storeBehind(`row ${input.callSeq} with call ${input.index} of step ${input.step} was written and is not there`);
          await appendRows(tx, input, [row]);
          await settleApproval(tx, callKey(input));
        }),
      ),

    sealTurn: (input) => fenced(input, () => endRun(input)),
    finishRun: (input) => fenced(input, () => endRun(input)),
  };

  /** A command whose activity was lost with its worker would outlive the turn: it ends here. @returns calls that had begun, and whether a follow-on's had */
  async function endCommands(input: EndRunInput): Promise<Begun> {
    const begun = new Set<number>();
    const followOn = input.command !== undefined && (await deps.endCommand(input.command));
    const answer = input.open && (await rowAt(db, input.session, input.open.callSeq))?.content;
    for (const call of input.open?.calls ?? []) {
      const asked = answer?.type === 'assistant' ? answer.calls.find((other) => other.index === call.index) : undefined;
      if (asked?.tool !== 'exec' || (await rowAt(db, input.session, call.seq))) continue;
      if (await deps.endCommand(`${input.run}:${input.step}.${call.index}`)) begun.add(call.index);
    }
    return { calls: begun, followOn };
  }

  async function endRun(input: EndRunInput): Promise<EndRunResult> {
    const begun = await endCommands(input);
    const ended = await db.transaction().execute(async (tx) => {
      await assertFence(tx, input);
      const known = await inboundById(tx, input.inboundId);
      await expectSeen(tx, input, known);
      const { runId, message } = known!;
      // A repeated end: what was recorded stands, and the rows that closed the run are not written a second time.
      if (known!.outcome) return { outcome: known!.outcome, nextSeq: (await highestSeq(tx, input.session)) + 1, runId, message };
      const late = input.last ? await lateAnswer(tx, input, input.last.seq) : undefined;
      const end = late ? await endAfterLateAnswer(tx, input, late) : { outcome: input.outcome, rows: await closingRows(tx, input, begun) };
      if (end.rows.length > 0) await appendRows(tx, input, end.rows);
      const reason = end.outcome.state === 'ok' ? undefined : input.last?.kind === 'error' ? input.last.code : input.last?.reason;
      await endInbound(tx, input.inboundId, { state: end.outcome.state, outcome: end.outcome, ...(reason === undefined ? {} : { reason }) });
      const cancelled = await cancelApprovals(tx, input.run, reason ?? 'the run ended');
      await enqueueAnswer(tx, known!, end.outcome);
      return { outcome: end.outcome, nextSeq: (await highestSeq(tx, input.session)) + 1, runId, message, cancelled };
    });
    for (const id of ended.cancelled ?? []) deps.events.publish({ type: 'approval', id, session: input.session, run: input.run, runId: ended.runId, step: input.step, attempt: 1, at: Date.now() });
    deps.events.publish({ type: 'end', state: ended.outcome.state, session: input.session, run: input.run, runId: ended.runId, step: input.step, attempt: 1, at: Date.now() });
    // Also after a repeated end: the first one may have died before this.
    if (ended.message.channel !== RPC_CHANNEL) void deps.deliveries?.wake(lineOf(ended.message));
    return { outcome: ended.outcome, nextSeq: ended.nextSeq };
  }
}

/** What the end of a run rests on. @throws CodedError STORE_BEHIND */
async function expectSeen(tx: Tx, { session, inboundId, step, open, outcome }: EndRunInput, known: Inbound | undefined): Promise<void> {
  if (!known) throw storeBehind(`message ${inboundId} was accepted and is not there`);
  // Only a run that merely waited is ended without having been taken.
  if (step > 0 && (known.state === 'accepted' || known.state === 'signalled')) throw storeBehind(`run ${known.run} was taken, the store has it as ${known.state}`);
  const rows = [...(open ? [open.callSeq] : []), ...(outcome.state === 'ok' && outcome.seq !== undefined ? [outcome.seq] : [])];
  for (const seq of rows) if ((await rowAt(tx, session, seq))?.content.type !== 'assistant') throw storeBehind(`answer ${seq} was written and is not there`);
}

/** What the owner said with a no; it never travels through the workflow. */
async function reasonOf(tx: Tx, input: AnswerCallInput): Promise<string> {
  const reason = input.code === FAILURES.NotApproved ? (await approvalOfCall(tx, callKey(input)))?.reason : undefined;
  return reason === undefined ? '' : ` The owner's reason: ${reason}`;
}

/** Which of a cut turn's commands had begun: of its open batch, and of the call it carries out after a late yes. */
interface Begun {
  readonly calls: ReadonlySet<number>;
  readonly followOn: boolean;
}
const NOT_BEGUN: Begun = { calls: new Set(), followOn: false };

/** What a run still lacks: results of its open calls, then its last row. */
async function closingRows(tx: Tx, input: EndRunInput, begun: Begun = NOT_BEGUN): Promise<NewRow[]> {
  const rows: NewRow[] = [];
  if (begun.followOn && input.command !== undefined && input.commandSeq !== undefined && !(await rowAt(tx, input.session, input.commandSeq))) {
    rows.push({ seq: input.commandSeq, run: input.run, step: 0, kind: 'user', content: resultContent(await approvalOfCall(tx, input.command), textResult(ENDED_BY_STOP, true)) });
  }
  for (const call of input.open?.calls ?? []) {
    // A call that did finish keeps its own row.
    if (await rowAt(tx, input.session, call.seq)) continue;
    const row = await resultRow(tx, input, input.open!.callSeq, call, begun.calls.has(call.index) ? ENDED_BY_STOP : input.open!.note, { skipped: true });
    if (row) rows.push(row);
  }
  const { last } = input;
  if (last?.kind === 'aborted') {
    const text = last.draft === undefined ? '' : ((await draftText(tx, last.draft)) ?? '');
    rows.push({
      seq: last.seq, run: input.run, step: input.step, kind: 'aborted',
      content: { type: 'aborted', text, reason: last.reason, ...(last.draft === undefined ? {} : { draft: last.draft }) },
    });
  } else if (last?.kind === 'error') {
    rows.push({ seq: last.seq, run: input.run, step: input.step, kind: 'error', content: { type: 'error', code: last.code, message: last.message } });
  }
  return rows;
}

/** An answer that an attempt wrote whose completion the workflow never heard of, because a crash met a stop or the last failure. */
async function lateAnswer(tx: Tx, input: EndRunInput, seq: number): Promise<TranscriptRow | undefined> {
  const row = await rowAt(tx, input.session, seq);
  return row && sameIdentity(row, { conversation: input.conversation, run: input.run, step: input.step, kind: 'assistant' }) ? row : undefined;
}

/** A late final answer is the run's answer. Late calls are answered as skipped and the seal follows them. */
async function endAfterLateAnswer(tx: Tx, input: EndRunInput, late: TranscriptRow): Promise<{ readonly outcome: RunOutcome; readonly rows: readonly NewRow[] }> {
  const calls = late.content.type === 'assistant' ? late.content.calls : [];
  if (calls.length === 0) return { outcome: answered(late.seq), rows: [] };
  const free = (await highestSeq(tx, input.session)) + 1;
  const sealAt = free + calls.length;
  const rows = await closingRows(tx, {
    ...input,
    open: { callSeq: late.seq, calls: calls.map((call, i) => ({ index: call.index, seq: free + i })), note: input.open?.note ?? SKIPPED_BY_STOP },
    last: input.last && { ...input.last, seq: sealAt },
  });
  return { outcome: { ...input.outcome, seq: sealAt }, rows };
}
