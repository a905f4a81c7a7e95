/**
 * What a messenger adapter is to the rest of the house: addresses, parts, limits, states, failures. Pure types and
 * small pure rules; `adapters/` implements them, `activities/delivery` and `sessions/` use them.
 */
import type { Attachment, Conversation, InboundMessage } from './message.js';

/** One configured account of one platform; `default` where only one is configured. */
export interface ChannelAccount {
  readonly channel: string;
  readonly account: string;
}

/** Where something is sent: a conversation of one account. */
export interface Address extends ChannelAccount {
  readonly conversation: Conversation;
  /** The platform's thread or topic id. */
  readonly thread?: string;
}

/** A choice under a message. Pressing it comes back as the command. */
export interface Button {
  readonly label: string;
  /** What the press says, e.g. `/approve 7f3k allow-once`: at most 64 bytes. */
  readonly command: string;
}

/** One platform message, rendered and frozen. */
export interface OutboundPart {
  /** In the platform's markup. */
  readonly text: string;
  /** The same without markup, for a platform that refuses the markup. */
  readonly plain: string;
  /** Name of the markup, e.g. `telegram-html`, `plain`. */
  readonly format: string;
  readonly attachments: readonly Attachment[];
  readonly buttons?: readonly (readonly Button[])[];
  /** The platform's id of the message this one answers. */
  readonly replyTo?: string;
}

export interface SentPart {
  /** More than one when the platform needed more messages (albums). */
  readonly platformIds: readonly string[];
}

/** What the platform can. Unset: it cannot. */
export interface ChannelCapabilities {
  readonly edit?: boolean;
  readonly react?: boolean;
  readonly typing?: boolean;
  readonly buttons?: boolean;
  readonly attachments?: boolean;
  /** The platform drops a repeated key by itself. */
  readonly idempotencyKey?: boolean;
  /** The adapter can find out whether a key was sent. */
  readonly lookup?: boolean;
  /** Largest text of one message, in the platform's unit. */
  readonly textLimit: number;
  /** Largest file it sends, in bytes. */
  readonly mediaBytes: number;
}

export type ChannelState = 'starting' | 'connected' | 'reconnecting' | 'failed' | 'stopped';

export interface ChannelStatus extends ChannelAccount {
  readonly state: ChannelState;
  /** Epoch milliseconds of the last change of state. */
  readonly since: number;
  /** The agent's own name there, e.g. `@claw_bot`. */
  readonly self?: string;
  /** What went wrong last, and what to do; never a token. */
  readonly lastError?: { readonly code: string; readonly message: string; readonly hint?: string; readonly at: number };
  readonly lastInboundAt?: number;
  readonly lastOutboundAt?: number;
  /** When the platform was last heard of at all. */
  readonly lastAliveAt?: number;
}

/**
 * Failures of a send (`ApplicationFailure.type`). The last four end a delivery; `Uncertain` means that the platform may have taken it.
 */
export const SEND_FAILURES = {
  RateLimited: 'RateLimited',
  /** Nothing reached the platform. */
  Unreachable: 'Unreachable',
  /** The request left and no answer came. */
  Uncertain: 'Uncertain',
  /** The platform refused the account's credentials; sending goes on once they are mended. */
  ChannelAuth: 'ChannelAuth',
  /** The conversation does not exist, or the account is no longer in it. */
  ChatGone: 'ChatGone',
  /** The person blocked the account. */
  Blocked: 'Blocked',
  /** The platform refused this message for good. */
  Refused: 'Refused',
  /** The account is not configured any more. */
  ChannelGone: 'ChannelGone',
} as const;
export type SendFailureType = (typeof SEND_FAILURES)[keyof typeof SEND_FAILURES];
export const FINAL_SEND_FAILURES: readonly SendFailureType[] = [SEND_FAILURES.ChatGone, SEND_FAILURES.Blocked, SEND_FAILURES.Refused, SEND_FAILURES.ChannelGone];

export class SendError extends Error {
  override readonly name = 'SendError';
  constructor(
    readonly type: SendFailureType,
    message: string,
    /** Milliseconds the platform asked us to wait. */
    readonly retryAfterMs?: number,
  ) {
    super(message);
  }
}

/** The port through which activities reach the adapter of one account. */
export interface ChannelSender extends ChannelAccount {
  readonly capabilities: ChannelCapabilities;
  /** Renders and splits Markdown; deterministic. An empty text with attachments gives parts that hold only those. */
  render(markdown: string, attachments: readonly Attachment[], buttons?: readonly (readonly Button[])[]): readonly OutboundPart[];
  /** @param key delivery key: the platform's own idempotency key where it has one. @throws SendError */
  send(to: Address, part: OutboundPart, key: string): Promise<SentPart>;
  /** @throws SendError */
  edit?(to: Address, platformId: string, part: OutboundPart): Promise<void>;
  react?(to: Address, platformId: string, emoji: string | undefined): Promise<void>;
  /** Shows that an answer is being made; lasts some seconds. Never throws. */
  typing?(to: Address): Promise<void>;
  /** @returns ids when the key was sent, `unknown` when the platform cannot tell */
  lookup?(to: Address, key: string): Promise<SentPart | 'not sent' | 'unknown'>;
}

/**
 * Before a part that is sent again although an earlier send of it may have arrived. Plain in every markup; `render`
 * leaves room for it, and a part that has none goes without.
 */
export const REPEAT_MARK = '(may be a repeat)\n';

/** Names of accounts reach queue names and workflow ids. */
export const isAccountName = (text: string): boolean => /^[a-z0-9][a-z0-9_-]{0,31}$/.test(text);
export const DEFAULT_ACCOUNT = 'default';

/** Where a message came from: its answer goes there. */
export const addressOf = ({ channel, account, conversation }: Pick<InboundMessage, 'channel' | 'account' | 'conversation'>): Address => ({
  channel, account, conversation,
  ...(conversation.kind === 'thread' ? { thread: conversation.id } : {}),
});

export type DeliveryKind = 'reply' | 'notice' | 'approval' | 'pairing' | 'command' | 'message';
export type DeliveryState =
  /** Waits for its turn in its line. */
  | 'queued'
  /** Its parts are rendered and fixed. */
  | 'frozen'
  | 'sent'
  /** Ended without having been sent whole; the reason says why. */
  | 'failed'
  /** Too old to be sent unasked: the owner decides. */
  | 'held'
  /** The owner put it away unsent. */
  | 'discarded';
export type PartState = 'frozen' | 'begun' | 'sent' | 'failed';

/** What is to be sent: an answer by its row, or a text of our own. */
export type DeliverySource = { readonly type: 'row'; readonly session: string; readonly seq: number } | { readonly type: 'text'; readonly markdown: string };

export interface NewDelivery {
  /** The same id is written once. */
  readonly id: string;
  readonly to: Address;
  readonly kind: DeliveryKind;
  readonly source: DeliverySource;
  readonly attachments?: readonly Attachment[];
  readonly buttons?: readonly (readonly Button[])[];
  readonly replyTo?: string;
  readonly session?: string;
  readonly run?: string;
}
