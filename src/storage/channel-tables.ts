/**
 * Tables of people, their messengers, and what is sent to them. As in `tables.ts`: JSON columns are text, times are epoch
 * milliseconds.
 */
import type { DeliveryKind, DeliveryState, PartState } from '../core/channel.js';
import type { IdentityState, PairingState } from '../core/contact.js';
import type { Role } from '../core/queue.js';

/** A person: owns identities on platforms, and their settings of sessions. */
export interface ContactsTable {
  readonly id: string;
  readonly name: string;
  readonly role: Role;
  readonly blocked: number;
  readonly created_at: number;
  readonly updated_at: number;
}

/** One sender of one account of one platform. */
export interface IdentitiesTable {
  readonly channel: string;
  readonly account: string;
  readonly sender: string;
  readonly contact: string;
  /** The contact it is of when nobody links it. */
  readonly home: string;
  readonly state: IdentityState;
  readonly name: string | null;
  readonly username: string | null;
  /** JSON {@link Conversation}: their direct conversation, where something can be sent unasked. */
  readonly direct: string | null;
  readonly approved_by: string | null;
  readonly created_at: number;
  readonly updated_at: number;
}

/** A session whose person was linked to another one. */
export interface AliasesTable {
  readonly session: string;
  readonly primary_session: string;
  readonly contact: string;
  readonly state: 'draining' | 'active';
  readonly created_at: number;
  readonly flipped_at: number | null;
  /** The primary session's model was told. */
  readonly told_at: number | null;
}

/** A code that links two identities, typed on the other channel. */
export interface LinkCodesTable {
  readonly code: string;
  readonly contact: string;
  readonly expires_at: number;
  readonly used_at: number | null;
}

/** A stranger who waits for the owner. */
export interface PairingTable {
  readonly channel: string;
  readonly account: string;
  readonly sender: string;
  /** In clear: the database is 0600; the Web UI never sees it. Empty until it is made: the place is taken. */
  readonly code: string;
  readonly state: PairingState;
  readonly name: string | null;
  readonly username: string | null;
  /** JSON {@link Conversation}. */
  readonly conversation: string;
  readonly requested_at: number;
  readonly expires_at: number;
  readonly decided_at: number | null;
  readonly decided_by: string | null;
  /** Whom an approved one became. */
  readonly contact: string | null;
  /** The decision is carried out: nothing is held, the person knows. */
  readonly settled_at: number | null;
}

/** Where a session's people were heard last. */
export interface RoutesTable {
  readonly session: string;
  /** JSON {@link Address}. */
  readonly address: string;
  readonly updated_at: number;
}

/** What was said in a group without naming the agent: context of the next turn there. */
export interface OverheardTable {
  readonly id: string;
  readonly session: string;
  /** JSON {@link Sender}. */
  readonly sender: string;
  readonly text: string;
  readonly at: number;
}

/** What one session was set to by its people. */
export interface SessionSettingsTable {
  readonly session: string;
  /** JSON {@link SessionSettings}. */
  readonly settings: string;
  readonly updated_at: number;
}

/** Everything that leaves through a messenger. Lines are drained in the order of `position`. */
export interface DeliveriesTable {
  readonly id: string;
  readonly channel: string;
  readonly account: string;
  /** The platform's id of the conversation that holds the threads. */
  readonly line: string;
  readonly position: number;
  /** JSON {@link Address}. */
  readonly address: string;
  readonly kind: DeliveryKind;
  /** JSON {@link DeliverySource}. */
  readonly source: string;
  /** JSON. */
  readonly attachments: string | null;
  readonly buttons: string | null;
  readonly reply_to: string | null;
  readonly session: string | null;
  readonly run: string | null;
  readonly state: DeliveryState;
  readonly reason: string | null;
  readonly created_at: number;
  readonly updated_at: number;
  readonly ended_at: number | null;
}

/** One platform message of a delivery. */
export interface DeliveryPartsTable {
  readonly delivery: string;
  readonly n: number;
  /** JSON {@link OutboundPart}. */
  readonly part: string;
  readonly hash: string;
  readonly state: PartState;
  /** JSON string[]. */
  readonly platform_ids: string | null;
  /** It was sent again after a send whose end is not known. */
  readonly repeated: number;
  readonly begun_at: number | null;
  readonly sent_at: number | null;
}

/** What was heard in a recording, by the hash of its content: the same recording is paid for once. */
export interface TranscriptsTable {
  readonly hash: string;
  /** Null: it could not be transcribed so far. */
  readonly text: string | null;
  /** Why not, in words that a person may read. */
  readonly problem: string | null;
  readonly provider: string;
  readonly model: string;
  /** As the provider told it, or the config. */
  readonly language: string | null;
  readonly created_at: number;
}
