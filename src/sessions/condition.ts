/**
 * How a session's workflow is: running, failing at its tasks, or gone, and why. Read from what the server has, so that
 * it can be told without a worker.
 */
import type { Client, WorkflowExecutionDescription } from '@temporalio/client';
import { clip, sessionWorkflowId } from '../core/names.js';

export type SessionCondition =
  | { readonly state: 'running' }
  /** Its workflow task fails again and again; nothing of it is lost, nothing goes on. `vague`: workers may only have been away. */
  | { readonly state: 'failing'; readonly since: number; readonly attempt: number; readonly message: string; readonly nonDeterminism: boolean; readonly vague?: boolean }
  | { readonly state: 'gone'; readonly ended?: SessionEnding };

export interface SessionEnding {
  readonly how: 'completed' | 'failed' | 'terminated' | 'timed out' | 'cancelled';
  readonly at: number;
  /** Who terminated it. */
  readonly by?: string;
  readonly reason?: string;
  /** Failure type, for `failed`. */
  readonly failure?: string;
}

/** Two failures in a row can be a restart in the middle of a task; from the third on it is the code. */
const FAILING_FROM_ATTEMPT = 3;
/** A task that nobody takes for this long is not waiting for a busy worker. */
const UNTAKEN_MS = 120_000;
/** Failures further back than this many events are not the cause of a task that fails now. */
const EVENTS_BACK = 20;
/** Values of the protocol's enums. */
const NON_DETERMINISTIC_ERROR = 24;
const TASK_SCHEDULED = 1;
const EVENT = { workflowTaskFailed: 9 } as const;
/** Nobody needs more of another program's message; it may be long. */
const MESSAGE_MAX = 300;

export async function readCondition(client: Client, session: string): Promise<SessionCondition> {
  const workflowId = sessionWorkflowId(session);
  const described = await client.workflow.getHandle(workflowId).describe();
  if (described.status.name !== 'RUNNING') {
    // Without a continued run: a chain that goes on is described by its newest run.
    const ended = await endingOf(client, described);
    return { state: 'gone', ...(ended ? { ended } : {}) };
  }
  const task = described.raw.pendingWorkflowTask;
  const attempt = Number(task?.attempt ?? 0);
  if (task && attempt >= FAILING_FROM_ATTEMPT) {
    const failed = (await eventsBack(client, described)).find((event) => Number(event.eventType) === EVENT.workflowTaskFailed);
    const facts = failed?.workflowTaskFailedEventAttributes;
    return {
      state: 'failing', attempt,
      since: timeOf(failed?.eventTime) ?? timeOf(task.originalScheduledTime) ?? Date.now(),
      message: clip(facts?.failure?.message || 'the worker ends in the middle of it', MESSAGE_MAX),
      nonDeterminism: Number(facts?.cause) === NON_DETERMINISTIC_ERROR,
      ...(failed ? {} : { vague: true }),
    };
  }
  const scheduled = timeOf(task?.scheduledTime);
  if (task && Number(task.state) === TASK_SCHEDULED && scheduled !== undefined && Date.now() - scheduled > UNTAKEN_MS) {
    return { state: 'failing', attempt, since: scheduled, message: 'no worker takes its task', nonDeterminism: false, vague: true };
  }
  return { state: 'running' };
}

async function endingOf(client: Client, described: WorkflowExecutionDescription): Promise<SessionEnding | undefined> {
  const [last] = await eventsBack(client, described);
  const at = described.closeTime?.getTime() ?? Date.now();
  switch (described.status.name) {
    case 'COMPLETED':
      return { how: 'completed', at };
    case 'CANCELLED':
      return { how: 'cancelled', at };
    case 'TIMED_OUT':
      return { how: 'timed out', at };
    case 'TERMINATED': {
      const { identity, reason } = last?.workflowExecutionTerminatedEventAttributes ?? {};
      return { how: 'terminated', at, ...(identity ? { by: clip(identity) } : {}), ...(reason ? { reason: clip(reason) } : {}) };
    }
    case 'FAILED': {
      const failure = last?.workflowExecutionFailedEventAttributes?.failure;
      const cause = failure?.cause ?? failure;
      const type = cause?.applicationFailureInfo?.type ?? failure?.applicationFailureInfo?.type;
      return { how: 'failed', at, ...(type ? { failure: type } : {}), ...(cause?.message ? { reason: clip(cause.message, MESSAGE_MAX) } : {}) };
    }
    default:
      return undefined;
  }
}

/** The newest events first. */
async function eventsBack(client: Client, { workflowId, runId }: WorkflowExecutionDescription) {
  const { history } = await client.workflowService.getWorkflowExecutionHistoryReverse({
    namespace: client.options.namespace, execution: { workflowId, runId }, maximumPageSize: EVENTS_BACK,
  });
  return history?.events ?? [];
}

type Timestamp = { readonly seconds?: unknown; readonly nanos?: number | null } | null | undefined;
const timeOf = (time: Timestamp): number | undefined => (time ? Number(time.seconds ?? 0) * 1_000 + (time.nanos ?? 0) / 1e6 : undefined);
