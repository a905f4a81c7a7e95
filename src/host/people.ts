/**
 * People and pairing, composed from config, store and engine. Invariant: a reload takes effect at the next look; until the
 * engine is there, strangers are held and a decision says that it cannot be carried out yet.
 */
import type { Client } from '@temporalio/client';
import type { PairingDeps } from '../activities/pairing.js';
import { CodedError } from '../core/errors.js';
import type { DeliveryWaker, Logger, RunEvents } from '../core/ports.js';
import type { Config } from '../core/schema/config.js';
import { directAdmission } from '../sessions/access.js';
import { type Contacts, createContacts, linkIdentity } from '../sessions/contacts.js';
import { directSession } from '../sessions/direct-session.js';
import type { SessionEngine } from '../sessions/engine.js';
import { type PairingControl, createPairing } from '../sessions/pairing.js';
import { type PairingEngine, createPairingEngine } from '../sessions/pairing-engine.js';
import { type People, contactFor, createPeople } from '../sessions/people.js';
import { createRelease } from '../sessions/release.js';
import { type PairingLimits, seenOfPairing } from '../storage/pairing.js';
import type { Db } from '../storage/sqlite.js';

export interface PeopleOfHouse {
  readonly people: People;
  readonly pairing: PairingControl;
  readonly contacts: Contacts;
  /** For the workers of the pairing activities. */
  readonly activities: PairingDeps;
  /** The engine is there. */
  open(client: Client): void;
  /** Part of every sweep. */
  sweep(): Promise<void>;
}

export interface PeopleOptions {
  readonly db: Db;
  readonly config: () => Config;
  readonly engine: SessionEngine;
  readonly deliveries: DeliveryWaker;
  readonly events: RunEvents;
  readonly log: Logger;
}

export function createPeopleOfHouse({ db, config, engine, deliveries, events, log }: PeopleOptions): PeopleOfHouse {
  const late = lateEngine();
  const limits = (): PairingLimits => pairingLimits(config());
  const pairing = createPairing({ db, engine: late.engine, limits, configOwners: () => config().commands.ownerAllowFrom, log });
  const contacts = createContacts({ db, config, deliveries, log });
  const release = createRelease({ db, engine, events, log, queue: () => config().messages.queue, sessionOf: (message, contact) => directSession(config())(message, contact) });
  return {
    people: createPeople({ db, config, link: (tx, identity, contact) => linkIdentity(tx, config(), identity, contact) }),
    pairing, contacts,
    activities: pairingDeps({ db, config, release, deliveries }),
    open: (client) => late.arrived(createPairingEngine(client)),
    async sweep() {
      await pairing.sweep();
      await contacts.sweep();
    },
  };
}

export const pairingLimits = ({ pairing }: Config): PairingLimits => ({ ttlMs: pairing.ttlMinutes * 60_000, maxPending: pairing.maxHeld });

export interface PairingDepsOptions {
  readonly db: Db;
  readonly config: () => Config;
  readonly release: PairingDeps['release'];
  readonly deliveries: DeliveryWaker;
}

export function pairingDeps({ db, config, release, deliveries }: PairingDepsOptions): PairingDeps {
  return {
    db, release, deliveries,
    limits: () => pairingLimits(config()),
    admits(key) {
      const admission = directAdmission(config(), key);
      return admission.verdict === 'admitted' ? admission.by : undefined;
    },
    contactFor: (tx, pairing) => contactFor(tx, config(), pairing, seenOfPairing(pairing)),
  };
}

function lateEngine(): { readonly engine: PairingEngine; arrived(engine: PairingEngine): void } {
  let current: PairingEngine | undefined;
  const now = async (): Promise<PairingEngine> => {
    if (!current) throw new CodedError('ENGINE_AWAY', 'the engine is starting', 'Try again in a moment.');
    return current;
  };
  return {
    engine: {
      held: async (key, inboundId) => (await now()).held(key, inboundId),
      decide: async (key, order) => (await now()).decide(key, order),
    },
    arrived(engine) {
      current = engine;
    },
  };
}
