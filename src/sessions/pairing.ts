/**
 * Strangers: their messages are held until the owner lets them in, or not (DESIGN §3, §4). A row first, then a signal;
 * a lost signal is sent again by the sweep.
 * Invariants: a code is compared in constant time, and wrong ones are few; nothing of a decision is done here but asking
 * the workflow for it, which answers when it is carried out.
 */
import { timingSafeEqual } from 'node:crypto';
import type { IdentityKey, PairingState } from '../core/contact.js';
import { CodedError, invalidRequest, messageOf } from '../core/errors.js';
import { type InboundMessage, messageKey } from '../core/message.js';
import { DECIDED_STATE, type DecideOrder, type PairingDecision, type PairingRequest, readCode } from '../core/pairing.js';
import type { Logger } from '../core/ports.js';
import { hasOwnerIdentity } from '../storage/contacts.js';
import { type HoldResult, countHeld, holdMessage } from '../storage/held.js';
import { type Pairing, type PairingLimits, openPairing, pairingId, prunePairing, unfinishedPairing } from '../storage/pairing.js';
import type { Db } from '../storage/sqlite.js';
import { createAttempts } from './attempts.js';
import { accountFlag } from './access.js';
import { contentHash, inboundIdOf } from './keys.js';
import type { PairingEngine } from './pairing-engine.js';
import { keyOf } from './people.js';

/** Which request: by its code, by whose it is, or by its id. */
export type PairingTarget = { readonly channel: string; readonly account?: string | undefined } & ({ readonly code: string } | { readonly sender: string } | { readonly id: string });

export interface PairingDone extends IdentityKey {
  readonly id: string;
  readonly state: PairingState;
  readonly contact?: string;
  /** Messages that were handed over. */
  readonly handed: number;
}

export interface PairingControl {
  /** Holds a stranger's direct message. Durable once it resolves. `approved`: it belongs to the door after all. */
  hold(message: InboundMessage): Promise<HoldResult>;
  /** Those who wait, newest first; whose code expired they still do, as long as something of theirs is held. */
  list(of?: { readonly channel?: string; readonly account?: string }): Promise<readonly PairingRequest[]>;
  /** Is there an owner on any platform? Without one, the first approval offers to make one. */
  hasOwner(): Promise<boolean>;
  limits(): PairingLimits;
  /** @throws CodedError PAIRING_CODE, PAIRING_RATE_LIMITED, AMBIGUOUS, PAIRING_TIMEOUT */
  decide(target: PairingTarget, order: DecideOrder): Promise<PairingDone>;
  /** Signals whom a lost signal left waiting, and forgets what is long over. */
  sweep(): Promise<void>;
}

export interface PairingControlDeps {
  readonly db: Db;
  readonly engine: PairingEngine;
  readonly limits: () => PairingLimits;
  /** Identities that are the owner by the config. */
  readonly configOwners: () => readonly string[];
  readonly log: Logger;
}

/** Wrong codes a minute, from whomever. */
const WRONG_CODES = { max: 10, withinMs: 60_000 };
/** A signal that is not acted on within this is lost. */
const LOST_AFTER_MS = 10_000;

export function createPairing(deps: PairingControlDeps, options: { readonly now?: () => number; readonly lostAfterMs?: number } = {}): PairingControl {
  const { db, engine, log } = deps;
  const attempts = createAttempts(WRONG_CODES, options.now);

  async function tell(key: IdentityKey, inboundId?: string): Promise<void> {
    await engine.held(key, inboundId).catch((error: unknown) => log.warn({ channel: key.channel, account: key.account, inbound: inboundId, error: messageOf(error) }, 'engine away: the stranger is kept and answered later'));
  }

  return {
    async hold(message) {
      const key = messageKey(message);
      const id = inboundIdOf(key);
      const result = await db.transaction().execute((tx) => holdMessage(tx, { id, messageKey: key, payloadHash: contentHash(message), message }, deps.limits()));
      if (result.status === 'held') await tell(keyOf(message), id);
      if (result.status === 'dropped') log.info({ channel: message.channel, account: message.account, inbound: id, reason: result.reason }, 'a message of a stranger was dropped');
      return result;
    },

    async list(of = {}) {
      const requests: PairingRequest[] = [];
      for (const row of await openPairing(db, of)) {
        const { count, lastAt } = await countHeld(db, row);
        if (count === 0 && row.expiresAt <= Date.now()) continue;
        const { channel, account, sender, code, name, username, requestedAt, expiresAt } = row;
        requests.push({ id: pairingId(row), channel, account, sender, code, requestedAt, expiresAt, held: count, lastAt: lastAt ?? requestedAt, ...(name === undefined ? {} : { name }), ...(username === undefined ? {} : { username }) });
      }
      return requests;
    },

    hasOwner: async () => deps.configOwners().length > 0 || (await hasOwnerIdentity(db)),
    limits: () => deps.limits(),

    async decide(target, order) {
      const row = await find(target, order.decision);
      const { channel, account, sender } = row;
      const key = { channel, account, sender };
      const answer = await engine.decide(key, order);
      if (answer.state === 'open') throw invalidRequest('nobody waits there any more; see: openclaw pairing list', { code: 'PAIRING_GONE' });
      if (answer.state !== DECIDED_STATE[order.decision]) throw invalidRequest(`this stranger is already ${answer.state}`, { code: 'ALREADY_DECIDED', state: answer.state });
      return { ...key, id: pairingId(key), ...answer };
    },

    async sweep() {
      for (const key of await unfinishedPairing(db, Date.now() - (options.lostAfterMs ?? LOST_AFTER_MS))) await tell(key);
      await prunePairing(db);
    },
  };

  async function find(target: PairingTarget, decision: PairingDecision): Promise<Pairing> {
    const rows = await openPairing(db, { channel: target.channel, ...(target.account === undefined ? {} : { account: target.account }) });
    const found = 'code' in target ? byCode(rows, target.code) : rows.filter((row) => ('id' in target ? pairingId(row) === target.id : row.sender === target.sender));
    const [only, ...others] = found;
    if (!only) throw nobody(target);
    if (others.length > 0) {
      const commands = found.map((row) => `openclaw pairing ${decision} ${row.channel} ${'code' in target ? row.code : `--sender ${row.sender}`} --account ${row.account}`);
      throw new CodedError('AMBIGUOUS', `several accounts have one that waits: ${found.map(({ account }) => account).join(', ')}`, `Name the account: ${commands.join(' or ')}`, { accounts: found.map(({ account }) => account) });
    }
    return only;
  }

  /** Every live code is compared, whichever fits: how long it takes says nothing. */
  function byCode(rows: readonly Pairing[], typed: string): readonly Pairing[] {
    const waitMs = attempts.wait();
    if (waitMs > 0) throw new CodedError('PAIRING_RATE_LIMITED', 'too many wrong pairing codes', `Try again in ${Math.ceil(waitMs / 1_000)} s.`, { retryAfterMs: waitMs });
    const code = readCode(typed);
    const live = rows.filter((row) => row.code !== '' && row.expiresAt > Date.now());
    const found = live.filter((row) => sameText(row.code, code ?? ''));
    if (found.length === 0) attempts.wrong();
    return found;
  }
}

function nobody(target: PairingTarget): CodedError {
  const account = target.account === undefined ? '' : accountFlag(target.account);
  return new CodedError(
    'PAIRING_UNKNOWN',
    'code' in target ? `no stranger on ${target.channel} has this code; it may have expired` : `nobody of that name waits on ${target.channel}`,
    `See who waits: openclaw pairing list${account}. Whose code expired is let in with --sender, or writes again for a new one.`,
  );
}

const sameText = (a: string, b: string): boolean => {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  // Codes are of one length: another length is no code at all.
  return left.length === right.length && timingSafeEqual(left, right);
};
