/**
 * The delivery workflow: drains one conversation's line of deliveries in order (DESIGN §4), and completes when it is empty.
 * Invariants: one delivery at a time, part after part; a session never waits for it; the line is in the store, so the
 * workflow's memory holds nothing that a new one could not read again; a wake that races completion starts another look.
 */
import { ActivityCancellationType, CancellationScope, allHandlersFinished, condition, continueAsNew, defineSignal, isCancellation, proxyActivities, setCurrentDetails, setHandler, upsertSearchAttributes, workflowInfo } from '@temporalio/workflow';
import { SearchAttributeType, defineSearchAttributeKey } from '@temporalio/common';
import type { ChannelActivities, LineActivities } from '../activities/delivery.js';
import { FINAL_SEND_FAILURES } from '../core/channel.js';
import type { DeliveryEnd, DeliveryInput, NextDelivery, WakeSignal } from '../core/delivery.js';
import { LIMITS, SEARCH_ATTRIBUTES, TASK_QUEUE, TIMINGS, WAKE_SIGNAL, channelQueue, clip } from '../core/names.js';
import { causeOf } from './failures.js';

export const wake = defineSignal<[WakeSignal]>(WAKE_SIGNAL);

const STATE = defineSearchAttributeKey(SEARCH_ATTRIBUTES.state, SearchAttributeType.KEYWORD);

/** Small store transactions, without an attempt cap: a line that gave up would wait for the sweeper. */
const line = proxyActivities<LineActivities>({
  taskQueue: TASK_QUEUE,
  startToCloseTimeout: '30 seconds',
  heartbeatTimeout: TIMINGS.heartbeatTimeout,
  retry: { initialInterval: '250ms', backoffCoefficient: 2, maximumInterval: '10 seconds' },
});

/** Whatever may pass by itself is tried for ever: a platform that is away for a day costs nothing but the day. */
const channel = (input: DeliveryInput) =>
  proxyActivities<ChannelActivities>({
    taskQueue: channelQueue(input.channel, input.account),
    // A large file takes its time; a dead process is noticed by its heartbeat.
    startToCloseTimeout: '15 minutes',
    heartbeatTimeout: TIMINGS.heartbeatTimeout,
    // One that waits on the queue of a stopped channel would never say that it was cancelled.
    cancellationType: ActivityCancellationType.TRY_CANCEL,
    retry: { initialInterval: '1 second', backoffCoefficient: 2, maximumInterval: '1 minute', nonRetryableErrorTypes: [...FINAL_SEND_FAILURES] },
  });

interface LineState {
  readonly input: DeliveryInput;
  /** Something was signalled since the line was last looked at. */
  woken: boolean;
  signals: number;
  ended: number;
  shown: 'sending' | 'idle';
  /** Of the delivery in hand. */
  current?: { readonly id: string; readonly scope: CancellationScope };
}

export async function delivery(input: DeliveryInput): Promise<DeliveryEnd> {
  const s: LineState = { input, woken: false, signals: 0, ended: 0, shown: 'sending' };
  setHandler(
    wake,
    ({ dropped }) => {
      s.signals += 1;
      s.woken = true;
      if (dropped !== undefined && s.current?.id === dropped) s.current.scope.cancel();
    },
    { description: 'A delivery was put in this line, or taken out of it.' },
  );

  for (;;) {
    if (workflowInfo().continueAsNewSuggested || s.signals >= LIMITS.signalsPerRun) {
      await condition(allHandlersFinished);
      await continueAsNew<typeof delivery>(input);
    }
    s.woken = false;
    const next = await line.nextDelivery.executeWithOptions({ summary: 'what is next' }, [lineOf(input)]);
    if (next) {
      await deliver(s, next);
      s.ended += 1;
      continue;
    }
    show(s, '**empty**');
    // A signal that races the end makes the server refuse the completion; it is seen here when the loop runs again.
    if (!s.woken) return { ended: 'the line is empty; the next delivery starts it again', deliveries: s.ended };
  }
}

async function deliver(s: LineState, next: NextDelivery): Promise<void> {
  const scope = new CancellationScope();
  s.current = { id: next.delivery, scope };
  try {
    await scope.run(() => sendAll(s, next));
  } catch (error) {
    // Put away by the owner: its row says so.
    if (!isCancellation(error) || !scope.consideredCancelled) throw error;
  } finally {
    delete s.current;
  }
}

async function sendAll(s: LineState, next: NextDelivery): Promise<void> {
  const { delivery: id, kind } = next;
  const { renderDelivery, sendPart } = channel(s.input);
  try {
    show(s, '**rendering**', next);
    const rendered = await renderDelivery.executeWithOptions({ summary: clip(`${kind} ${id}`) }, [{ delivery: id }]);
    if (rendered.state !== 'frozen') return;
    for (const part of rendered.unsent) {
      const which = `part ${part + 1} of ${rendered.parts}`;
      show(s, `**sending** ${which}`, next);
      const sent = await sendPart.executeWithOptions({ summary: clip(`${kind} ${id} · ${which}`) }, [{ delivery: id, part }]);
      if (sent.state !== 'sent') return;
    }
  } catch (error) {
    if (isCancellation(error)) throw error;
    const { code, message } = causeOf(error);
    await CancellationScope.nonCancellable(() => line.endDelivery.executeWithOptions({ summary: clip(`${code}: not delivered`) }, [{ delivery: id, code, reason: message }]));
  }
}

const lineOf = ({ channel: name, account, conversation }: DeliveryInput) => ({ channel: name, account, conversation });

/** Where it stands, in the Web UI. What an attempt failed with stands there beside its activity. */
function show(s: LineState, doing: string, next?: NextDelivery): void {
  const account = `${s.input.channel} (${s.input.account})`;
  const state = next ? 'sending' : 'idle';
  if (s.shown !== state) upsertSearchAttributes([{ key: STATE, value: state }]);
  s.shown = state;
  if (!next) return setCurrentDetails(`${doing} · ${s.ended} done`);
  const away =
    next.channel === undefined ? ` · ${account} is not configured: it waits until it is`
    : next.channel === 'connected' ? ''
    : ` · ${account} is ${next.channel}: it waits for it (\`openclaw channels status\`)`;
  setCurrentDetails(`${doing} · ${next.kind} \`${next.delivery}\`${away} · ${next.behind === 0 ? 'nothing waits behind it' : `${next.behind} wait behind it`}`);
}
