/**
 * The one user of Temporal's client: signals, queries, terminations, visibility. Everything that reaches Temporal from
 * here is ids.
 */
import { type Client, WorkflowNotFoundError } from '@temporalio/client';
import { SearchAttributeType, defineSearchAttributeKey } from '@temporalio/common';
import { QUERIES, SEARCH_ATTRIBUTES, SIGNALS, TASK_QUEUE, TIMINGS, WORKFLOWS, clip, sessionWorkflowId } from '../core/names.js';
import type { InboxItem } from '../core/queue.js';
import type { DecidedSignal, SessionInput, SessionView, StopSignal } from '../core/run.js';
import { type SessionCondition, readCondition } from './condition.js';

const KEYS = {
  agent: defineSearchAttributeKey(SEARCH_ATTRIBUTES.agent, SearchAttributeType.KEYWORD),
  channel: defineSearchAttributeKey(SEARCH_ATTRIBUTES.channel, SearchAttributeType.KEYWORD),
  kind: defineSearchAttributeKey(SEARCH_ATTRIBUTES.kind, SearchAttributeType.KEYWORD),
  state: defineSearchAttributeKey(SEARCH_ATTRIBUTES.state, SearchAttributeType.KEYWORD),
};

export interface SessionAddress {
  readonly session: string;
  readonly agent: string;
  readonly channel: string;
}

export interface SessionEngine {
  /** Signals the session, starting it when it does not run. Safe to repeat: the workflow drops what it knows. */
  deliver(to: SessionAddress, item: InboxItem): Promise<void>;
  /** Also starts a session that does not run: its runs are open and would be taken up again. */
  stop(to: SessionAddress, order: StopSignal): Promise<void>;
  /** A person answered: the session reads the answer from its row. */
  decided(to: SessionAddress, answer: DecidedSignal): Promise<void>;
  isRunning(session: string): Promise<boolean>;
  condition(session: string): Promise<SessionCondition>;
  /** Ends the workflow where it stands; its rows stay. @returns false when it did not run */
  terminate(session: string, reason: string): Promise<boolean>;
  /** Keys of the sessions whose workflow runs, as visibility has them: a moment late. */
  runningSessions(): AsyncIterable<string>;
  /** Needs a worker. @returns undefined when the session does not run */
  view(session: string): Promise<SessionView | undefined>;
}

/** A signal is acknowledged in milliseconds; past this the engine counts as away and the sweeper signals later. */
const SIGNAL_DEADLINE_MS = 5_000;
const QUERY_DEADLINE_MS = 3_000;

export function createSessionEngine(client: Client): SessionEngine {
  const prefix = sessionWorkflowId('');
  const handle = (session: string) => client.workflow.getHandle(sessionWorkflowId(session));
  const within = <T>(ms: number, call: () => Promise<T>): Promise<T> => client.withDeadline(Date.now() + ms, call);

  return {
    deliver: (to, item) => signal(to, SIGNALS.deliver, item),
    stop: (to, order) => signal(to, SIGNALS.stop, order),
    decided: (to, answer) => signal(to, SIGNALS.decided, answer),

    isRunning: (session) => ifRunning(async () => (await within(SIGNAL_DEADLINE_MS, () => handle(session).describe())).status.name === 'RUNNING', false),

    condition: (session) => ifRunning<SessionCondition>(() => within(2 * SIGNAL_DEADLINE_MS, () => readCondition(client, session)), { state: 'gone' }),

    terminate: (session, reason) =>
      ifRunning(async () => {
        await within(SIGNAL_DEADLINE_MS, () => handle(session).terminate(reason));
        return true;
      }, false),

    async *runningSessions() {
      for await (const { workflowId } of client.workflow.list({ query: `ExecutionStatus = "Running" AND WorkflowType = "${WORKFLOWS.session}"` })) {
        if (workflowId.startsWith(prefix)) yield workflowId.slice(prefix.length);
      }
    },

    view: (session) => ifRunning<SessionView | undefined>(() => within(QUERY_DEADLINE_MS, () => handle(session).query<SessionView>(QUERIES.view)), undefined),
  };

  async function signal(to: SessionAddress, name: string, value: InboxItem | StopSignal | DecidedSignal): Promise<void> {
    const input: SessionInput = { v: 1, session: to.session, agent: to.agent };
    await within(SIGNAL_DEADLINE_MS, () =>
      client.workflow.signalWithStart(WORKFLOWS.session, {
        workflowId: sessionWorkflowId(to.session),
        taskQueue: TASK_QUEUE,
        args: [input],
        signal: name,
        signalArgs: [value],
        workflowTaskTimeout: TIMINGS.workflowTask,
        staticSummary: clip(`${to.session} · ${to.channel}`),
        typedSearchAttributes: [
          { key: KEYS.agent, value: to.agent },
          { key: KEYS.channel, value: to.channel },
          { key: KEYS.kind, value: 'chat' },
          { key: KEYS.state, value: 'idle' },
        ],
      }),
    );
  }
}

async function ifRunning<T>(call: () => Promise<T>, otherwise: T): Promise<T> {
  try {
    return await call();
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return otherwise;
    throw error;
  }
}
