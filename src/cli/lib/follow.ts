/**
 * Asks the agent and stays with the run until its answer, through restarts of the gateway.
 * Invariants: one run id from first to last; what was accepted is never sent as something new (the same key and payload
 * answer from the row); leaving early ends only the waiting, never the run.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { CodedError } from '../../core/errors.js';
import type { AgentEventPayload } from './agent-view.js';
import { connectGateway, type Gateway, type GatewayTarget } from './client.js';
import { abortHint, budgetWays, comeBack, inLine } from './hints.js';
import { type Waiting, behindText, lookAt, waitOf } from './waiting.js';
import type { AgentAnswer, WaitAnswer } from './wire.js';

export interface Question {
  readonly runId: string;
  /** Absent: a run that exists already is only waited for. */
  readonly send?: { readonly method: 'agent' | 'chat.send'; readonly params: Readonly<Record<string, unknown>> };
}

export interface FollowOptions {
  readonly target: GatewayTarget;
  readonly question: Question;
  /** Milliseconds until the waiting ends with WAIT_TIMEOUT; the run goes on. */
  readonly waitMs?: number | undefined;
  readonly onEvent?: (payload: AgentEventPayload) => void;
  /** Each connection, as soon as it stands. */
  readonly onConnected?: (gateway: Gateway) => void;
  /** Resolves when nobody seems to be there to answer what the run waits for; the waiting ends with it. */
  readonly unanswered?: Promise<Waiting>;
  /** Tells the person what happens to the connection. */
  readonly note: (text: string) => void;
  /** Rejects when the person wants to leave; gets the way to abort the run. */
  readonly left: (abort: () => Promise<void>) => Promise<never>;
}

export type Followed =
  | { readonly kind: 'answer'; readonly answer: AgentAnswer }
  | { readonly kind: 'wait'; readonly wait: WaitAnswer }
  /** It has not ended: it waits for a person's word. */
  | { readonly kind: 'waiting'; readonly waiting: Waiting };

/** A gateway that works accepts a connection at once; one that starts says so and is waited for. */
const CONNECT_MS = 10_000;
/** How often a gateway that went away is looked for. */
const RETRY_MS = 400;
/** A gateway that takes connections and drops them at once is asked less and less often, at most this far apart. */
const MAX_PAUSE_MS = 5_000;
/** A run that is taken says so within milliseconds; after this it waits behind another one. */
const SILENCE_MS = 3_000;
/** One `agent.wait`; repeated until the run ends, so that a half-dead connection is noticed. */
const WAIT_SLICE_MS = 60_000;
const SLICE_GRACE_MS = 15_000;

/** @throws CodedError WAIT_TIMEOUT, what `left` rejects with, the run's own failure, and as {@link connectGateway} */
export async function follow(options: FollowOptions): Promise<Followed> {
  const state: State = { accepted: options.question.send === undefined, session: sessionOf(options.question) };
  const ended = new AbortController();
  const leaving = options.left(() => abortRun(state, options.question.runId));
  const limit = timeLimit(options, state, ended.signal);
  const unanswered = options.unanswered?.then((waiting): Followed => ({ kind: 'waiting', waiting }));
  tellWaiting(options, state, ended.signal).catch(() => undefined);
  try {
    return await Promise.race([converse(options, state, ended.signal), leaving, limit, ...(unanswered ? [unanswered] : [])]);
  } finally {
    ended.abort();
    state.gateway?.close();
  }
}

interface State {
  gateway?: Gateway;
  /** The row is committed: from here on the run is waited for, not sent. */
  accepted: boolean;
  /** Something of the run itself was heard, not only that it was accepted. */
  begun?: boolean;
  session: string;
}

const sessionOf = ({ send }: Question): string => (typeof send?.params['sessionKey'] === 'string' ? send.params['sessionKey'] : 'main');

async function converse(options: FollowOptions, state: State, signal: AbortSignal): Promise<Followed> {
  let losses = 0;
  for (;;) {
    const gateway = await connectAgain(options, losses === 0, signal);
    state.gateway = gateway;
    const since = Date.now();
    gateway.onEvent(({ event, payload }) => {
      const told = payload as AgentEventPayload;
      if (event !== 'agent' || told.runId !== options.question.runId) return;
      state.begun ||= told.stream !== 'run_status';
      tellBudget(options, told);
      options.onEvent?.(told);
    });
    options.onConnected?.(gateway);
    try {
      return await askOnce(gateway, options.question, state);
    } catch (error) {
      if (signal.aborted || !isLost(error)) throw error;
      if (Date.now() - since > MAX_PAUSE_MS) losses = 0;
      losses += 1;
      if (losses === 1) options.note(`The gateway went away; the run goes on when it is back (run ${options.question.runId}).`);
    } finally {
      gateway.close();
    }
    await sleep(Math.min(RETRY_MS * 2 ** (losses - 1), MAX_PAUSE_MS), undefined, { signal });
  }
}

/** Told when it is asked and when it is answered; said once. */
const budgetsTold = new Set<unknown>();
function tellBudget({ note }: FollowOptions, { stream, data }: AgentEventPayload): void {
  if (stream !== 'lifecycle' || data?.['phase'] !== 'budget' || budgetsTold.has(data['questionId'])) return;
  budgetsTold.add(data['questionId']);
  note(`Waiting: a budget has no room for the next call (openclaw budgets list). Answer from another terminal. ${inLine(budgetWays(String(data['questionId'])))}`);
}

/** Silence looks like a fault; a run that waits its turn is none. */
async function tellWaiting({ question, note }: FollowOptions, state: State, signal: AbortSignal): Promise<void> {
  await sleep(SILENCE_MS, undefined, { signal });
  if (!question.send || !state.accepted || state.begun) return;
  const { queuedBehind } = (state.gateway && (await lookAt(state.gateway, question.runId).catch(() => undefined))) ?? {};
  if (!signal.aborted) note(`Waiting: another run of this session is still going on${queuedBehind ? `; ${behindText(queuedBehind)}` : ': openclaw runs list --state running'}`);
}

/** The first connection fails at once when nobody answers; later ones wait for the gateway to come back. */
async function connectAgain(options: FollowOptions, first: boolean, signal: AbortSignal): Promise<Gateway> {
  for (;;) {
    try {
      return await connectGateway(options.target, { timeoutMs: CONNECT_MS });
    } catch (error) {
      if (signal.aborted || first || !isAway(error)) throw error;
    }
    await sleep(RETRY_MS, undefined, { signal });
  }
}

async function askOnce(gateway: Gateway, { runId, send }: Question, state: State): Promise<Followed> {
  if (send && !state.accepted) {
    const first = await gateway.request<AgentAnswer>(send.method, send.params, {
      timeoutMs: null,
      onAccepted: (payload) => {
        state.accepted = true;
        state.session = (payload as { readonly sessionKey?: string }).sessionKey ?? state.session;
      },
    });
    state.accepted = true;
    // `started`, `in_flight` and `timeout` are not yet how it ended.
    if (send.method === 'agent' && (first.status === 'ok' || first.status === 'error')) return { kind: 'answer', answer: first };
  }
  for (;;) {
    const wait = await gateway.request<WaitAnswer>('agent.wait', { runId, timeoutMs: WAIT_SLICE_MS }, { timeoutMs: WAIT_SLICE_MS + SLICE_GRACE_MS });
    if (wait.status === 'timeout' || wait.status === 'pending') {
      if (/no run with this id/.test(wait.error ?? '')) throw new CodedError('UNKNOWN_RUN', `No run ${runId} is known`, 'See the runs there are: openclaw runs list');
      continue;
    }
    if (send?.method !== 'agent') return { kind: 'wait', wait };
    // The finished run answers the same key with its whole document.
    return { kind: 'answer', answer: await gateway.request<AgentAnswer>('agent', send.params, { timeoutMs: WAIT_SLICE_MS, onAccepted: () => undefined }) };
  }
}

async function abortRun({ gateway, session }: State, runId: string): Promise<void> {
  if (!gateway) throw new CodedError('GATEWAY_LOST', 'The gateway is away, so the run could not be stopped', `When it is back: ${abortHint(runId)}`);
  await gateway.request('chat.abort', { sessionKey: session, runId }, { timeoutMs: CONNECT_MS });
}

/** Out of time, and with what is known of why: a run that waits for a person is no slow one. */
async function timeLimit({ waitMs, question }: FollowOptions, state: State, signal: AbortSignal): Promise<Followed> {
  if (waitMs === undefined) return new Promise<never>(() => undefined);
  await sleep(waitMs, undefined, { signal, ref: false }).catch(() => new Promise(() => undefined));
  const waiting = state.gateway && (await waitOf(state.gateway, question.runId).catch(() => undefined));
  if (waiting) return { kind: 'waiting', waiting };
  const { queuedBehind } = (state.gateway && (await lookAt(state.gateway, question.runId).catch(() => undefined))) ?? {};
  const how = queuedBehind ? `the run is ${behindText(queuedBehind)}` : 'the run goes on';
  throw new CodedError('WAIT_TIMEOUT', `No answer within ${waitMs / 1_000} s; ${how}`, `Wait for it with: ${comeBack(question.runId)}`, { runId: question.runId, ...(queuedBehind ? { queuedBehind } : {}) });
}

const codeOf = (error: unknown): string => (error instanceof CodedError ? error.code : '');
const isAway = (error: unknown): boolean => ['GATEWAY_DOWN', 'GATEWAY_STARTING', 'GATEWAY_TIMEOUT', 'GATEWAY_REFUSED'].includes(codeOf(error));
/** A slice that got no answer is a connection that is dead without having been closed. */
const isLost = (error: unknown): boolean => ['GATEWAY_LOST', 'CLIENT_TIMEOUT'].includes(codeOf(error));
