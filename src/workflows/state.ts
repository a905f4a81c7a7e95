/**
 * The session workflow's state and what it shows of itself. Everything here is data, so that it can be carried through
 * a continue-as-new at any wait.
 */
import { type CancellationScope, setCurrentDetails, upsertSearchAttributes, workflowInfo } from '@temporalio/workflow';
import { type Priority, SearchAttributeType, defineSearchAttributeKey } from '@temporalio/common';
import { LIMITS, SEARCH_ATTRIBUTES } from '../core/names.js';
import type { InboxItem } from '../core/queue.js';
import type { Dropped, SessionCarry, SessionInput, SessionOpened, SessionShown, SessionView, Stopping, TurnState } from '../core/run.js';
import type { Fence } from '../core/steps.js';

const STATE = defineSearchAttributeKey(SEARCH_ATTRIBUTES.state, SearchAttributeType.KEYWORD);

export interface SessionState {
  readonly input: SessionInput;
  opened: SessionOpened;
  nextSeq: number;
  waiting: readonly InboxItem[];
  /** Enter the running turn before its next model call. */
  steering: readonly InboxItem[];
  /** Left out, their rows still open. */
  dropping: readonly Dropped[];
  /** Being taken: no longer waiting, not yet running. */
  taking: InboxItem | undefined;
  turn: TurnState | undefined;
  stopping: Stopping | undefined;
  /** Stopped while they waited, their rows still open. */
  stopped: InboxItem[];
  /** Settles when they are all ended. */
  closing: Promise<void>;
  /** What the stopped model call had said: id of its draft. */
  draft: string | undefined;
  /** Runs that were stopped before their item arrived. */
  stops: string[];
  /** Of the running turn's steps; cancelling it ends model call and tools. */
  scope: CancellationScope | undefined;
  /** Of the running turn's time limit. */
  limit: CancellationScope | undefined;
  /** Approvals and budget questions that were answered and not yet acted on. */
  decided: Set<string>;
  /** Open approvals of turns that went on. */
  handedOn: readonly string[];
  signals: number;
  shown: SessionShown;
}

export function createState(input: SessionInput): SessionState {
  const carried = input.carried;
  return {
    input,
    opened: carried?.opened ?? { generation: 0, conversation: '', hostQueue: '', idleMs: 0 },
    nextSeq: carried?.nextSeq ?? 1,
    waiting: [...(carried?.inbox ?? [])],
    steering: carried?.steering ?? [],
    dropping: carried?.dropping ?? [],
    taking: undefined,
    turn: carried?.turn,
    stopping: carried?.stopping,
    stopped: [...(carried?.stopped ?? [])],
    closing: Promise.resolve(),
    draft: undefined,
    stops: [...(carried?.stops ?? [])],
    scope: undefined,
    limit: undefined,
    decided: new Set(carried?.decided),
    handedOn: carried?.handedOn ?? [],
    signals: 0,
    // As the start or the previous run of the chain left it.
    shown: shownOf(carried?.turn),
  };
}

export const carry = (s: SessionState): SessionCarry => ({
  opened: s.opened,
  nextSeq: s.nextSeq,
  inbox: s.waiting,
  ...(s.turn ? { turn: s.turn } : {}),
  ...(s.stopping ? { stopping: s.stopping } : {}),
  stopped: s.stopped,
  stops: s.stops,
  ...(s.steering.length > 0 ? { steering: s.steering } : {}),
  ...(s.dropping.length > 0 ? { dropping: s.dropping } : {}),
  ...(s.decided.size > 0 ? { decided: [...s.decided] } : {}),
  ...(s.handedOn.length > 0 ? { handedOn: s.handedOn } : {}),
});

export const fence = (s: SessionState): Fence => ({ session: s.input.session, generation: s.opened.generation, conversation: s.opened.conversation });

export const allotSeq = (s: SessionState): number => s.nextSeq++;

/** Owners first on a busy host; sessions share what is left evenly. */
export const urgency = (s: SessionState): { readonly priority: Priority } => ({ priority: { priorityKey: s.turn!.item.priority, fairnessKey: fairnessKey(s.input.session) } });

/** The server takes 64 bytes. */
const fairnessKey = (session: string): string => session.slice(-64);

/** History is bounded: a long chain continues as new between two steps, a quiet session at its next wait. */
export const shouldContinueAsNew = (s: SessionState): boolean => workflowInfo().continueAsNewSuggested || s.signals >= LIMITS.signalsPerRun;

export const view = (s: SessionState): SessionView => ({
  session: s.input.session,
  state: shownOf(s.turn),
  generation: s.opened.generation,
  nextSeq: s.nextSeq,
  waiting: [...s.steering, ...s.waiting].map((item) => item.run),
  holds: [...s.waiting, ...s.steering, ...s.stopped, ...s.dropping.map(({ item }) => item), ...[s.taking, s.turn?.item].filter((item) => item !== undefined)].map((item) => item.run),
  ...(s.turn ? { turn: { run: s.turn.item.run, step: s.turn.step, tools: openTools(s.turn) } } : {}),
  ...(asks(s).length > 0 ? { asks: asks(s) } : {}),
});

/** A turn waits for a person when its next call does, or its next model call. */
function shownOf(turn: TurnState | undefined): SessionShown {
  if (!turn) return 'idle';
  if (turn.paused) return 'waiting-budget';
  return turn.batch?.find((call) => call.status !== 'done')?.status === 'awaiting approval' ? 'waiting-approval' : 'running';
}

const awaiting = (turn: TurnState | undefined): string[] => (turn?.batch ?? []).flatMap((call) => (call.status === 'awaiting approval' && call.approval !== undefined ? [call.approval] : []));

const asks = (s: SessionState): string[] => [...awaiting(s.turn), ...s.handedOn, ...(s.turn?.paused && !s.turn.paused.held ? [s.turn.paused.question] : [])];

/** Puts the state where the Web UI shows it: details cost no history, the search attribute one event per change. */
export function show(s: SessionState): void {
  const { turn } = s;
  const state = shownOf(turn);
  if (s.shown !== state) {
    s.shown = state;
    upsertSearchAttributes([{ key: STATE, value: state }]);
  }
  const queue = [s.waiting.length === 0 ? 'nothing waits' : `${s.waiting.length} waiting`, ...(s.steering.length === 0 ? [] : [`${s.steering.length} entering`])].join(', ');
  if (!turn) {
    const open = s.handedOn.length === 0 ? '' : ` · waits for approval ${s.handedOn.join(', ')}`;
    setCurrentDetails(`**idle**${open} · ${queue} · next row ${s.nextSeq} · generation ${s.opened.generation}`);
    return;
  }
  const tools = openTools(turn);
  const doing =
    s.stopping ? `ending: ${s.stopping.reason}`
    : turn.paused?.held ? `waits until other runs give back what is left of the budget of this ${turn.paused.scope}`
    : state === 'waiting-budget' ? `waits for the owner's word on the budget of this ${turn.paused!.scope} (${turn.paused!.question})`
    : state === 'waiting-approval' ? `waits for approval ${awaiting(turn).join(', ')}`
    : tools.length > 0 ? `waits for ${tools.join(', ')}` : `waits for ${turn.models[turn.model] ?? 'the model'}`;
  setCurrentDetails(
    [
      `**${state}** · ${doing}`,
      '',
      '| run | step | model | tokens | cost | queue |',
      '| --- | --- | --- | --- | --- | --- |',
      `| \`${turn.item.run.slice(0, 12)}\` | ${turn.step} of at most ${turn.maxSteps} | ${turn.models[turn.model] ?? '-'} | ${turn.tokens} | $${turn.costUsd.toFixed(4)} | ${queue} |`,
    ].join('\n'),
  );
}

const openTools = (turn: TurnState): string[] => (turn.batch ?? []).filter((call) => call.status !== 'done').map((call) => call.tool);
