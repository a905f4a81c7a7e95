/**
 * The session workflow: one conversation's inbox and turn loop (DESIGN §4).
 * Invariants: handlers stand before the first `await` and only push or decide; one turn runs at a time; a zombie chain
 * is fenced out by the store; every wait is a point where the session may continue as new.
 */
import { allHandlersFinished, condition, continueAsNew, defineQuery, defineSignal, setHandler, workflowInfo } from '@temporalio/workflow';
import { QUERIES, SIGNALS, clip } from '../core/names.js';
import { type InboxItem, afterTurn, arrive as place, isReset, nextTurn } from '../core/queue.js';
import type { DecidedSignal, SessionEnd, SessionInput, SessionView, StopSignal, Stopping } from '../core/run.js';
import { bookkeeping } from './activities.js';
import { beginConversation, closeDropped } from './inbox.js';
import { type SessionState, carry, createState, fence, shouldContinueAsNew, show, view } from './state.js';
import { endWaiting, runTurn } from './turn.js';

export const deliver = defineSignal<[InboxItem]>(SIGNALS.deliver);
export const stop = defineSignal<[StopSignal]>(SIGNALS.stop);
export const decided = defineSignal<[DecidedSignal]>(SIGNALS.decided);
export const viewQuery = defineQuery<SessionView>(QUERIES.view);

/** Stops of runs that never arrive (they had ended already) must not add up. */
const STOPS_KEPT = 200;

/** @returns what the Web UI shows as the result of a session that went idle */
export async function session(input: SessionInput): Promise<SessionEnd> {
  const s = createState(input);
  setHandler(deliver, (item) => arrive(s, item), { description: 'A message of this session was accepted.' });
  setHandler(stop, (order) => halt(s, order), { description: 'Ends the running turn, or one waiting run.' });
  setHandler(decided, (answer) => hear(s, answer), { description: 'A person answered an approval or a question about a budget.' });
  setHandler(viewQuery, () => view(s), { description: 'State, queue and current step.' });

  if (!input.carried) {
    const { nextSeq, begun, unfinished, handedOn, ...opened } = await bookkeeping.openSession.executeWithOptions(
      { summary: 'take the generation, load unfinished messages' },
      [{ session: input.session, agent: input.agent, chain: workflowInfo().firstExecutionRunId }],
    );
    s.opened = opened;
    s.nextSeq = nextSeq;
    s.handedOn = handedOn ?? [];
    // Rows first: they are older than what arrived meanwhile, and arrivals already known are dropped as duplicates.
    const arrived = s.waiting;
    s.waiting = [];
    for (const item of [...unfinished, ...arrived]) arrive(s, item);
    resume(s, begun);
  }
  closeStopped(s);
  closeDropped(s);

  for (;;) {
    await s.closing;
    if (shouldContinueAsNew(s)) await leave(s);
    if (s.turn) {
      if ((await runTurn(s)) === 'continue as new') await leave(s);
      continue;
    }
    // Whatever was to enter a turn that is no more comes next.
    Object.assign(s, afterTurn(s));
    const next = nextTurn(s.waiting, Date.now());
    if (next.act === 'start') {
      s.waiting = next.waiting;
      await begin(s, next.items);
      continue;
    }
    if (next.act === 'reset') {
      s.waiting = next.waiting;
      await beginConversation(s, next.item, endStopped);
      continue;
    }
    show(s);
    if (next.act === 'wait') {
      const heard = s.signals;
      await condition(() => s.signals !== heard || shouldContinueAsNew(s), Math.max(1, next.until - Date.now()), { summary: 'more may be said' });
      continue;
    }
    const wanted = (): boolean => s.waiting.length > 0 || shouldContinueAsNew(s);
    if (s.handedOn.length > 0) {
      // An open approval has no deadline: the session stays, and shows what it waits for.
      await condition(() => wanted() || s.handedOn.length === 0);
      continue;
    }
    if (await condition(wanted, s.opened.idleMs, { summary: 'idle' })) continue;
    await condition(allHandlersFinished);
    await s.closing;
    // Completing is safe: a signal that races it makes the server reject the completion and wake this loop again.
    if (s.waiting.length === 0) return { ended: 'idle; the next message starts it again from the store', rows: s.nextSeq - 1 };
  }
}

/**
 * Puts runs that an earlier chain had begun before everything else. They have rows, perhaps open calls: one that was
 * stopped already is sealed when it is taken, instead of being ended like one that only waits.
 */
function resume(s: SessionState, begun: readonly InboxItem[]): void {
  const isBegun = (item: InboxItem): boolean => begun.some(({ inboundId }) => inboundId === item.inboundId);
  s.stops = [...s.stops, ...s.stopped.filter(isBegun).map(({ run }) => run)];
  s.stopped = s.stopped.filter((item) => !isBegun(item));
  // Begun, it is collected no more: its turn is there.
  s.waiting = [...begun.map((item) => (item.rules ? { ...item, mode: 'followup' as const } : item)), ...s.waiting.filter((item) => !isBegun(item))];
}

function arrive(s: SessionState, item: InboxItem): void {
  s.signals += 1;
  const current = s.turn?.item ?? s.taking;
  if ([...s.stopped, ...s.dropping.map((one) => one.item)].some((other) => other.inboundId === item.inboundId)) return;
  const running = current && {
    item: current,
    inGroup: s.turn?.inGroup ?? current.rules?.inGroup ?? false,
    // A reset that is being carried out takes nothing in: what comes now belongs to the new conversation.
    ending: s.stopping !== undefined || s.turn?.ended !== undefined || isReset(current),
  };
  const arrival = place({ waiting: s.waiting, steering: s.steering, ...(running ? { running } : {}) }, item);
  if (arrival.act === 'duplicate') return;
  if (s.stops.includes(item.run)) {
    s.stops = s.stops.filter((run) => run !== item.run);
    s.stopped.push(item);
    closeStopped(s);
    return;
  }
  s.waiting = arrival.waiting;
  s.steering = arrival.steering;
  if (arrival.dropped.length > 0) {
    s.dropping = [...s.dropping, ...arrival.dropped];
    closeDropped(s);
  }
  if (arrival.act === 'interrupt') endTurn(s, { code: 'interrupted', by: item.run, reason: 'a newer message took its place' });
  if (arrival.act === 'reset' && current) endTurn(s, { code: 'reset', by: item.run, reason: 'a new conversation was begun' });
}

function halt(s: SessionState, order: StopSignal): void {
  s.signals += 1;
  const reason = `stopped by ${order.by}`;
  const meant = (item: InboxItem): boolean => order.runs.includes(item.run);
  const current = s.turn?.item ?? s.taking;
  s.stopped.push(...[...s.steering, ...s.waiting].filter(meant));
  s.waiting = s.waiting.filter((item) => !meant(item));
  s.steering = s.steering.filter((item) => !meant(item));
  closeStopped(s);
  if (current && meant(current)) endTurn(s, { code: 'stopped', reason });
  const known = new Set([...s.stopped, ...(current ? [current] : [])].map((item) => item.run));
  s.stops = [...s.stops, ...order.runs.filter((run) => !known.has(run))].slice(-STOPS_KEPT);
}

/** Notes who was answered; the main loop reads the answer from its row. */
function hear(s: SessionState, answer: DecidedSignal): void {
  s.signals += 1;
  const id = 'approval' in answer ? answer.approval : answer.question;
  if (s.handedOn.includes(id)) s.handedOn = s.handedOn.filter((other) => other !== id);
  else s.decided.add(id);
}

function endTurn(s: SessionState, stopping: Stopping): void {
  s.stopping ??= stopping;
  s.scope?.cancel();
}

/** Ends stopped items beside a running turn: they need not wait for it. The main loop hears of a failure when it awaits `closing`. */
function closeStopped(s: SessionState): void {
  if (s.opened.generation === 0 || s.stopped.length === 0) return;
  s.closing = s.closing.then(async () => {
    for (let item = s.stopped[0]; item; item = s.stopped[0]) await endWaiting(s, item);
  });
  s.closing.catch(() => undefined);
}

function endStopped(s: SessionState, item: InboxItem): void {
  s.stopped.push(item);
  closeStopped(s);
}

/** Makes waiting items the running turn, unless the first one's row says that it has ended. */
async function begin(s: SessionState, [item, ...others]: readonly InboxItem[]): Promise<void> {
  if (!item) return;
  s.taking = item;
  const together = others.map(({ inboundId, run }) => ({ inboundId, run }));
  const taken = await bookkeeping.takeRun.executeWithOptions({ summary: clip([`run ${item.run.slice(0, 12)}`, ...(others.length > 0 ? [`with ${others.length} more`] : [])].join(' ')) }, [
    { ...fence(s), inboundId: item.inboundId, run: item.run, seq: s.nextSeq, ...(together.length > 0 ? { with: together } : {}) },
  ]);
  s.taking = undefined;
  if (taken.status === 'finished') {
    s.stopping = undefined;
    s.waiting = [...others, ...s.waiting];
    return;
  }
  if (taken.conversation !== undefined) s.opened = { ...s.opened, conversation: taken.conversation };
  s.nextSeq = Math.max(s.nextSeq, taken.nextSeq);
  s.turn = { ...taken.turn, item };
  if (s.stops.includes(item.run)) {
    s.stops = s.stops.filter((run) => run !== item.run);
    endTurn(s, { code: 'stopped', reason: 'stopped before it went on' });
  }
  // A reset that came while an earlier chain had it: usually it ends the turn the moment it arrives.
  const reset = s.waiting.find(isReset);
  if (reset) endTurn(s, { code: 'reset', by: reset.run, reason: 'a new conversation was begun' });
}

/** Continues as new with everything in the input; what signals pushed while handlers finished is in the state already. */
async function leave(s: SessionState): Promise<void> {
  await condition(allHandlersFinished);
  await s.closing;
  await continueAsNew<typeof session>({ ...s.input, carried: carry(s) });
}
