/**
 * What the activities are made of. `host/` builds it; everything that a config reload may change is behind a function.
 */
import type { ConversationKind } from '../core/message.js';
import type { DeliveryWaker, MediaStore, Logger, RunEvents } from '../core/ports.js';
import type { ThinkingLevel } from '../core/model.js';
import type { Budgets } from '../storage/ledger.js';
import type { Db } from '../storage/sqlite.js';
import type { Speech } from './media/speech.js';
import type { ModelRegistry } from './models/types.js';
import type { ResetPolicy } from './reset-policy.js';
import type { ToolRegistry } from './tools/types.js';

export interface TurnSettings {
  readonly maxSteps: number;
  /** Absent: a run has no time limit of its own. */
  readonly runTimeoutMs?: number;
  readonly idleMs: number;
  readonly thinking: ThinkingLevel;
  /** When conversations of a kind end by themselves. Absent: never. */
  readonly reset?: (kind: ConversationKind) => ResetPolicy;
}

export interface ActivityDeps {
  readonly db: Db;
  readonly events: RunEvents;
  readonly media: MediaStore;
  readonly log: Logger;
  /** This machine's part of queue names. */
  readonly hostId: string;
  /** Fires when this process is leaving: supervised effects are let go at once, for the next process to re-attach. */
  readonly draining: AbortSignal;
  /**
   * Ends the command of an `exec` call that nobody follows any more, and keeps it from ever starting.
   * @param key `<run>:<step>.<index>` @returns whether it had begun
   */
  endCommand(key: string): Promise<boolean>;
  /** A session's chain ends because of what it found, and is about to be startable anew: somebody may look at once. */
  chainEnds?(): void;
  /** Wakes the line of an answer that leaves through a messenger. Absent: nothing does, and the sweeper finds it. */
  readonly deliveries?: DeliveryWaker;
  models(): ModelRegistry;
  /** Whom voice is sent to. Absent: nobody. */
  speech?(): Speech;
  tools(): ToolRegistry;
  settings(): TurnSettings;
  /** Limits of spending, and whose days and months they mean. */
  budgets(): Budgets;
  /** The system prompt: the same bytes as long as its files and facts are the same. */
  systemPrompt(): Promise<string>;
}
