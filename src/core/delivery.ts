/**
 * What the delivery workflow and its activities say to each other, and what people see of a delivery. Pure.
 * These shapes are in Temporal histories: inputs carry a version and gain only optional fields. Ids and facts, never text.
 */
import type { Address, ChannelState, DeliveryKind, DeliveryState } from './channel.js';
import type { ChannelLine } from './ports.js';

/** A delivery as lists and runs show it. Times are epoch milliseconds. */
export interface Delivery {
  readonly id: string;
  readonly to: Address;
  readonly kind: DeliveryKind;
  readonly state: DeliveryState;
  /** Why it failed or is held. */
  readonly reason?: string;
  readonly session?: string;
  /** Hash of the run it answers. */
  readonly run?: string;
  /** When it entered its line; a retry by the owner enters anew. */
  readonly queuedAt: number;
  readonly endedAt?: number;
  readonly parts: { readonly total: number; readonly sent: number; /** Sent again after a send whose end is not known. */ readonly repeated: number };
}

/** States in which a delivery still is to be sent. */
export const OPEN_DELIVERY_STATES: readonly DeliveryState[] = ['queued', 'frozen'];
/** What only the owner can move on. */
export const DEAD_DELIVERY_STATES: readonly DeliveryState[] = ['failed', 'held'];

export interface DeliveryInput extends ChannelLine {
  readonly v: 1;
}

/** `wake`: a row was written, or (`dropped`) the owner discarded the one that may be in hand. */
export interface WakeSignal {
  readonly dropped?: string;
}

/** The first open delivery of a line. */
export interface NextDelivery {
  readonly delivery: string;
  readonly kind: DeliveryKind;
  /** How many wait behind it. */
  readonly behind: number;
  /** State of its account; absent when the account is not configured. */
  readonly channel?: ChannelState;
}

export interface RenderDeliveryInput {
  readonly delivery: string;
}
/** `over`: held, or ended by somebody else. */
export type RenderDeliveryResult =
  | { readonly state: 'frozen'; readonly parts: number; /** Numbers of those that are still to be sent. */ readonly unsent: readonly number[] }
  | { readonly state: 'held' }
  | { readonly state: 'over' };

export interface SendPartInput {
  readonly delivery: string;
  readonly part: number;
}
export type SendPartResult =
  | { readonly state: 'sent'; readonly messages: number; readonly repeated?: true }
  | { readonly state: 'held' }
  | { readonly state: 'over' };

export interface EndDeliveryInput {
  readonly delivery: string;
  /** A send failure's type. */
  readonly code: string;
  /** One sentence for people. */
  readonly reason: string;
}

/** Result of the delivery workflow. */
export interface DeliveryEnd {
  readonly ended: string;
  /** Since the last continue-as-new. */
  readonly deliveries: number;
}
