/**
 * Every name that more than one room uses: task queues, workflow ids, search attributes, failure types, limits.
 * Pure and sandbox-safe. A name that changes here changes for client, worker, page and test at once; names that
 * reach Temporal's history (ids, queues, types) never change without a patch.
 */

/** Workflows and bookkeeping activities. A workflow keeps its queue for life: renaming this strands sessions. */
export const TASK_QUEUE = 'openclaw';

/** Model calls, tools, memory: the machine that holds the agent's workspace. */
export const hostQueue = (hostId: string): string => `openclaw-host-${hostId}`;

/** Sends of one channel account: the process that holds its connection. */
export const channelQueue = (channel: string, account: string): string => `openclaw-channel-${channel}-${account}`;

export const sessionWorkflowId = (sessionKey: string): string => `session:${sessionKey}`;

/** @param conversation the platform's id, or its hash when it is long or has odd characters */
export const deliveryWorkflowId = (channel: string, account: string, conversation: string): string => `delivery:${channel}:${account}:${conversation}`;

/** @param sender the platform's id, or its hash when it is long or has odd characters */
export const pairingWorkflowId = (channel: string, account: string, sender: string): string => `pairing:${channel}:${account}:${sender}`;

/** Workflow type names as the Web UI shows them. */
export const WORKFLOWS = { session: 'session', delivery: 'delivery', pairing: 'pairing' } as const;

/** Signals of the session workflow. */
export const SIGNALS = { deliver: 'deliver', stop: 'stop', decided: 'decided' } as const;

/** Signal of the delivery workflow: its line has rows, or lost one. */
export const WAKE_SIGNAL = 'wake';

/** Signal of the pairing workflow: a message of its stranger is held. */
export const HELD_SIGNAL = 'held';
/** Update of the pairing workflow: the owner's word. */
export const DECIDE_UPDATE = 'decide';

/** Query answered by the session workflow: a {@link SessionView}. */
export const QUERIES = { view: 'view' } as const;

/** Custom search attributes, all Keyword. Four of the ten that SQL visibility allows. */
export const SEARCH_ATTRIBUTES = {
  agent: 'OpenClawAgent',
  channel: 'OpenClawChannel',
  kind: 'OpenClawKind',
  state: 'OpenClawState',
} as const;

export const DEFAULT_NAMESPACE = 'openclaw';
export const DEFAULT_AGENT = 'main';
/** The gateway's port; a clash is an error, never another port. */
export const GATEWAY_PORT = 18789;
/** `--dev` is profile `dev` on this port. */
export const DEV_GATEWAY_PORT = 19001;

/** Channel name of messages that enter by RPC or CLI. They have no delivery: the caller reads the row. */
export const RPC_CHANNEL = 'rpc';

export const LIMITS = {
  /** Calls of one answer that are recorded and run; further ones are dropped from it. Keeps a batch's events far below history limits. */
  callsPerStep: 64,
  /** Turns of the tool loop, unless `agents.defaults.maxSteps` says otherwise. */
  maxSteps: 100,
  /** Signals after which the session continues as new, whatever the server suggests (server limit: 10,000). */
  signalsPerRun: 2_000,
  /** Characters of a Web UI summary (server limit: 400 bytes). */
  summary: 180,
  /** One message's plain text, in characters. */
  messageChars: 1_000_000,
  /** One attachment's bytes. */
  mediaBytes: 20 * 1024 * 1024,
  /**
   * Bytes of the largest image that models get; larger ones are described. Anthropic refuses more than 5 MB of base64
   * (four thirds of the bytes), the strictest of the providers here, and a refused image would come back in every later
   * request of the conversation. https://docs.anthropic.com/en/docs/build-with-claude/vision
   */
  imageBytes: 3_750_000,
  /** A client's idempotency key, in characters. */
  idempotencyKey: 256,
} as const;

/** Millisecond timings with their reasons. */
export const TIMINGS = {
  /** An idle session completes after this unless configured; the next message starts it from the store. */
  idleToComplete: 10 * 60_000,
  /** A dead worker's sticky queue is given up after this; the SDK's 10 s would be the pause after every crash. */
  stickyScheduleToStart: 1_000,
  /** A killed worker's activity is retried after this. */
  heartbeatTimeout: 4_000,
  /** A kill in the middle of a workflow task is noticed after this; the server's 10 s would be the pause. A task takes milliseconds. */
  workflowTask: 5_000,
  /** How often activities heartbeat; well below the throttle. */
  heartbeatEvery: 250,
  /** Bounds how late a running activity hears of a cancellation. */
  heartbeatThrottle: 500,
  /** The sweeper signals rows that nobody works on. */
  sweepEvery: 60_000,
  /** A session whose task fails because of non-determinism is started anew after this: a deploy that is rolled back in time keeps it. */
  recoverAfter: 180_000,
} as const;

/**
 * Failure types (`ApplicationFailure.type`). The strings reach histories and clients: append only.
 * `retryable` failures are retried by the activity's policy before the workflow sees them.
 */
export const FAILURES = {
  /** The provider refused the credentials. */
  Auth: 'Auth',
  /** 429 with the server's delay as `nextRetryDelay`. */
  RateLimited: 'RateLimited',
  /** 5xx, 529, overloaded. */
  Overloaded: 'Overloaded',
  /** The provider refused the request itself. */
  BadRequest: 'BadRequest',
  ContextOverflow: 'ContextOverflow',
  ContentPolicy: 'ContentPolicy',
  /** Connection lost, stream cut in the middle or gone silent. */
  Network: 'Network',
  /** The answer had neither text nor calls. */
  EmptyAnswer: 'EmptyAnswer',
  /** No provider or key for the model. */
  ModelUnavailable: 'ModelUnavailable',
  /** A newer generation or another identity holds the seq: this attempt is a zombie and must stop. */
  FencedOut: 'FencedOut',
  /** The run used up `maxSteps`. */
  StepLimit: 'StepLimit',
  /** The run used up its time limit. */
  RunTimeout: 'RunTimeout',
  /** Effect begun, its end not known. */
  OutcomeUnknown: 'OutcomeUnknown',
  /** A budget's limit was reached and the owner said stop. */
  BudgetExceeded: 'BudgetExceeded',
  /** A call that the owner did not allow. */
  NotApproved: 'NotApproved',
  /** The store lacks rows this workflow has seen committed: it starts again from what the store has. */
  StoreBehind: 'StoreBehind',
  /** Anything else; the message says what. */
  Internal: 'Internal',
} as const;
export type FailureType = (typeof FAILURES)[keyof typeof FAILURES];

/** Model failures on which the loop moves to the next model at once instead of retrying the same one. */
export const NON_RETRYABLE_MODEL_FAILURES: readonly FailureType[] = [
  FAILURES.Auth,
  FAILURES.BadRequest,
  FAILURES.ContextOverflow,
  FAILURES.ContentPolicy,
  FAILURES.ModelUnavailable,
  FAILURES.FencedOut,
  FAILURES.StoreBehind,
];

/** Failures after which a session's chain must not go on: the sweeper starts it anew from its rows. */
export const CHAIN_ENDING_FAILURES: readonly FailureType[] = [FAILURES.FencedOut, FAILURES.StoreBehind];

/** Clips a line for summaries and details; never used for text that must stay whole. */
export function clip(text: string, max: number = LIMITS.summary): string {
  const line = text.replace(/\s+/g, ' ').trim();
  // A cut inside a surrogate pair would leave half a character, which UTF-8 does not have.
  return line.length <= max ? line : `${line.slice(0, max - 1).replace(/[\ud800-\udbff]$/, '')}…`;
}
