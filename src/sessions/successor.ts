/**
 * The engine as everybody signals it: whoever starts a session anew that has unfinished runs says first how its
 * workflow ended. Invariant: a signal never waits long for that, and never fails because of it.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { messageOf } from '../core/errors.js';
import type { Logger } from '../core/ports.js';
import type { Db } from '../storage/sqlite.js';
import type { SessionEngine } from './engine.js';

/** The engine tells in milliseconds how a workflow is; when it is away, the signal behind this finds that out too. */
const LOOK_MS = 1_000;

export interface SuccessorDeps {
  readonly db: Db;
  readonly engine: SessionEngine;
  readonly log: Logger;
  /** Tells how a session ended, when it did not end as it should. */
  readonly gone: (session: string) => Promise<void>;
}

export function tellingEngine({ db, engine, log, gone }: SuccessorDeps): SessionEngine {
  async function look(session: string): Promise<void> {
    // Without begun work nothing was cut short: a session that is idle ends by itself.
    const begun = await db.selectFrom('inbound').select('id').where('session', '=', session).where('state', 'in', ['signalled', 'taken']).limit(1).executeTakeFirst();
    if (begun) await Promise.race([gone(session), pause(LOOK_MS, undefined, { ref: false })]);
  }
  const first = async (session: string): Promise<void> => look(session).catch((error: unknown) => log.debug({ session, error: messageOf(error) }, 'how a session ended is not known'));

  return {
    ...engine,
    async deliver(to, item) {
      await first(to.session);
      await engine.deliver(to, item);
    },
    async stop(to, order) {
      await first(to.session);
      await engine.stop(to, order);
    },
    async decided(to, answer) {
      await first(to.session);
      await engine.decided(to, answer);
    },
  };
}
