/**
 * Activities of the pairing workflow. The rows are the state: each activity looks at them, does what is missing and may be
 * repeated at any instant. Invariants: a code is made, stored and put in the queue for sending in one transaction; held
 * messages leave in order, each signalled before the next; a sender is approved in the transaction that finds nothing held.
 */
import { randomInt } from 'node:crypto';
import { DEFAULT_ACCOUNT } from '../core/channel.js';
import { type ConfigApprover, type Contact, type IdentityKey, identityText, isPaired, principalOf } from '../core/contact.js';
import type { DecidePairingInput, DecidePairingResult, HandOverResult, PairingLook } from '../core/pairing.js';
import { makeCode } from '../core/pairing.js';
import type { DeliveryWaker } from '../core/ports.js';
import { changeContact, changeIdentity, contactById, identitiesOf, identityOf, putIdentity } from '../storage/contacts.js';
import { enqueueDelivery, lineOf } from '../storage/deliveries.js';
import type { Tx } from '../storage/fence.js';
import { countHeld, dropHeld, heldRows, unsignalled } from '../storage/held.js';
import { type Pairing, type PairingLimits, decidePairing, giveCode, pairingId, pairingOf, seenOfPairing, settlePairing } from '../storage/pairing.js';
import type { Db } from '../storage/sqlite.js';
import { translated } from './failures.js';

export interface PairingActivities {
  /** How the stranger stands; gives a code to one who has none. */
  lookAtStranger(key: IdentityKey): Promise<PairingLook>;
  decidePairing(input: DecidePairingInput): Promise<DecidePairingResult>;
  /** Hands over what is held, and then approves the sender. */
  handOver(key: IdentityKey): Promise<HandOverResult>;
  /** Tells the person, and closes the request. */
  tellAdmitted(key: IdentityKey): Promise<void>;
}

/** What pairing needs of the rest of the house; `host/` composes it. */
export interface PairingDeps {
  readonly db: Db;
  limits(): PairingLimits;
  /** Does a line of the config let them in by now? */
  admits(key: IdentityKey): ConfigApprover | undefined;
  /** Whose the config says they are, or a new contact. */
  contactFor(tx: Tx, pairing: Pairing): Promise<Contact>;
  /**
   * The normal door, for a message that was held: `held → accepted`, then its session's signal. Repeating it signals again.
   * @throws when the engine did not take the signal
   */
  release(inboundId: string, contact: Contact): Promise<void>;
  readonly deliveries: DeliveryWaker;
}

export function createPairingActivities(deps: PairingDeps): PairingActivities {
  const { db } = deps;
  const coded = <T>(work: () => Promise<T>): Promise<T> => translated(work, () => false);
  const inOne = <T>(work: (tx: Tx) => Promise<T>): Promise<T> => coded(() => db.transaction().execute(work));

  return {
    lookAtStranger: (key) =>
      coded(async () => {
        const { look, told } = await db.transaction().execute((tx) => lookAt(tx, key));
        if (told) await deps.deliveries.wake(lineOf({ ...key, conversation: told.conversation }));
        return look;
      }),

    decidePairing: ({ channel, account, sender, decision, by, owner }) =>
      inOne(async (tx) => {
        const key: IdentityKey = { channel, account, sender };
        const before = await pairingOf(tx, key);
        if (before?.state !== 'open') return recorded(before);
        const identity = await identityOf(tx, key);
        const contact = decision === 'deny' ? undefined : ((identity && (await contactById(tx, identity.contact))) ?? (await deps.contactFor(tx, before)));
        if (contact && decision === 'block') {
          // Somebody they were linked to keeps what they have: only who is nobody else is blocked whole.
          const others = (await identitiesOf(tx, contact.id)).some((one) => identityText(one) !== identityText(key));
          if (contact.role !== 'owner' && !others) await changeContact(tx, contact.id, { blocked: true });
          await putIdentity(tx, key, seenOfPairing(before), { contact: contact.id, state: 'blocked' });
          await changeIdentity(tx, key, { state: 'blocked' });
        }
        if (contact && owner === true) await changeContact(tx, contact.id, { role: 'owner' });
        const after = await decidePairing(tx, key, decision, by, contact?.id);
        if (decision !== 'approve') await dropHeld(tx, key, decision === 'block' ? 'the sender was blocked' : 'pairing was denied');
        return recorded(after);
      }),

    handOver: (key) =>
      coded(async () => {
        const contact = await personOf(db, key);
        if (!contact || contact.blocked) return db.transaction().execute(async (tx) => (await dropHeld(tx, key, 'the sender was blocked'), { handed: 0, done: true }));
        // An attempt that was killed between a row and its signal: nothing may overtake that row.
        for (const row of await unsignalled(db, key, principalOf(contact))) await deps.release(row.inboundId, contact);
        const rows = await heldRows(db, key);
        for (const row of rows) await deps.release(row.inboundId, contact);
        return db.transaction().execute(async (tx) => {
          const { count } = await countHeld(tx, key);
          if (count === 0) await admit(tx, key, contact);
          return { handed: rows.length, done: count === 0 };
        });
      }),

    tellAdmitted: (key) =>
      coded(async () => {
        const told = await db.transaction().execute(async (tx) => {
          const row = await pairingOf(tx, key);
          if (row?.state !== 'approved' || row.settledAt !== undefined) return undefined;
          await settlePairing(tx, key);
          const known = await identityOf(tx, key);
          // Whom the config lets in was not waiting for a person's word.
          if (!known || !isPaired(known)) return undefined;
          await tell(tx, row, `approved-${row.requestedAt}`, 'You are let in. What you wrote is being answered now; from here on, just write.');
          return row;
        });
        if (told) await deps.deliveries.wake(lineOf({ ...key, conversation: told.conversation }));
      }),
  };

  async function lookAt(tx: Tx, key: IdentityKey): Promise<{ readonly look: PairingLook; readonly told?: Pairing }> {
    const over = (why: string) => ({ look: { state: 'over' as const, why } });
    const refused = async (why: string, reason: string) => {
      await dropHeld(tx, key, reason);
      await settlePairing(tx, key);
      return over(why);
    };
    const identity = await identityOf(tx, key);
    const contact = identity && (await contactById(tx, identity.contact));
    const row = await pairingOf(tx, key);
    if (identity?.state === 'blocked' || contact?.blocked) {
      await decidePairing(tx, key, 'block', 'owner', contact?.id);
      return refused('blocked', 'the sender was blocked');
    }
    if (row && (row.state === 'denied' || row.state === 'blocked')) return refused(row.state, `pairing was ${row.state}`);
    const { count } = await countHeld(tx, key);
    if (row?.state === 'approved' && row.settledAt === undefined) return { look: { state: 'admitted' } };
    if (identity && isPaired(identity)) return count > 0 ? { look: { state: 'admitted' } } : over('approved');
    if (!row || row.state !== 'open') return over(row ? 'approved' : 'nobody waits');
    const by = deps.admits(key);
    if (by !== undefined) {
      await decidePairing(tx, key, 'approve', by, (contact ?? (await deps.contactFor(tx, row))).id);
      return { look: { state: 'admitted' } };
    }
    if (row.code !== '') return row.expiresAt > Date.now() ? { look: { state: 'waits', codeUntil: row.expiresAt, held: count } } : over('the code expired; the next message brings a new one');
    const { ttlMs } = deps.limits();
    let code = makeCode(randomInt);
    while (!(await giveCode(tx, key, code, ttlMs))) code = makeCode(randomInt);
    const given = (await pairingOf(tx, key))!;
    await tell(tx, given, `code-${given.requestedAt}`, codeText(given, ttlMs));
    return { look: { state: 'waits', codeUntil: given.expiresAt, held: count }, told: given };
  }

  async function tell(tx: Tx, row: Pairing, what: string, markdown: string): Promise<void> {
    const { channel, account, conversation } = row;
    await enqueueDelivery(tx, { id: `${pairingId(row)}-${what}`, to: { channel, account, conversation }, kind: 'pairing', source: { type: 'text', markdown } });
  }
}

/** Nothing is held: from here on their messages go through the door. */
async function admit(tx: Tx, key: IdentityKey, contact: Contact): Promise<void> {
  const row = await pairingOf(tx, key);
  const known = await identityOf(tx, key);
  if (known && (isPaired(known) || known.state === 'blocked')) return;
  if (!known) await putIdentity(tx, key, row ? seenOfPairing(row) : { sender: { id: key.sender } }, { contact: contact.id, state: 'known' });
  await changeIdentity(tx, key, { state: 'approved', approvedBy: row?.decidedBy ?? 'owner' });
}

async function personOf(db: Db, key: IdentityKey): Promise<Contact | undefined> {
  const id = (await identityOf(db, key))?.contact ?? (await pairingOf(db, key))?.contact;
  return id === undefined ? undefined : contactById(db, id);
}

const recorded = (row: Pairing | undefined): DecidePairingResult => ({ state: row?.state ?? 'open', ...(row?.contact === undefined ? {} : { contact: row.contact }) });

function codeText({ channel, account, code }: Pairing, ttlMs: number): string {
  const flag = account === DEFAULT_ACCOUNT ? '' : ` --account ${account}`;
  const minutes = Math.round(ttlMs / 60_000);
  return [
    'This assistant is private and does not know you yet.',
    `Pairing code: \`${code}\``,
    'Whoever runs it lets you in with:',
    `\`\`\`\nopenclaw pairing approve ${channel} ${code}${flag}\n\`\`\``,
    `What you write is kept and answered then. The code is valid for ${minutes === 1 ? 'a minute' : `${minutes} minutes`}; a message after that brings a new one.`,
  ].join('\n\n');
}
