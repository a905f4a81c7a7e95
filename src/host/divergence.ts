/**
 * Finds store and engine apart at a start (one of them restored from an older copy, lost, or new), says so, and makes
 * the rows the truth again before any worker polls.
 *
 * The epoch is a number in both that grows with every start of a gateway and every hour it runs. Writing both is not
 * atomic, so the store keeps two: `begun` is written before the namespace's, `written` after it. Whatever is killed
 * between, the namespace's number lies between the two, and only outside of them something was exchanged:
 *
 *   namespace's is missing, `written` is not   a fresh namespace
 *   namespace's < written                      the engine is an older copy
 *   namespace's > begun                        the store is an older copy
 *
 * Invariant: a repair is repeated until it is through: the epoch grows only after it. Copies of one and the same hour
 * are not told apart here; the activities (`store-behind.ts`) and the watcher find what is missing when it is needed.
 */
import type { Connection } from '@temporalio/client';
import { messageOf } from '../core/errors.js';
import type { Logger } from '../core/ports.js';
import type { SessionEngine } from '../sessions/engine.js';
import { OURS } from '../sessions/recover.js';
import { liftAllGenerations } from '../storage/fence.js';
import { sweepable } from '../storage/inbound.js';
import { markAllLost, newestEntry } from '../storage/lost.js';
import { epochOf, writeEpoch } from '../storage/meta.js';
import { raise } from '../storage/notices.js';
import type { Db } from '../storage/sqlite.js';
import { readEpoch, writeEpoch as writeNamespaceEpoch } from './engine/index.js';

export interface DivergenceDeps {
  readonly db: Db;
  readonly engine: SessionEngine;
  readonly connection: Connection;
  readonly namespace: string;
  readonly installId: string;
  readonly log: Logger;
}

export type Divergence = 'none' | 'engine fresh' | 'engine behind' | 'store behind';

const GROWS_EVERY_MS = 3_600_000;

export function compareEpochs(store: { readonly begun: number; readonly written: number }, namespace: number | undefined): Divergence {
  if (namespace === undefined) return store.written === 0 ? 'none' : 'engine fresh';
  if (namespace > store.begun) return 'store behind';
  return namespace < store.written ? 'engine behind' : 'none';
}

/** Before anything of this process signals or polls. The rows are signalled by the sweeper's first pass. */
export async function reconcile(deps: DivergenceDeps): Promise<Divergence> {
  const { db, log } = deps;
  const theirs = await readEpoch(deps.connection, deps.namespace);
  const found = compareEpochs(await epochOf(db), theirs);
  const last = new Date(await newestEntry(db)).toISOString();
  switch (found) {
    case 'none':
      break;
    case 'engine fresh':
      await raise(db, {
        key: 'engine-fresh', level: 'warn',
        text: `Temporal's namespace ${deps.namespace} is new, the store is not. Every unfinished run was started from its rows; finished steps are not repeated. The Web UI shows nothing from before.`,
        hint: 'If you did not mean to exchange it, see docs/operations.md, "Restored backups".',
      }, log);
      break;
    case 'engine behind': {
      await raise(db, {
        key: 'engine-behind', level: 'warn',
        text: 'Temporal was put back to an older copy than the store. Every session that ran in it was ended there and started from its rows; finished steps are not repeated.',
        hint: 'Nothing to do. Restore both databases from the same copy next time.',
      }, log);
      await terminateAll(deps, 'the engine was put back to an older copy than the store');
      break;
    }
    case 'store behind':
      // First nobody may write any more, then the workflows that know more than the store are ended.
      await db.transaction().execute(async (tx) => {
        await liftAllGenerations(tx);
        await markAllLost(tx, await newestEntry(tx));
        await raise(tx, {
          key: 'store-behind', level: 'error',
          text: `The store was put back to an older copy than Temporal's data: what came after ${last} is lost. Sessions go on from what is there; each one's model is told to look before it repeats anything.`,
          hint: 'If you have a newer copy of openclaw.db, stop the gateway and restore it. Messages sent after that time have to be sent again.',
        }, log);
      });
      await terminateAll(deps, 'the store was put back to an older copy');
      break;
  }
  await growEpoch(deps, theirs);
  return found;
}

/** Grows the epoch every hour, so that copies of one long run can be told apart as well. */
export function epochBeat(deps: DivergenceDeps): () => Promise<void> {
  let last = Date.now();
  return async () => {
    if (Date.now() - last < GROWS_EVERY_MS) return;
    await growEpoch(deps, undefined);
    last = Date.now();
  };
}

async function growEpoch({ db, connection, namespace, installId, log }: DivergenceDeps, theirs = 0): Promise<void> {
  const { begun, written } = await epochOf(db);
  const next = Math.max(begun, theirs) + 1;
  await writeEpoch(db, { begun: next, written });
  try {
    await writeNamespaceEpoch(connection, namespace, installId, next);
  } catch (error) {
    // Hosted Temporal lets only its own console change a namespace: then nothing is compared either.
    log.debug({ error: messageOf(error) }, 'the epoch was not written into the namespace');
    return;
  }
  await writeEpoch(db, { begun: next, written: next });
}

/** By visibility, and by the rows: a restored engine may have an older list. */
async function terminateAll({ db, engine }: DivergenceDeps, reason: string): Promise<void> {
  const sessions = new Set((await sweepable(db, Number.MAX_SAFE_INTEGER)).map((row) => row.session));
  for await (const session of engine.runningSessions()) sessions.add(session);
  for (const session of sessions) await engine.terminate(session, `${OURS}${reason}`);
}
