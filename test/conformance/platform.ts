/**
 * What a platform's stand-in gives the contract suite: two conversations in which somebody writes, and its faults.
 * A control that a stand-in lacks is left out, and the promise that needs it is not checked there: give both where you can.
 */
import type { AdapterDeps, AdapterTimings, ChannelAdapter } from '../../src/adapters/contract.js';
import type { Address } from '../../src/core/channel.js';
import type { Attachment } from '../../src/core/message.js';

export type Where = 'first' | 'second';

/** What a person sees of one message. */
export interface Shown {
  readonly id: string;
  readonly text: string;
  /** Contents of its files. */
  readonly files?: readonly Uint8Array[];
  readonly buttons?: readonly string[];
  readonly replyTo?: string;
}

export interface Platform {
  /** The account's adapter, with the suite's own inbox. */
  adapter(deps: Pick<AdapterDeps, 'onInbound' | 'onStatus' | 'log'>): ChannelAdapter;
  readonly address: Readonly<Record<Where, Address>>;
  /** The credentials, which may be shown nowhere. */
  readonly secret: string;
  /** Somebody writes. @returns the platform's message id */
  writes(text: string, where?: Where): Promise<string>;
  /** Is the message off the platform's list of those it would give again? */
  isTaken?(messageId: string): boolean;
  untilTaken?(messageId: string): Promise<void>;
  /** Resolves when the adapter next asks for, or hears, what is new. */
  untilAsked?(): Promise<void>;
  /** The agent's messages there, as they are now. */
  shown(where?: Where): Promise<readonly Shown[]>;
  store(content: Uint8Array, mime: string): Promise<NonNullable<Attachment['media']>>;
  presses?(label: string): Promise<void>;
  /** `shown` has the files' contents. */
  readonly keepsFiles?: true;
  close(): Promise<void>;

  down?(): Promise<void>;
  up?(): Promise<void>;
  /** Connections are accepted and nothing is answered. */
  hang?(): { lift(): void };
  refuseAccount?(): void;
  acceptAccount?(): void;
  /** When the adapter tried to connect, epoch milliseconds. */
  attempts?(): readonly number[];
  untilAttempts?(count: number): Promise<void>;
  /** What was taken comes once more. */
  repeats?(): void;
  limits?(retryAfterMs: number): void;
  /** The next send's connection ends before, or after, the message is there. */
  cuts?(when: 'before' | 'after'): void;
  refusesMarkup?(): void;
  blocks?(): void;
  /** An address that does not exist. */
  readonly nowhere?: Address;
}

/** For the adapter under test: what takes a minute takes a moment. */
export const FAST: AdapterTimings = { backoffMin: 20, backoffMax: 200, refusedRetry: 300, silence: 1_500, call: 1_500, transfer: 5_000, albumQuiet: 100 };

export interface Conformance {
  readonly name: string;
  start(): Promise<Platform>;
}
