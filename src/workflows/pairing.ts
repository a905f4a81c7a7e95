/**
 * The pairing workflow: one stranger who waits for the owner (DESIGN §3, §4).
 * Invariants: what it knows is in the rows, so that it may end and start again at any time; it looks at them at its start
 * and for each message; the owner's word is one update, answered when it is carried out.
 */
import { ApplicationFailure, allHandlersFinished, condition, continueAsNew, defineSignal, defineUpdate, proxyActivities, setCurrentDetails, setHandler, workflowInfo } from '@temporalio/workflow';
import type { PairingActivities } from '../activities/pairing.js';
import type { IdentityKey } from '../core/contact.js';
import { DECIDE_UPDATE, HELD_SIGNAL, LIMITS, TASK_QUEUE, TIMINGS } from '../core/names.js';
import { DECIDED_STATE, type DecideAnswer, type DecideOrder, type DecidePairingResult, type HeldSignal, type PairingEnd, type PairingInput } from '../core/pairing.js';

export const held = defineSignal<[HeldSignal]>(HELD_SIGNAL);
export const decide = defineUpdate<DecideAnswer, [DecideOrder]>(DECIDE_UPDATE);

/** Small store transactions and a signal to a session. Without an attempt cap: whoever gave up here would leave a person unheard. */
const rows = proxyActivities<PairingActivities>({
  taskQueue: TASK_QUEUE,
  startToCloseTimeout: '1 minute',
  heartbeatTimeout: TIMINGS.heartbeatTimeout,
  retry: { initialInterval: '250ms', backoffCoefficient: 2, maximumInterval: '10 seconds' },
});

/** Clocks of store and server may differ by this: a code that just expired is looked at once more, not in a tight loop. */
const LEAST_WAIT_MS = 1_000;

interface PairingFlow {
  readonly key: IdentityKey;
  /** A message came since the rows were last looked at. */
  arrived: boolean;
  signals: number;
  order?: DecideOrder;
  decided?: DecidePairingResult;
  answer?: DecideAnswer;
  handed: number;
}

export async function pairing(input: PairingInput): Promise<PairingEnd> {
  const { channel, account, sender } = input;
  const s: PairingFlow = { key: { channel, account, sender }, arrived: false, signals: 0, handed: 0 };
  setHandler(
    held,
    () => {
      s.signals += 1;
      s.arrived = true;
    },
    { description: 'A message of this stranger is held.' },
  );
  setHandler(
    decide,
    async (order) => {
      s.order ??= order;
      await condition(() => s.answer !== undefined);
      return s.answer!;
    },
    { description: 'The owner lets this person in, or not.', validator: (order) => mayDecide(s, order) },
  );

  for (;;) {
    if (!s.order && (workflowInfo().continueAsNewSuggested || s.signals >= LIMITS.signalsPerRun)) {
      await condition(allHandlersFinished);
      await continueAsNew<typeof pairing>(input);
    }
    s.arrived = false;
    const { order } = s;
    if (order) s.decided ??= await rows.decidePairing.executeWithOptions({ summary: `${order.decision}, by ${order.by}` }, [{ ...s.key, ...order }]);
    const look = await rows.lookAtStranger.executeWithOptions({ summary: 'how the stranger stands' }, [s.key]);
    if (look.state === 'admitted') await handOver(s);
    if (s.decided) s.answer ??= { ...s.decided, handed: s.handed };
    if (look.state === 'waits') {
      const until = new Date(look.codeUntil).toISOString();
      setCurrentDetails(`**waits for the owner** · ${look.held} held · its code is valid until ${until} · \`openclaw pairing list\``);
      await condition(() => news(s), Math.max(LEAST_WAIT_MS, look.codeUntil - Date.now()), { summary: 'the code is valid' });
      continue;
    }
    const ended = look.state === 'admitted' ? 'let in' : look.why;
    setCurrentDetails(`**${ended}** · ${s.handed} handed over`);
    await condition(allHandlersFinished);
    // A signal that races the end makes the server refuse the completion; it is seen here when the loop runs again.
    if (!news(s)) return { ended, handed: s.handed };
  }
}

const news = (s: PairingFlow): boolean => s.arrived || (s.order !== undefined && s.decided === undefined);

async function handOver(s: PairingFlow): Promise<void> {
  for (let done = false; !done; ) {
    const result = await rows.handOver.executeWithOptions({ summary: 'hand over what is held' }, [s.key]);
    s.handed += result.handed;
    done = result.done;
  }
  await rows.tellAdmitted.executeWithOptions({ summary: 'tell the person' }, [s.key]);
}

/** @throws ApplicationFailure: the update is not accepted, and leaves no trace */
function mayDecide(s: PairingFlow, order: DecideOrder): void {
  if (!Object.hasOwn(DECIDED_STATE, order.decision) || typeof order.by !== 'string') throw ApplicationFailure.nonRetryable('no such decision', 'BadDecision');
  if (s.order && s.order.decision !== order.decision) throw ApplicationFailure.nonRetryable(`already decided: ${s.order.decision}`, 'AlreadyDecided');
}
