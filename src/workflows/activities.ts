/**
 * How the session workflow reaches its activities: queues, limits and retry policies, each with its reason.
 */
import { ActivityCancellationType, type ActivityOptions, proxyActivities } from '@temporalio/workflow';
import type { BookkeepingActivities } from '../activities/bookkeeping.js';
import type { ModelActivities } from '../activities/call-model.js';
import type { RunTool } from '../activities/run-tool.js';
import { CHAIN_ENDING_FAILURES, NON_RETRYABLE_MODEL_FAILURES, TASK_QUEUE, TIMINGS } from '../core/names.js';
import type { ToolPolicy } from '../core/tool.js';

/** Small store transactions. Twenty attempts outlast a restart; a chain that is fenced out or ahead of the store must stop at once. */
export const bookkeeping = proxyActivities<BookkeepingActivities>({
  taskQueue: TASK_QUEUE,
  startToCloseTimeout: '30 seconds',
  // A kill in the middle of one would else cost the whole 30 seconds.
  heartbeatTimeout: TIMINGS.heartbeatTimeout,
  retry: { initialInterval: '250ms', backoffCoefficient: 2, maximumInterval: '10 seconds', maximumAttempts: 20, nonRetryableErrorTypes: [...CHAIN_ENDING_FAILURES] },
});

/** Attempts of one model when another one waits behind it; the last in line is tried for about two minutes. */
const ATTEMPTS_BEFORE_FAILOVER = 3;
const ATTEMPTS_OF_LAST = 8;

export const models = (hostQueue: string, hasFallback: boolean) =>
  proxyActivities<ModelActivities>({
    taskQueue: hostQueue,
    startToCloseTimeout: '10 minutes',
    heartbeatTimeout: TIMINGS.heartbeatTimeout,
    // The turn's seal needs what the call had said, so the workflow waits for it to wind down.
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    retry: {
      initialInterval: '1 second',
      backoffCoefficient: 2,
      maximumInterval: '60 seconds',
      maximumAttempts: hasFallback ? ATTEMPTS_BEFORE_FAILOVER : ATTEMPTS_OF_LAST,
      nonRetryableErrorTypes: [...NON_RETRYABLE_MODEL_FAILURES],
    },
  });

/** The first retry is the one after a crash: the next worker is usually there already. */
const TOOL_LIMITS: Readonly<Record<ToolPolicy, ActivityOptions>> = {
  'read-only': { startToCloseTimeout: '5 minutes', retry: { initialInterval: '100ms', maximumAttempts: 3, nonRetryableErrorTypes: [...CHAIN_ENDING_FAILURES] } },
  idempotent: { startToCloseTimeout: '5 minutes', retry: { initialInterval: '100ms', maximumAttempts: 3, nonRetryableErrorTypes: [...CHAIN_ENDING_FAILURES] } },
  // A claim makes attempts safe, and its supervisor keeps the time of a command: attempts are unlimited, so that a
  // command that outlived any number of crashes is still re-attached.
  'side-effecting': { startToCloseTimeout: '30 days', retry: { initialInterval: '100ms', maximumInterval: '10 seconds', nonRetryableErrorTypes: [...CHAIN_ENDING_FAILURES] } },
};

/** Tools run as activities named after them; the worker's `default` handler serves every name. */
export const tools = (hostQueue: string, policy: ToolPolicy) =>
  proxyActivities<Record<string, RunTool>>({
    taskQueue: hostQueue,
    heartbeatTimeout: TIMINGS.heartbeatTimeout,
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    ...TOOL_LIMITS[policy],
  });
