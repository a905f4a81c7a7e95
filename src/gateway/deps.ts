/**
 * What the gateway needs from the rest of the house, as small ports; `host/` composes them. Pure types.
 * Invariant: nothing here hands the gateway a secret but its own token, and snapshots come already redacted.
 */
import type { Door, Logger, MediaStore, RunEvents } from '../core/ports.js';
import type { ModelPrice } from '../core/model.js';
import type { Notice } from '../core/notice.js';
import type { ChannelStatus } from '../core/channel.js';
import type { RowStore } from '../core/rows.js';
import type { RunRing } from '../bus/ring.js';
import type { Approvals } from '../sessions/approvals.js';
import type { BudgetControl } from '../sessions/budgets.js';
import type { Contacts } from '../sessions/contacts.js';
import type { Deliveries } from '../sessions/deliveries.js';
import type { Erasing } from '../sessions/erasing.js';
import type { SessionKeeping } from '../sessions/keeping.js';
import type { Outbound } from '../sessions/outbound.js';
import type { PairingControl } from '../sessions/pairing.js';
import type { SessionControl } from '../sessions/control.js';
import type { SessionRepair } from '../sessions/recover.js';
import type { SpendingReader } from '../storage/spending.js';

/** Who holds the gateway's token, from whatever device: the owner. */
export const OWNER_PRINCIPAL = 'owner';

export type { RunRowOutcome, RunRow, HistoryRow, SessionRow, UsageAttempt, ToolAttempt, RunTimeline, EndedCursor, RowStore } from '../core/rows.js';

export interface ModelInfo {
  /** The model's id at its provider. */
  readonly id: string;
  readonly name: string;
  readonly provider: string;
  readonly available: boolean;
  readonly unavailableReason?: 'missing-auth' | 'auth-failed' | 'cooldown';
  readonly contextWindow?: number;
  readonly reasoning?: boolean;
  readonly input?: readonly ('text' | 'image')[];
  readonly tags?: readonly string[];
}

export interface ModelsStatus {
  /** `provider/model` that answers by default. */
  readonly primary: string;
  readonly fallbacks: readonly string[];
  readonly contextTokens: number;
  /** False when only the offline provider is there. */
  readonly configured: boolean;
  readonly providers: readonly {
    readonly provider: string;
    readonly available: boolean;
    /** Where the key came from, e.g. `env ANTHROPIC_API_KEY`; never the key. */
    readonly source?: string;
    readonly problem?: string;
  }[];
}

export interface ModelTest {
  /** `provider/model`. */
  readonly ref: string;
  readonly ok: boolean;
  readonly latencyMs: number;
  /** A failure type. */
  readonly code?: string;
  readonly error?: string;
}

export interface Models {
  list(): Promise<readonly ModelInfo[]>;
  status(): Promise<ModelsStatus>;
  /** List price of a model (`provider/model`), when it is known. */
  price(ref: string): ModelPrice | undefined;
  /** Calls the model for real. @param ref `provider/model`; the default one when absent */
  test(ref?: string): Promise<readonly ModelTest[]>;
}

export interface ConfigIssue {
  readonly path: string;
  readonly message: string;
  readonly line?: number;
  readonly column?: number;
}

/** Secrets are `__OPENCLAW_REDACTED__` everywhere in it. */
export interface ConfigSnapshot {
  /** The file. */
  readonly path: string;
  readonly exists: boolean;
  readonly raw: string;
  /** As written, without defaults. */
  readonly parsed: unknown;
  /** With defaults and variables filled in: what the process runs with. */
  readonly config: unknown;
  readonly valid: boolean;
  /** Of the file's content: the base of the next write. */
  readonly hash: string;
  /** Hash of the content the process runs with. */
  readonly appliedHash: string;
  readonly issues: readonly ConfigIssue[];
  readonly warnings: readonly ConfigIssue[];
}

export interface ConfigChange {
  readonly snapshot: ConfigSnapshot;
  readonly changedPaths: readonly string[];
  /** What was changed takes effect with the next start only. */
  readonly restartRequired: boolean;
}

export interface ConfigControl {
  get(): ConfigSnapshot;
  /** Replaces the file. @throws CodedError INVALID_REQUEST (wrong base, invalid config) */
  set(raw: string, baseHash: string): Promise<ConfigChange>;
  /** Applies a JSON merge patch. @throws CodedError INVALID_REQUEST */
  patch(raw: string, baseHash: string): Promise<ConfigChange>;
  /** JSON schema of the file. */
  schema(): unknown;
}

export interface HealthReport {
  readonly ready: boolean;
  /** The process is still coming up: clients are told to retry in a moment. */
  readonly starting?: boolean;
  /** Names of what is not ready, e.g. `engine`. */
  readonly failing: readonly string[];
  /** Facts for `status` and `doctor`: no secrets. */
  readonly details?: Readonly<Record<string, unknown>>;
}

export interface Check {
  readonly id: string;
  readonly title: string;
  readonly status: 'ok' | 'warn' | 'fail' | 'skip';
  readonly detail: string;
  readonly remedy?: string;
}

export interface Notices {
  /** The worst first. */
  open(): Promise<readonly Notice[]>;
  /** @returns whether it was open */
  dismiss(key: string): Promise<boolean>;
}

/** One configured account of a messenger. */
export interface ChannelEntry {
  readonly status: ChannelStatus;
  /** Off: configured and not connected. */
  readonly enabled: boolean;
  /** Somebody sees to its connection, whatever its state. */
  readonly running: boolean;
  /** It sends when no account is named. */
  readonly isDefault: boolean;
  readonly dmPolicy?: string;
  readonly groupPolicy?: string;
}

export interface ChannelControl {
  /** By channel and account. */
  list(): readonly ChannelEntry[];
  /** All accounts of the channel when none is named. @throws CodedError INVALID_REQUEST */
  start(channel: string, account?: string): Promise<readonly ChannelEntry[]>;
  /** Until it is started, its config changes or the gateway starts again. @throws CodedError INVALID_REQUEST */
  stop(channel: string, account?: string): Promise<readonly ChannelEntry[]>;
}

export interface GatewayTimings {
  /** Event `tick`; the reference client gives up after twice this. */
  readonly tickMs: number;
  /** From open socket to a complete `connect`. */
  readonly handshakeMs: number;
  /** WebSocket ping, and how long its pong may take. */
  readonly pingMs: number;
  /** How often ended rows are looked for; bounds how late an end is heard of without the bus. */
  readonly pollMs: number;
}

export interface GatewayDeps {
  readonly door: Door;
  readonly events: RunEvents;
  readonly ring: RunRing;
  readonly rows: RowStore;
  /** What a client may do to a session beside sending to it. */
  readonly sessions: SessionControl;
  readonly repair: SessionRepair;
  readonly keeping: SessionKeeping;
  readonly erasing: Pick<Erasing, 'remove'>;
  readonly notices: Notices;
  readonly models: Models;
  readonly approvals: Approvals;
  readonly budgets: BudgetControl & SpendingReader;
  readonly pairing: PairingControl;
  readonly contacts: Contacts;
  readonly channels: ChannelControl;
  readonly deliveries: Deliveries;
  readonly outbound: Outbound;
  readonly config: ConfigControl;
  readonly health: () => HealthReport;
  readonly doctor: (deep: boolean) => Promise<readonly Check[]>;
  readonly media: MediaStore;
  readonly token: string;
  readonly version: string;
  readonly stateDir: string;
  /** Host names (`name` or `name:port`) beside loopback ones; `gateway.allowedHosts`. */
  readonly allowedHosts: readonly string[];
  readonly log: Logger;
  /** The run's page in the Temporal Web UI. */
  readonly webUrl: (session: string, run?: string) => string | undefined;
  /** Epoch milliseconds. */
  readonly startedAt: number;
  readonly timings?: Partial<GatewayTimings>;
}
