/**
 * Asks the person at the terminal what their run asks, one question after another.
 * Invariants: a question is put until it is answered, here or elsewhere, and never after; an answer that may have been
 * lost with the connection is asked about again, not assumed.
 */
import { CodedError, messageOf } from '../../core/errors.js';
import { endOf, showAnswer, showApproval } from './approval-view.js';
import type { Gateway } from './client.js';
import { approvalWays, inLine } from './hints.js';
import { openApprovals } from './open-approvals.js';
import { paint } from './terminal.js';
import type { ApprovalAnswer, ApprovalEntry, ApprovalInfo, WaitAnswer } from './wire.js';

export interface ApprovalPrompt {
  connected(gateway: Gateway): void;
  /** Resolves when the terminal is as it was. */
  dispose(): Promise<void>;
}

export interface PromptOptions {
  readonly runId: string;
  /** Whole lines, beside the answer. */
  readonly say: (text: string) => void;
  readonly readKey: (keys: string, on: { readonly ready: () => void; readonly ignored: () => void }, signal: AbortSignal) => Promise<string | undefined>;
}

/** The gateway commits an answer in milliseconds; past this the connection is in doubt. */
const ANSWER_MS = 10_000;

const DECISIONS: Readonly<Record<string, string>> = { a: 'allow-once', A: 'allow-always', d: 'deny' };
const WORDS: readonly (readonly [string, string])[] = [['a', 'allow once'], ['A', 'allow always'], ['d', 'deny'], ['l', 'leave it open']];

/** `lost`: sent, and the connection went before the answer to it. */
type State = 'asked' | 'sent' | 'lost' | 'done';

export function createApprovalPrompt({ runId, say, readKey }: PromptOptions): ApprovalPrompt {
  const known = new Map<string, { readonly entry: ApprovalEntry; state: State }>();
  const ended = new AbortController();
  let gateway: Gateway | undefined;
  let current: { readonly id: string; readonly gone: AbortController } | undefined;
  let working: Promise<void> | undefined;

  function add(entry: ApprovalEntry): void {
    const before = known.get(entry.id);
    if (before && before.state !== 'lost') return;
    if (before) say('Your answer did not arrive.');
    known.set(entry.id, { entry, state: 'asked' });
    working ??= work().finally(() => (working = undefined));
  }

  /** What was told while nobody listened: what is open now, and how the others ended. */
  async function refresh(at: Gateway): Promise<void> {
    const options = { timeoutMs: ANSWER_MS };
    const [open, wait] = await Promise.all([
      openApprovals(at, options),
      at.request<WaitAnswer>('agent.wait', { runId, timeoutMs: 0 }, options),
    ]);
    for (const [id, { state }] of known) {
      if (state === 'done' || state === 'sent' || open.some((entry) => entry.id === id)) continue;
      closed(await at.request<ApprovalInfo>('exec.approval.get', { id }, options));
    }
    // A run that was merged into another one waits for that one's questions.
    const mine = open.filter(({ id, request }) => request.runId === runId || wait.approvals?.includes(id));
    for (const entry of mine.toReversed()) add(entry);
  }

  // What fails here fails with the connection; the next one looks again.
  const look = (at: Gateway): void => void refresh(at).catch(() => undefined);

  function closed(entry: ApprovalEntry | ApprovalInfo): void {
    const question = known.get(entry.id);
    if (!question || question.state === 'done') return;
    say(`${question.state === 'lost' ? '' : 'Answered elsewhere: '}${entry.id} ${endOf(entry) ?? 'is no longer open'}.`);
    question.state = 'done';
    if (current?.id === entry.id) current.gone.abort();
  }

  async function work(): Promise<void> {
    for (let next = oldest(); next && !ended.signal.aborted; next = oldest()) await put(next);
  }

  const oldest = (): ApprovalEntry | undefined =>
    [...known.values()].filter(({ state }) => state === 'asked').map(({ entry }) => entry).toSorted((a, b) => a.createdAtMs - b.createdAtMs)[0];

  async function put(entry: ApprovalEntry): Promise<void> {
    const gone = new AbortController();
    current = { id: entry.id, gone };
    const words = WORDS.filter(([key]) => key === 'l' || (entry.request.allowedDecisions?.includes(DECISIONS[key] ?? '') ?? true));
    say(`${paint('yellow', 'May this run?', process.stderr)}\n${showApproval(entry)}`);
    const keys = words.map(([key, word]) => `${paint('bold', key, process.stderr)} ${word}`).join(' · ');
    const on = { ready: () => say(keys), ignored: () => say(`That is no answer. One of these keys is: ${keys}`) };
    const key = await readKey(words.map(([one]) => one).join(''), on, AbortSignal.any([ended.signal, gone.signal]));
    current = undefined;
    const question = known.get(entry.id);
    if (!question || question.state !== 'asked') return;
    if (key === undefined || key === 'l') {
      question.state = 'done';
      // Interrupted, the run may have been stopped, and its question closed with it.
      return say(`${key === 'l' ? 'Left open, to be answered later.' : 'Not answered; while it is open:'} ${inLine(approvalWays(entry.id))}`);
    }
    question.state = 'sent';
    await answer(entry.id, DECISIONS[key] ?? 'deny');
  }

  async function answer(id: string, decision: string): Promise<void> {
    const question = known.get(id);
    try {
      if (!gateway) throw new CodedError('GATEWAY_LOST', 'the gateway is away');
      const answered = await gateway.request<ApprovalAnswer>('exec.approval.resolve', { id, decision }, { timeoutMs: ANSWER_MS });
      if (question) question.state = 'done';
      say(showAnswer(answered));
    } catch (error) {
      // Whether it arrived shows when the gateway is back.
      const isLost = error instanceof CodedError && (error.code === 'GATEWAY_LOST' || error.code === 'CLIENT_TIMEOUT');
      if (question) question.state = isLost ? 'lost' : 'done';
      if (!isLost) say(messageOf(error));
      else if (gateway) look(gateway);
    }
  }

  return {
    connected(next) {
      gateway = next;
      void next.closed.then(() => {
        if (gateway === next) gateway = undefined;
      });
      next.onEvent(({ event, payload }) => {
        if (event === 'exec.approval.requested') {
          const entry = payload as ApprovalEntry;
          if (entry.request.runId === runId) add(entry);
          else look(next);
        } else if (event === 'exec.approval.resolved') {
          const told = payload as { readonly id: string; readonly decision?: string | null; readonly status?: string; readonly resolvedBy?: string | null; readonly reason?: string; readonly request: ApprovalEntry['request'] };
          // Our own answer is told by its response.
          if (known.get(told.id)?.state !== 'asked') return;
          closed({
            id: told.id, request: told.request, createdAtMs: 0, status: told.status ?? 'closed',
            ...(told.decision == null ? {} : { decision: told.decision }), ...(told.resolvedBy == null ? {} : { decidedBy: told.resolvedBy }), ...(told.reason === undefined ? {} : { reason: told.reason }),
          });
        }
      });
      look(next);
    },
    async dispose() {
      ended.abort();
      await working;
    },
  };
}
