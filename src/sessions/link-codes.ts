/**
 * `/link`: a person proves on one messenger that an identity on another is theirs too, by a code.
 * Invariants: a code works once and for ten minutes; wrong ones are few; both identities were approved before; only the
 * owner links anything to the owner.
 */
import { randomInt, timingSafeEqual } from 'node:crypto';
import { type Contact, type Identity, identityText, isPaired } from '../core/contact.js';
import { CodedError } from '../core/errors.js';
import { CODE_ALPHABET } from '../core/pairing.js';
import { contactById } from '../storage/contacts.js';
import { liveLinkCodes, putLinkCode, useLinkCode } from '../storage/link-codes.js';
import type { Db } from '../storage/sqlite.js';
import { createAttempts } from './attempts.js';
import type { Contacts } from './contacts.js';

export const LINK_MINUTES = 10;
const LENGTH = 6;
const PREFIX = 'LINK-';
const WRONG = { max: 5, withinMs: 60_000 };

export interface LinkCodes {
  /** @returns the code, for its person alone */
  make(contact: Contact, identity: Identity): Promise<string>;
  /** @returns whose person the identity is now. @throws CodedError with what to do */
  use(typed: string, identity: Identity): Promise<Contact>;
}

export function createLinkCodes({ db, contacts }: { readonly db: Db; readonly contacts: Contacts }, now: () => number = Date.now): LinkCodes {
  const attempts = createAttempts(WRONG, now);
  return {
    async make(contact, identity) {
      requireApproved(identity);
      const code = PREFIX + Array.from({ length: LENGTH }, () => CODE_ALPHABET[randomInt(CODE_ALPHABET.length)]).join('');
      await db.transaction().execute((tx) => putLinkCode(tx, { code, contact: contact.id, expiresAt: now() + LINK_MINUTES * 60_000 }));
      return code;
    },

    async use(typed, identity) {
      requireApproved(identity);
      const waitMs = attempts.wait();
      if (waitMs > 0) throw new CodedError('LINK_RATE_LIMITED', 'too many wrong codes', `Try again in ${Math.ceil(waitMs / 1_000)} s.`);
      const found = await db.transaction().execute(async (tx) => {
        const [code] = (await liveLinkCodes(tx)).filter((one) => same(one.code, normal(typed)));
        if (!code) return undefined;
        const other = await contactById(tx, code.contact);
        const own = await contactById(tx, identity.contact);
        if (!other || other.blocked) return undefined;
        // The owner's messengers are never given to somebody else by a code that somebody else made.
        if (own?.role === 'owner' && other.role !== 'owner') throw new CodedError('LINK_DIRECTION', 'you are the owner here', `Type /link here, and the code it gives on the other messenger.`);
        return { other, code: code.code };
      });
      if (!found) {
        attempts.wrong();
        throw new CodedError('LINK_CODE', 'this code is not known, was used, or is older than ten minutes', 'Type /link on the other messenger for a new one.');
      }
      // Linked before the code is used up: cut in between, the same message links nothing twice.
      const linked = found.other.id === identity.contact ? found.other : await contacts.link(found.other.id, identityText(identity), `link code, typed by ${identityText(identity)}`);
      await db.transaction().execute((tx) => useLinkCode(tx, found.code));
      return linked;
    },
  };
}

function requireApproved(identity: Identity): void {
  if (!isPaired(identity) && identity.state !== 'approved') throw new CodedError('NOT_APPROVED', 'only approved people link their messengers', 'Ask the owner to approve you here first.');
}

const normal = (typed: string): string => {
  const text = typed.trim().toUpperCase();
  return text.startsWith(PREFIX) ? text : PREFIX + text;
};

function same(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}
