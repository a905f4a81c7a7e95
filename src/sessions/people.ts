/**
 * Who speaks, and may they: from a platform's sender to a person. Invariants: whoever is blocked is never anything;
 * nobody is the owner but by an approved identity; what an allowed person writes never overtakes what is still held of them.
 */
import { createHash } from 'node:crypto';
import { type Contact, type Identity, type IdentityKey, isPaired, principalOf } from '../core/contact.js';
import type { InboundMessage } from '../core/message.js';
import type { Role } from '../core/queue.js';
import type { Config } from '../core/schema/config.js';
import { sessionKeyProblem } from '../core/session-key.js';
import { shortId } from '../core/short-id.js';
import { type SeenSender, changeIdentity, contactById, displayName, identityOf, noteSeen, ownerContact, putContact, putIdentity } from '../storage/contacts.js';
import type { Tx } from '../storage/fence.js';
import { countHeld } from '../storage/held.js';
import type { Db } from '../storage/sqlite.js';
import { type Admission, directAdmission, groupRefusal, isConfigOwner, linkedName } from './access.js';

export type Identified =
  | { readonly verdict: 'allowed'; readonly principal: string; readonly role: Role; readonly contact: Contact; readonly identity: Identity }
  /** Waits for the owner: held by pairing, direct messages only. */
  | { readonly verdict: 'unknown'; readonly reason: string }
  /** Silence. */
  | { readonly verdict: 'refused'; readonly reason: string };

export interface People {
  identify(message: InboundMessage): Promise<Identified>;
}

export interface PeopleDeps {
  readonly db: Db;
  readonly config: () => Config;
  /** Their config names them as somebody else: moves them there. */
  readonly link?: (tx: Tx, identity: Identity, contact: Contact) => Promise<void>;
}

export const keyOf = (message: Pick<InboundMessage, 'channel' | 'account' | 'sender'>): IdentityKey => ({ channel: message.channel, account: message.account, sender: message.sender.id });
export const seenOf = ({ sender, conversation }: Pick<InboundMessage, 'sender' | 'conversation'>): SeenSender => ({ sender, ...(conversation.kind === 'direct' ? { direct: conversation } : {}) });

export function createPeople({ db, config: current, link }: PeopleDeps): People {
  return {
    async identify(message) {
      const config = current();
      const key = keyOf(message);
      const known = await identityOf(db, key);
      const contact = known && (await contactById(db, known.contact));
      if (known?.state === 'blocked' || contact?.blocked) return { verdict: 'refused', reason: 'blocked' };
      const admission = directAdmission(config, key);
      const isApproved = admission.verdict === 'admitted' || (known !== undefined && isPaired(known));
      const isOwner = isConfigOwner(config, key) || (isApproved && contact?.role === 'owner');

      if (message.conversation.kind === 'direct') {
        const closed = closedDoor(admission, known, isOwner);
        if (closed) return closed;
        // Their earlier messages come first: pairing hands them over.
        if (admission.verdict === 'admitted' && (await countHeld(db, key)).count > 0) return { verdict: 'unknown', reason: 'earlier messages are still held' };
      } else {
        const reason = groupRefusal(config, message, isOwner);
        if (reason !== undefined) return { verdict: 'refused', reason };
      }
      const person = await settle(message, config, known, admission);
      const role: Role = isOwner || (isApproved && person.contact.role === 'owner') ? 'owner' : 'guest';
      return { verdict: 'allowed', principal: principalOf({ id: person.contact.id, role }), role, ...person };
    },
  };

  /** Makes the person's rows what this message shows of them; writes only what changed. */
  async function settle(message: InboundMessage, config: Config, known: Identity | undefined, admission: Admission): Promise<{ readonly contact: Contact; readonly identity: Identity }> {
    const key = keyOf(message);
    const by = message.conversation.kind === 'direct' && admission.verdict === 'admitted' ? admission.by : undefined;
    const approve = by !== undefined && !(known && (isPaired(known) || (known.state === 'approved' && known.approvedBy === by)));
    const name = linkedName(config, key);
    const moves = name !== undefined && known !== undefined && known.contact !== contactIdOf(name);
    if (known && !approve && !moves) {
      await noteSeen(db, known, seenOf(message));
      return { contact: (await contactById(db, known.contact))!, identity: known };
    }
    return db.transaction().execute(async (tx) => {
      const before = await identityOf(tx, key);
      const wanted = before && !moves ? (await contactById(tx, before.contact))! : await contactFor(tx, config, key, seenOf(message));
      if (before && moves) await link?.(tx, before, wanted);
      if (before) await noteSeen(tx, before, seenOf(message));
      else await putIdentity(tx, key, seenOf(message), { contact: wanted.id, state: 'known' });
      if (approve) await changeIdentity(tx, key, { state: 'approved', approvedBy: by });
      const identity = (await identityOf(tx, key))!;
      return { identity, contact: (await contactById(tx, identity.contact))! };
    });
  }
}

/** Whose a new identity is: of the name in `session.identityLinks`, of the owner when the config says so, or of somebody new. */
export async function contactFor(tx: Tx, config: Config, key: IdentityKey, seen: SeenSender): Promise<Contact> {
  const role: Role = isConfigOwner(config, key) ? 'owner' : 'guest';
  const name = linkedName(config, key);
  if (name !== undefined) return putContact(tx, { id: contactIdOf(name), name, role });
  return (role === 'owner' ? await ownerContact(tx) : undefined) ?? putContact(tx, { name: displayName(seen.sender), role });
}

/** A name of the config as a contact's id: itself where it can be part of a session's key. */
export function contactIdOf(name: string): string {
  const id = name.trim().toLowerCase();
  return sessionKeyProblem(`agent:main:direct:${id}`) === undefined && !id.includes(':') ? id : shortId('c', createHash('sha256').update(name).digest());
}

function closedDoor(admission: Admission, known: Identity | undefined, isOwner: boolean): Identified | undefined {
  if (admission.verdict === 'admitted' || (isOwner && admission.owner) || (known && isPaired(known) && admission.paired)) return undefined;
  return { verdict: admission.others === 'ask' ? 'unknown' : 'refused', reason: admission.reason };
}
