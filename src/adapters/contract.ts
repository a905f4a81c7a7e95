/**
 * What every messenger adapter is. `host/` makes one for each configured account; test/conformance/channel.ts holds each to the rules here.
 *
 * Invariant: the platform's cursor advances over a message only after `onInbound` resolved for it. A rejection means "not
 * stored": the platform must give the message again, in this process or in the next.
 */
import type { Address, ChannelAccount, ChannelSender, ChannelStatus } from '../core/channel.js';
import type { InboundMessage } from '../core/message.js';
import type { Logger, MediaStore } from '../core/ports.js';
import type { Config } from '../core/schema/config.js';

/** One account as the config has it: what the account does not set it takes from its channel. */
export interface AccountConfig extends ChannelAccount {
  /** Off: configured and not connected. */
  readonly enabled: boolean;
  /** The platform's own keys; two equal ones make the same adapter. May hold secrets: never shown, never logged. */
  readonly settings: Readonly<Record<string, unknown>>;
}

/** Milliseconds. Tests shorten them; `host/` leaves them out. */
export interface AdapterTimings {
  /** First and longest pause before the next attempt, while the platform cannot be reached or a message cannot be stored. */
  readonly backoffMin: number;
  readonly backoffMax: number;
  /** Pause before the next attempt when the platform refused the account, or another program uses it. */
  readonly refusedRetry: number;
  /** A connection without a sign of life for this long is dropped and made anew. */
  readonly silence: number;
  /** Within this long an ordinary call is answered, or given up. */
  readonly call: number;
  /** Parts of one album that come within this long are one message. */
  readonly albumQuiet: number;
  /** An upload or a download is given up after this. */
  readonly transfer: number;
}

export interface AdapterDeps {
  readonly config: AccountConfig;
  /** Where secrets of the config may point to. */
  readonly env: NodeJS.ProcessEnv;
  /** Resolves once the message is durable. A rejection means "not stored". Repeats are harmless: the message key tells. */
  onInbound(message: InboundMessage): Promise<void>;
  /** Every change of state, and nothing else. Never throws. */
  onStatus(status: ChannelStatus): void;
  readonly media: MediaStore;
  readonly log: Logger;
  readonly timings?: Partial<AdapterTimings>;
}

export interface ChannelAdapter extends ChannelAccount {
  /** Usable before `start` and whatever the state: a send needs no inbound connection. */
  readonly sender: ChannelSender;
  /**
   * Begins to connect and returns at once; what becomes of it is the status. An adapter mends itself as long as it runs:
   * whoever started it starts it again only with another config.
   */
  start(): void;
  /** Resolves when nothing of it runs any more. Confirms nothing that is not durable. */
  stop(): Promise<void>;
  status(): ChannelStatus;
  /** Shows an answer while it is written, where the platform can and the conversation allows it. */
  preview?(to: Address): Preview | undefined;
}

/** An answer being written. It is a courtesy: no call throws, none waits, text may be skipped. */
export interface Preview {
  /**
   * `ephemeral`: vanishes by itself, the answer is sent as usual. `message`: a message of its own, which the first part
   * of the delivery becomes by an edit.
   */
  readonly kind: 'ephemeral' | 'message';
  /** @param markdown the whole text so far */
  update(markdown: string): void;
  /** No further update. @returns the message's platform id, for kind `message` when it was posted */
  close(): Promise<string | undefined>;
}

export type AdapterFactory = (deps: AdapterDeps) => ChannelAdapter;

/** A platform as the registry knows it, without its code. */
export interface ChannelKind {
  readonly channel: string;
  /** Every configured account, enabled or not; none when the channel is not configured. */
  accounts(config: Config, env: NodeJS.ProcessEnv): readonly AccountConfig[];
  /** Loads the platform's code. */
  load(): Promise<AdapterFactory>;
}
