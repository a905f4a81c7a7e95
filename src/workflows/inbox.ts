/**
 * What the queue decides, carried out: messages enter a turn, calls are skipped for them, runs are dropped, a new
 * conversation begins. Invariant: each ends in its rows; what is here is only a cache of them.
 */
import { isCancellation } from '@temporalio/workflow';
import { SKIPPED_BATCHES } from '../core/inbox.js';
import { clip } from '../core/names.js';
import { type InboxItem } from '../core/queue.js';
import type { BatchCall } from '../core/run.js';
import { bookkeeping, models } from './activities.js';
import { type SessionState, allotSeq, fence, urgency } from './state.js';

const plural = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`;

/** Lets what waits to enter the turn enter it, before its next model call. */
export async function steer(s: SessionState): Promise<void> {
  const turn = s.turn!;
  const entering = s.steering;
  // They take the seq that was kept for the answer, which moves behind them.
  const items = entering.map(({ inboundId, run }) => ({ inboundId, run }));
  const { nextSeq, hear = [] } = await bookkeeping.steerRun.executeWithOptions({ summary: clip(`step ${turn.step} · ${plural(items.length, 'message')} came in`) }, [
    { ...fence(s), run: turn.item.run, step: turn.step, seq: turn.seq, items },
  ]);
  s.steering = s.steering.filter((item) => !entering.includes(item));
  s.nextSeq = Math.max(s.nextSeq, nextSeq);
  s.turn = { ...s.turn!, seq: nextSeq === turn.seq ? turn.seq : allotSeq(s), ...(hear.length > 0 ? { hear: [...(turn.hear ?? []), ...hear] } : {}) };
}

/** Recordings become text. Where that fails the turn goes on: the model is told why there is none. */
export async function listen(s: SessionState): Promise<void> {
  for (const inboundId of s.turn!.hear ?? []) {
    try {
      await models(s.opened.hostQueue, true).transcribeMessage.executeWithOptions({ summary: 'voice to text', ...urgency(s) }, [{ inboundId }]);
    } catch (error) {
      if (isCancellation(error)) throw error;
    }
  }
  s.turn = { ...s.turn!, hear: undefined };
}

/** Calls that have not begun give way to a message, unless a person was asked about them; never in three batches in a row. */
export function skippable(s: SessionState): readonly BatchCall[] {
  if (s.steering.length === 0 || (s.turn!.skips ?? 0) >= SKIPPED_BATCHES) return [];
  return s.turn!.batch!.filter((call) => call.status === 'pending' && call.approval === undefined);
}

export async function skip(s: SessionState, calls: readonly BatchCall[]): Promise<void> {
  const turn = s.turn!;
  await bookkeeping.skipCalls.executeWithOptions({ summary: clip(`${plural(calls.length, 'call')} skipped for a new message`) }, [
    { ...fence(s), run: turn.item.run, step: turn.step, callSeq: turn.callSeq!, calls: calls.map(({ index, seq }) => ({ index, seq })) },
  ]);
  const batch = s.turn!.batch!.map((call): BatchCall => (calls.some(({ index }) => index === call.index) ? { ...call, status: 'done' } : call));
  s.turn = { ...s.turn!, batch, cut: true };
}

/** Ends what was left out, beside a running turn; the main loop hears of a failure when it awaits `closing`. */
export function closeDropped(s: SessionState): void {
  if (s.opened.generation === 0 || s.dropping.length === 0) return;
  s.closing = s.closing.then(async () => {
    const dropping = s.dropping;
    if (dropping.length === 0) return;
    const items = dropping.map(({ item: { inboundId, run }, reason }) => ({ inboundId, run, reason }));
    await bookkeeping.dropRuns.executeWithOptions({ summary: clip(`${plural(items.length, 'message')} left out: ${items[0]!.reason}`) }, [{ ...fence(s), items }]);
    s.dropping = s.dropping.filter((one) => !dropping.includes(one));
  });
  s.closing.catch(() => undefined);
}

/** The order to begin a new conversation: what came before it has ended already. */
export async function beginConversation(s: SessionState, item: InboxItem, endStopped: (s: SessionState, item: InboxItem) => void): Promise<void> {
  await s.closing;
  s.taking = item;
  const { conversation, nextSeq, goesOn } = await bookkeeping.resetSession.executeWithOptions({ summary: 'a new conversation begins' }, [{ ...fence(s), inboundId: item.inboundId, run: item.run, seq: s.nextSeq }]);
  s.taking = undefined;
  s.opened = { ...s.opened, conversation };
  s.nextSeq = Math.max(s.nextSeq, nextSeq);
  s.handedOn = [];
  // A stop that came meanwhile is too late for the reset itself, not for the words that came with it.
  const stopped = s.stopping?.code === 'stopped';
  s.stopping = undefined;
  if (!goesOn) return;
  const words: InboxItem = { ...item, mode: 'followup', rules: { ...item.rules!, reset: false } };
  if (stopped) return endStopped(s, words);
  s.waiting = [words, ...s.waiting];
}
