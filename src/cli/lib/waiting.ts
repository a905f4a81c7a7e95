/**
 * A run that waits for a person's word, told to a caller without one.
 * Invariant: only the waiting ends; the run, and what it asks, stay as they are.
 */
import type { Gateway, GatewayEvent } from './client.js';
import { showApproval } from './approval-view.js';
import { EXIT } from './fail.js';
import type { ApprovalEntry, BudgetsAnswer, WaitAnswer } from './wire.js';

/** What the run waits for, by the ids that answer it. */
export interface Waiting {
  readonly runId: string;
  readonly status: 'waiting_approval' | 'waiting_budget';
  readonly approvals?: readonly (ApprovalEntry | { readonly id: string })[];
  readonly budgetQuestion?: { readonly id: string };
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
  const { waitingFor, approvals = [], budgetQuestion } = await ask<WaitAnswer>(gateway, 'agent.wait', { runId, timeoutMs: 0 });
  const then = `; then: openclaw runs wait ${runId}`;
  if (waitingFor === 'approval') {
    const open = await ask<readonly ApprovalEntry[]>(gateway, 'exec.approval.list', {});
    return {
      status: 'waiting_approval', runId,
      approvals: approvals.map((id) => open.find((entry) => entry.id === id) ?? { id }),
      hint: `${approvals.map((id) => `openclaw approvals approve|deny ${id}`).join('; ')}${then}`,
    };
  }
  if (waitingFor !== 'budget' || budgetQuestion === undefined) return undefined;
  const { questions } = await ask<BudgetsAnswer>(gateway, 'budgets.list', {});
  return {
    status: 'waiting_budget', runId,
    budgetQuestion: questions.find(({ id }) => id === budgetQuestion) ?? { id: budgetQuestion },
    hint: `openclaw budgets answer ${budgetQuestion} raise|once|stop${then}`,
  };
}

const ask = <T>(gateway: Gateway, method: string, params: unknown): Promise<T> => gateway.request<T>(method, params, { timeoutMs: LOOK_MS });

/** Ends the command with it: as its document, or as words on stderr, since it is no answer. */
export function tellWaiting(waiting: Waiting, json: boolean): Waiting {
  if (!json) process.stderr.write(`${waitingText(waiting)}\n`);
  process.exitCode = EXIT.timeout;
  return waiting;
}

function waitingText({ status, approvals = [], hint }: Waiting): string {
  const shown = approvals.map((entry) => ('request' in entry ? showApproval(entry) : entry.id));
  return [status === 'waiting_approval' ? 'The run waits for an approval, and goes on waiting:' : 'The run waits because a budget is used up, and goes on waiting.', ...shown, ...hint.split('; ').map((line) => `  → ${line}`)].join('\n');
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
      if (waiting.status === 'waiting_approval') note(`Waiting for an approval. Answer: openclaw approvals approve|deny ${id}`);
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
