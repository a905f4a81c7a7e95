/**
 * A run that waits for a person's word, told to a caller without one.
 * Invariant: only the waiting ends; the run, and what it asks, stay as they are.
 */
import type { Gateway, GatewayEvent } from './client.js';
import { showApproval } from './approval-view.js';
import { EXIT } from './fail.js';
import { oneLine } from './terminal.js';
import { noRoom } from './budget-view.js';
import { approvalWays, budgetWays, comeBack, inLine, type Way } from './hints.js';
import { openApprovals } from './open-approvals.js';
import type { ApprovalEntry, BudgetQuestionInfo, BudgetsAnswer, QueuedBehind, WaitAnswer } from './wire.js';

/** What the run waits for, by the ids that answer it. */
export interface Waiting {
  readonly runId: string;
  readonly status: 'waiting_approval' | 'waiting_budget';
  readonly approvals?: readonly (ApprovalEntry | { readonly id: string })[];
  readonly budgetQuestion?: BudgetQuestionInfo | { readonly id: string };
  /** The run has not begun; this one of its session goes first, and it is the one that waits. */
  readonly queuedBehind?: string;
  /** What to do. */
  readonly hint: string;
}

/**
 * How long a caller without a person stays with a run that waits for one. Long enough for an owner who was just told to
 * answer elsewhere; short enough that a pipe or a cron job says what it waits for instead of hanging for days.
 */
export const UNANSWERED_MS = 60_000;

/** A gateway that works says at once what a run waits for; the caller's own limit has already passed. */
const LOOK_MS = 3_000;

/** @returns undefined when it waits for nobody, or has ended */
export async function waitOf(gateway: Gateway, runId: string): Promise<Waiting | undefined> {
  const wait = await lookAt(gateway, runId);
  const { waitingFor, approvals = [], budgetQuestion } = wait.queuedBehind ?? wait;
  const base = { runId, ...(wait.queuedBehind ? { queuedBehind: wait.queuedBehind.runId } : {}) };
  if (waitingFor === 'approval') {
    const open = await openApprovals(gateway, { timeoutMs: LOOK_MS });
    const waiting = { ...base, status: 'waiting_approval' as const, approvals: approvals.map((id) => open.find((entry) => entry.id === id) ?? { id }) };
    return { ...waiting, hint: hintOf(waiting) };
  }
  if (waitingFor !== 'budget' || budgetQuestion === undefined) return undefined;
  const { questions } = await ask<BudgetsAnswer>(gateway, 'budgets.list', {});
  const waiting = { ...base, status: 'waiting_budget' as const, budgetQuestion: questions.find(({ id }) => id === budgetQuestion) ?? { id: budgetQuestion } };
  return { ...waiting, hint: hintOf(waiting) };
}

export const lookAt = (gateway: Gateway, runId: string): Promise<WaitAnswer> => ask<WaitAnswer>(gateway, 'agent.wait', { runId, timeoutMs: 0 });

/** What answers it, and how to come back for the answer. */
function waysOf({ runId, approvals = [], budgetQuestion }: Omit<Waiting, 'hint'>): readonly Way[] {
  const answers = budgetQuestion ? budgetWays(budgetQuestion.id) : approvals.flatMap(({ id }) => approvalWays(id));
  return [...answers, { what: 'then', command: comeBack(runId) }];
}

function hintOf(waiting: Omit<Waiting, 'hint'>): string {
  const { queuedBehind, status } = waiting;
  const queued = queuedBehind === undefined ? '' : `Queued behind run ${oneLine(queuedBehind, 64)}, which waits for ${status === 'waiting_budget' ? 'a budget' : 'an approval'}. `;
  return `${queued}${inLine(waysOf(waiting))}`;
}

/** The run that goes first, and what it waits for. */
export function behindText({ runId, waitingFor, approvals = [], budgetQuestion }: QueuedBehind): string {
  const queued = `queued behind run ${oneLine(runId, 64)}`;
  if (waitingFor === 'approval') return `${queued}, which waits for ${approvals.length === 1 ? 'an approval' : `${approvals.length} approvals`}. ${inLine(approvals.flatMap(approvalWays))}`;
  return waitingFor === 'budget' && budgetQuestion !== undefined ? `${queued}, which waits for a budget. ${inLine(budgetWays(budgetQuestion))}` : queued;
}

const ask = <T>(gateway: Gateway, method: string, params: unknown): Promise<T> => gateway.request<T>(method, params, { timeoutMs: LOOK_MS });

/** Ends the command with it: as its document, or as words on stderr, since it is no answer. */
export function tellWaiting(waiting: Waiting, json: boolean): Waiting {
  if (!json) process.stderr.write(`${waitingText(waiting)}\n`);
  process.exitCode = EXIT.timeout;
  return waiting;
}

function waitingText(waiting: Waiting): string {
  const { status, approvals = [], budgetQuestion, queuedBehind } = waiting;
  const shown = approvals.map((entry) => ('request' in entry ? showApproval(entry) : entry.id));
  const room = budgetQuestion && 'limit' in budgetQuestion ? ` of this ${budgetQuestion.scope} (${noRoom(budgetQuestion)})` : '';
  const who = queuedBehind === undefined ? 'The run waits' : `The run is queued behind run ${oneLine(queuedBehind, 64)}, which waits`;
  return [
    status === 'waiting_approval' ? `${who} for an approval, and goes on waiting:` : `${who} for the budget${room}, and goes on waiting.`,
    ...shown, ...waysOf(waiting).map(({ what, command }) => `  → ${what}: ${command}`),
  ].join('\n');
}

export interface Unanswered {
  readonly waiting: Promise<Waiting>;
  connected(gateway: Gateway): void;
  dispose(): void;
}

/** Resolves `waiting` once the run has waited for `limitMs` and nobody answered anything. Time without a gateway does not count. */
export function watchUnanswered({ runId, limitMs = UNANSWERED_MS, note }: { readonly runId: string; readonly limitMs?: number; readonly note: (text: string) => void }): Unanswered {
  const { promise, resolve } = Promise.withResolvers<Waiting>();
  const told = new Set<string>();
  let gateway: Gateway | undefined;
  let since: number | undefined;
  let before: readonly string[] = [];
  let timer: NodeJS.Timeout | undefined;
  let looking = false;
  let disposed = false;

  // Events make it look at once; without them it looks often enough.
  const later = (): void => {
    clearTimeout(timer);
    if (disposed) return;
    const left = since === undefined ? limitMs : since + limitMs - performance.now();
    timer = setTimeout(() => void look(), Math.max(0, Math.min(limitMs / 4, left)));
  };

  async function look(): Promise<void> {
    if (looking || disposed) return;
    looking = true;
    try {
      const waiting = gateway && (await waitOf(gateway, runId));
      if (waiting) take(waiting);
      else since = undefined;
    } catch {
      since = undefined;
    } finally {
      looking = false;
      later();
    }
  }

  function take(waiting: Waiting): void {
    const ids = idsOf(waiting);
    // One that is gone was answered: somebody is there.
    if (since === undefined || before.some((id) => !ids.includes(id))) since = performance.now();
    before = ids;
    if (performance.now() - since >= limitMs) return resolve(waiting);
    for (const id of ids.filter((one) => !told.has(one))) {
      told.add(id);
      // Budgets are told by whoever follows the run.
      if (waiting.status === 'waiting_approval') note(`Waiting for an approval. ${inLine(approvalWays(id))}`);
    }
  }

  return {
    waiting: promise,
    connected(next) {
      gateway = next;
      next.onEvent((event) => {
        if (isAbout(event, runId)) void look();
      });
      later();
    },
    dispose() {
      disposed = true;
      clearTimeout(timer);
    },
  };
}

const idsOf = ({ approvals, budgetQuestion }: Waiting): readonly string[] => [...(approvals ?? []), ...(budgetQuestion ? [budgetQuestion] : [])].map(({ id }) => id);

function isAbout({ event, payload }: GatewayEvent, runId: string): boolean {
  const told = payload as { readonly runId?: string; readonly stream?: string; readonly data?: { readonly phase?: unknown } } | undefined;
  if (event === 'agent') return told?.runId === runId && (told.stream === 'approval' || told.data?.phase === 'budget');
  return event === 'exec.approval.requested' || event === 'exec.approval.resolved';
}
