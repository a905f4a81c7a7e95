/**
 * People and what they are to the agent. Pure.
 */
import type { Conversation } from './message.js';
import type { ThinkingLevel } from './model.js';
import type { DropPolicy, QueueMode, Role } from './queue.js';

/** `known`: somebody's, and not approved for direct messages: seen in a group, linked, or unblocked. */
export type IdentityState = 'known' | 'approved' | 'blocked';
export type PairingState = 'open' | 'approved' | 'denied' | 'blocked';

export interface Contact {
  readonly id: string;
  readonly name: string;
  readonly role: Role;
  readonly blocked: boolean;
  readonly createdAt: number;
}

/** One sender of one account of one platform. */
export interface IdentityKey {
  readonly channel: string;
  readonly account: string;
  readonly sender: string;
}

export interface Identity extends IdentityKey {
  readonly contact: string;
  /** The contact it is of when nobody links it: where an unlink takes it back to. */
  readonly home: string;
  readonly state: IdentityState;
  readonly name?: string;
  readonly username?: string;
  /** Their direct conversation, where something can be sent unasked. */
  readonly direct?: Conversation;
  /** A principal, or a {@link ConfigApprover}. */
  readonly approvedBy?: string;
  readonly createdAt: number;
}

/** Approved by a line of the config: only as long as it stands there. */
export type ConfigApprover = 'ownerAllowFrom' | 'allowFrom';
const CONFIG_APPROVERS: readonly string[] = ['ownerAllowFrom', 'allowFrom'] satisfies ConfigApprover[];
/** Approved by a person: stays until that is taken back. */
export const isPaired = (identity: Pick<Identity, 'state' | 'approvedBy'>): boolean =>
  identity.state === 'approved' && !(identity.approvedBy !== undefined && CONFIG_APPROVERS.includes(identity.approvedBy));

export const identityText = (key: IdentityKey): string => `${key.channel}:${key.account}:${key.sender}`;

/** Who speaks, as rows and rights have it. Every owner is the one principal `owner`, as over RPC. */
export const principalOf = (contact: Pick<Contact, 'id' | 'role'>): string => (contact.role === 'owner' ? 'owner' : `contact:${contact.id}`);

/** Whose messages a stranger's are until it is known who that is. */
export const strangerPrincipal = (key: IdentityKey): string => `sender:${identityText(key)}`;

/** What a session's people set by command; absent: as configured. */
export interface SessionSettings {
  readonly queue?: { readonly mode?: QueueMode; readonly debounceMs?: number; readonly cap?: number; readonly drop?: DropPolicy };
  /** `provider/model`. */
  readonly model?: string;
  readonly thinking?: ThinkingLevel;
  /** In groups: answer everything, or only when named. */
  readonly activation?: 'mention' | 'always';
}
