/**
 * Ports: calls against the arrows of DESIGN §2. `host/` builds them and hands them over as `deps`. Pure types.
 */
import type { RunEvent } from './events.js';
import type { InboundMessage, MediaRef } from './message.js';
import type { QueueMode, Role } from './queue.js';
import type { ThinkingLevel } from './model.js';

/** Publishes and follows run events. Publishing never throws and never waits. */
export interface RunEvents {
  publish(event: RunEvent): void;
  /** Returns the unsubscribe function. */
  subscribe(listener: (event: RunEvent) => void): () => void;
}

export interface MediaStore {
  /**
   * Stores content under its hash, once. @throws CodedError MEDIA_TOO_LARGE
   * @param declaredMime used only when the content's own type cannot be told
   */
  put(content: Uint8Array, declaredMime?: string): Promise<{ readonly hash: string; readonly mime: string; readonly size: number }>;
  /** @returns undefined when there is no such content */
  get(ref: MediaRef): Promise<Uint8Array | undefined>;
  path(ref: MediaRef): string;
}

/** What a caller asks of a turn, beside its message. */
export interface TurnRequest {
  readonly mode?: QueueMode;
  /** `provider/model`, for this run only. */
  readonly model?: string;
  readonly thinking?: ThinkingLevel;
  /** The run's own time limit in milliseconds. */
  readonly timeoutMs?: number;
  /** Appended to the system prompt of this run. */
  readonly extraSystemPrompt?: string;
  /** Set by schedules and subagents, never by a client: the run does not wait for approvals inside its turn. */
  readonly background?: boolean;
  /** Set by a decision: the approval whose call this run carries out first. */
  readonly followOn?: string;
}

export interface DoorRequest {
  readonly message: InboundMessage;
  readonly session: string;
  readonly principal: string;
  readonly role: Role;
  /** The client's run id; absent for platform messages, whose run id is derived from the message key. */
  readonly runId?: string;
  readonly turn?: TurnRequest;
  /** Begins a new conversation first; the message, if it has text, is the first of it. */
  readonly reset?: boolean;
}

export interface DoorAnswer {
  readonly inboundId: string;
  readonly runId: string;
  readonly run: string;
  readonly session: string;
  readonly acceptedAt: number;
  /** `repeat`: the same key and payload were accepted before. */
  readonly status: 'accepted' | 'repeat';
}

/** The one door of every inbound message (`sessions/intake`). */
export interface Door {
  /**
   * Accepts durably, then signals. Resolves once the row is committed, also when the engine is away (the sweeper signals later).
   * @throws CodedError INVALID_REQUEST (same key with another payload or in another session, mode not available, key grammar)
   */
  accept(request: DoorRequest): Promise<DoorAnswer>;
}

export interface ScheduleSpec {
  readonly id: string;
  readonly workflow: string;
  readonly spec: Readonly<Record<string, unknown>>;
  readonly hash: string;
}
/** Reconciles Temporal Schedules with the config. */
export interface Schedules {
  reconcile(wanted: readonly ScheduleSpec[]): Promise<void>;
}

/** Wakes the workflow of a line of deliveries; a lost wake is found by the sweeper. Never throws. */
export interface DeliveryWaker {
  wake(line: ChannelLine): Promise<void>;
}
export interface ChannelLine {
  readonly channel: string;
  readonly account: string;
  /** The platform's id of the conversation that holds the threads. */
  readonly conversation: string;
}

/** pino’s shape. Fields never hold message text, tool arguments or secrets. */
export interface Logger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}
