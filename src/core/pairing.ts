/**
 * Pairing: codes, and what the pairing workflow and its activities say to each other. Pure.
 * The shapes are in Temporal histories: inputs carry a version and gain only optional fields. Ids and facts: never a code,
 * never text, never a name.
 */
import type { IdentityKey, PairingState } from './contact.js';

/** Letters and digits that nobody takes for another. */
export const CODE_ALPHABET = 'ABCDEFGHJKLMNPQRSTUVWXYZ23456789';
export const CODE_LENGTH = 4;
const PREFIX = 'CLAW-';

/** @param pick a uniform random number below its argument, of the system's source */
export const makeCode = (pick: (below: number) => number): string => PREFIX + Array.from({ length: CODE_LENGTH }, () => CODE_ALPHABET[pick(CODE_ALPHABET.length)]).join('');

/** What a person typed, in any case and without the prefix too. @returns undefined for what no code looks like */
export function readCode(typed: string): string | undefined {
  const [, code] = /^(?:CLAW[-\s]?)?([A-HJ-NP-Z2-9]{4})$/.exec(typed.trim().toUpperCase()) ?? [];
  return code && PREFIX + code;
}

/** Messages of one stranger that are held; further ones are dropped. */
export const HELD_PER_SENDER = 20;

export type PairingDecision = 'approve' | 'deny' | 'block';
export const DECIDED_STATE: Readonly<Record<PairingDecision, PairingState>> = { approve: 'approved', deny: 'denied', block: 'blocked' };

export interface PairingInput extends IdentityKey {
  readonly v: 1;
}

/** Signal `held`: a message of this stranger is held. */
export interface HeldSignal {
  readonly inboundId: string;
}

/** Update `decide`: the owner's word. */
export interface DecideOrder {
  readonly decision: PairingDecision;
  /** A principal. */
  readonly by: string;
  /** … and this person is the owner. */
  readonly owner?: true;
}
export interface DecideAnswer {
  /** As recorded: the first word wins. */
  readonly state: PairingState;
  readonly contact?: string;
  /** Messages that were handed over. */
  readonly handed: number;
}

/** How a stranger stands, by the rows. */
export type PairingLook =
  /** Somebody the agent talks to: what is held is to be handed over. */
  | { readonly state: 'admitted' }
  /** Has a code; `codeUntil` in epoch milliseconds. */
  | { readonly state: 'waits'; readonly codeUntil: number; readonly held: number }
  /** Nothing to wait for: decided, or the code expired. */
  | { readonly state: 'over'; readonly why: string };

export interface DecidePairingInput extends IdentityKey, DecideOrder {}
export type DecidePairingResult = Omit<DecideAnswer, 'handed'>;

export interface HandOverResult {
  readonly handed: number;
  /** Nothing is held any more, and what comes now is not held. */
  readonly done: boolean;
}

/** Result of the pairing workflow. */
export interface PairingEnd {
  readonly ended: string;
  readonly handed: number;
}

/** A request, as owners see it. Times are epoch milliseconds. */
export interface PairingRequest extends IdentityKey {
  readonly id: string;
  /** Empty until the person was told it. */
  readonly code: string;
  readonly name?: string;
  readonly username?: string;
  readonly held: number;
  readonly requestedAt: number;
  readonly lastAt: number;
  readonly expiresAt: number;
}
