/**
 * What the owner does about people: names, blocks, roles, links.
 * Invariants: a link moves an identity to another person and approves nothing; no running session is merged or renamed
 * (`storage/aliases.ts`); what makes somebody the owner is told to every owner there is.
 */
import type { Contact, Identity, IdentityKey } from '../core/contact.js';
import { identityText } from '../core/contact.js';
import { CodedError, invalidRequest } from '../core/errors.js';
import type { DeliveryWaker, Logger } from '../core/ports.js';
import type { Config } from '../core/schema/config.js';
import { flipQuiet, putAlias, removeAlias } from '../storage/aliases.js';
import { type ContactWithIdentities, changeContact, changeIdentity, contactById, identitiesNamed, identitiesOf, identityOf, listContacts } from '../storage/contacts.js';
import { enqueueDelivery, lineOf } from '../storage/deliveries.js';
import type { Tx } from '../storage/fence.js';
import { dropHeld } from '../storage/held.js';
import { raise } from '../storage/notices.js';
import { decidePairing, forgetPairing, settlePairing } from '../storage/pairing.js';
import type { Db } from '../storage/sqlite.js';
import { directSession } from './direct-session.js';

/** A person or one of their identities, as an owner writes it: `c-7kfm2xwa`, a name, `telegram:123`, `telegram:work:123`. */
export type PersonRef = string;

export interface Contacts {
  /** Owners first. */
  list(): Promise<readonly ContactWithIdentities[]>;
  /** @throws CodedError NOT_FOUND, AMBIGUOUS, as all below */
  get(ref: PersonRef): Promise<ContactWithIdentities>;
  rename(ref: PersonRef, name: string, by: string): Promise<ContactWithIdentities>;
  /** A person with all they have, or one identity alone: silence from now on, and what waits is dropped. */
  block(ref: PersonRef, by: string): Promise<ContactWithIdentities>;
  unblock(ref: PersonRef, by: string): Promise<ContactWithIdentities>;
  /** Makes them the owner, or a guest again. */
  setOwner(ref: PersonRef, isOwner: boolean, by: string): Promise<ContactWithIdentities>;
  /** Moves an identity, or all of another person, to this one. */
  link(ref: PersonRef, other: PersonRef, by: string): Promise<ContactWithIdentities>;
  /** Gives an identity back to the person it was before. */
  unlink(ref: PersonRef, by: string): Promise<ContactWithIdentities>;
  /** Makes aliases active whose old session is quiet. */
  sweep(): Promise<void>;
}

export interface ContactsDeps {
  readonly db: Db;
  readonly config: () => Config;
  readonly deliveries: DeliveryWaker;
  readonly log: Logger;
}

const NAME_MAX = 100;

/** Moves an identity to a contact: what it may do stays, and what its own session still does goes on there. */
export async function linkIdentity(tx: Tx, config: Config, identity: Identity, contact: Contact): Promise<void> {
  const sessionOf = directSession(config);
  await changeIdentity(tx, identity, { contact: contact.id });
  const own = sessionOf(identity, { id: identity.home, role: 'guest' });
  if (contact.id === identity.home) await removeAlias(tx, own);
  else await putAlias(tx, { session: own, primary: sessionOf(identity, contact), contact: contact.id });
}

export function createContacts({ db, config, deliveries, log }: ContactsDeps): Contacts {
  /** One transaction on one person, then the person as they are. */
  async function change(ref: PersonRef, what: string, by: string, work: (tx: Tx, found: Found) => Promise<string | void>): Promise<ContactWithIdentities> {
    const id = await db.transaction().execute(async (tx) => {
      const found = await find(tx, ref);
      return (await work(tx, found)) ?? found.contact.id;
    });
    log.info({ contact: id, by }, what);
    return whole(db, id);
  }

  return {
    list: () => listContacts(db),
    get: async (ref) => whole(db, (await find(db, ref)).contact.id),

    async rename(ref, name, by) {
      const wanted = name.trim();
      if (wanted === '' || wanted.length > NAME_MAX) throw invalidRequest(`a name has 1 to ${NAME_MAX} characters`);
      return change(ref, 'a contact was renamed', by, (tx, { contact }) => changeContact(tx, contact.id, { name: wanted }).then(() => undefined));
    },

    block: (ref, by) =>
      change(ref, 'blocked', by, async (tx, { contact, identity }) => {
        if (!identity && contact.role === 'owner') throw invalidRequest(`${contact.name} is an owner; make them a guest first, or block one identity`, { code: 'IS_OWNER' });
        if (identity) await changeIdentity(tx, identity, { state: 'blocked' });
        else await changeContact(tx, contact.id, { blocked: true });
        for (const each of identity ? [identity] : await identitiesOf(tx, contact.id)) {
          await decidePairing(tx, each, 'block', by, contact.id);
          await settlePairing(tx, each);
          await dropHeld(tx, each, 'the sender was blocked');
        }
      }),

    unblock: (ref, by) =>
      change(ref, 'unblocked', by, async (tx, { contact, identity }) => {
        if (!identity) await changeContact(tx, contact.id, { blocked: false });
        for (const each of identity ? [identity] : await identitiesOf(tx, contact.id)) {
          // Whoever was let in before is let in again; whoever never was may ask.
          if (each.state === 'blocked') await changeIdentity(tx, each, { state: each.approvedBy === undefined ? 'known' : 'approved' });
          await forgetPairing(tx, each);
        }
      }),

    async setOwner(ref, isOwner, by) {
      const done = await change(ref, isOwner ? 'made owner' : 'no owner any more', by, async (tx, { contact }) => {
        if (isOwner && contact.blocked) throw invalidRequest(`${contact.name} is blocked`, { code: 'BLOCKED' });
        if ((contact.role === 'owner') === isOwner) return;
        await changeContact(tx, contact.id, { role: isOwner ? 'owner' : 'guest' });
        const sessionOf = directSession(config());
        for (const each of await identitiesOf(tx, contact.id)) {
          const own = sessionOf(each, { id: contact.id, role: 'guest' });
          if (isOwner) await putAlias(tx, { session: own, primary: sessionOf(each, { id: contact.id, role: 'owner' }), contact: contact.id });
          else await removeAlias(tx, own);
        }
        await tellOwners(tx, `contact-role:${contact.id}`, isOwner ? `${contact.name} is an owner now.` : `${contact.name} is no owner any more.`);
      });
      await wakeOwners();
      return done;
    },

    async link(ref, other, by) {
      const done = await change(ref, 'linked', by, async (tx, { contact }) => {
        const found = await find(tx, other);
        if (contact.blocked || found.contact.blocked) throw invalidRequest('a blocked contact is not linked; unblock it first', { code: 'BLOCKED' });
        const moved = (found.identity ? [found.identity] : await identitiesOf(tx, found.contact.id)).filter((each) => each.contact !== contact.id);
        if (moved.length === 0) throw invalidRequest(`${other} is ${contact.name} already`, { code: 'LINKED' });
        for (const each of moved) await linkIdentity(tx, config(), each, contact);
        if (contact.role === 'owner') await tellOwners(tx, `contact-link:${moved.map(identityText).join(',')}`, `${moved.map(identityText).join(', ')} now speaks as the owner.`);
      });
      await wakeOwners();
      return done;
    },

    unlink: (ref, by) =>
      change(ref, 'unlinked', by, async (tx, { identity }) => {
        if (!identity) throw invalidRequest(`name the identity, as channel:sender`, { code: 'IDENTITY_NEEDED' });
        const home = (await contactById(tx, identity.home))!;
        if (identity.contact === home.id) throw invalidRequest(`${identityText(identity)} is not linked to anybody`, { code: 'NOT_LINKED' });
        await linkIdentity(tx, config(), identity, home);
        return home.id;
      }),

    async sweep() {
      for (const session of await flipQuiet(db)) log.info({ session }, 'a linked session is quiet: its person goes on in the primary one');
    },
  };

  /** A notice in `status`, and a message to every owner on every platform. */
  async function tellOwners(tx: Tx, key: string, text: string): Promise<void> {
    await raise(tx, { key, level: 'info', text, hint: 'If that was not you: openclaw contacts list' }, log);
    for (const owner of await owners(tx)) {
      await enqueueDelivery(tx, { id: `${key}-${Date.now()}-${owner.channel}-${owner.account}-${owner.sender}`, to: { channel: owner.channel, account: owner.account, conversation: owner.direct }, kind: 'notice', source: { type: 'text', markdown: text } });
    }
  }

  async function wakeOwners(): Promise<void> {
    for (const owner of await owners(db)) await deliveries.wake(lineOf({ channel: owner.channel, account: owner.account, conversation: owner.direct }));
  }
}

/** Identities where an owner can be told something unasked. */
async function owners(db: Db | Tx): Promise<readonly (Identity & { readonly direct: NonNullable<Identity['direct']> })[]> {
  const all = (await listContacts(db)).filter(({ role, blocked }) => role === 'owner' && !blocked).flatMap(({ identities }) => identities);
  return all.flatMap((identity) => (identity.state === 'approved' && identity.direct ? [{ ...identity, direct: identity.direct }] : []));
}

async function whole(db: Db, id: string): Promise<ContactWithIdentities> {
  const contact = await contactById(db, id);
  if (!contact) throw unknown(id);
  return { ...contact, identities: await identitiesOf(db, id) };
}

interface Found {
  readonly contact: Contact;
  /** When one of their identities was named. */
  readonly identity?: Identity;
}

async function find(db: Db | Tx, ref: PersonRef): Promise<Found> {
  const wanted = ref.trim();
  const byId = await contactById(db, wanted.toLowerCase());
  if (byId) return { contact: byId };
  const identities = await named(db, wanted);
  const [identity] = identities;
  if (identities.length > 1) throw ambiguous(ref, identities.map(identityText));
  if (identity) return { contact: (await contactById(db, identity.contact))!, identity };
  const people = (await listContacts(db)).filter(({ name }) => name.toLowerCase() === wanted.toLowerCase());
  if (people.length > 1) throw ambiguous(ref, people.map(({ id }) => id));
  if (!people[0]) throw unknown(ref);
  return { contact: people[0] };
}

/** A sender's id may hold colons itself. */
async function named(db: Db | Tx, text: string): Promise<readonly Identity[]> {
  const [channel, ...rest] = text.split(':');
  if (channel === undefined || rest.length === 0) return [];
  const [account, ...sender] = rest;
  const key: IdentityKey = { channel, account: account!, sender: sender.join(':') };
  const exact = sender.length > 0 ? await identityOf(db, key) : undefined;
  return exact ? [exact] : identitiesNamed(db, rest.join(':'), channel);
}

const unknown = (ref: string): CodedError => new CodedError('NOT_FOUND', `there is no contact ${ref}`, 'See: openclaw contacts list. An identity is written channel:sender.');
const ambiguous = (ref: string, candidates: readonly string[]): CodedError => new CodedError('AMBIGUOUS', `${ref} could be ${candidates.join(', ')}`, 'Name one of them.', { candidates });
