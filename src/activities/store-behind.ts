/**
 * A store that lacks what the workflow saw committed: told apart from a zombie, said to the owner, repaired.
 * Invariant: after the failure leaves, no attempt of the old chain can write, and the session's model will be told.
 *
 * The rule: a store that was damaged or put back is a prefix of what it was. So the newest row a step rests on is
 * enough to look at, and what is allotted but not yet written is never asked for.
 */
import { ApplicationFailure } from '@temporalio/common';
import { FAILURES, RPC_CHANNEL } from '../core/names.js';
import type { Fence } from '../core/steps.js';
import { agentOf } from '../core/session-key.js';
import { ensureSession, liftGeneration, storeBehind, type Tx } from '../storage/fence.js';
import { noteLoss } from '../storage/lost.js';
import type { Db } from '../storage/sqlite.js';
import { highestSeq, runRows } from '../storage/transcript.js';
import type { ActivityDeps } from './deps.js';

/** What the model reads where entries are missing. */
export const lostText = (since: number): string =>
  `[The record of this conversation lost its latest entries${since === 0 ? '' : ` (what came after ${new Date(since).toISOString()})`}. Steps that are not shown may have been taken and have had effects: look at the state of things before you do anything again, and say so to the user.]`;

/** Where nothing is allotted ahead, every row below `seq` was written. @throws CodedError STORE_BEHIND */
export async function expectRowsBelow(db: Db | Tx, session: string, seq: number): Promise<void> {
  const highest = await highestSeq(db, session);
  if (seq > highest + 1) throw storeBehind(`row ${seq - 1} was written, the store's last is ${highest}`);
}

/** Every call of the step before has its result: the model is asked only then. @throws CodedError STORE_BEHIND */
export async function expectStepBefore(db: Db, input: Fence & { readonly run: string; readonly step: number; readonly seq: number }): Promise<void> {
  await expectRowsBelow(db, input.session, input.seq);
  if (input.step === 1) return;
  const rows = await runRows(db, input.run, input.step - 1);
  const calls = rows.flatMap(({ content }) => (content.type === 'assistant' ? content.calls : []));
  const answer = rows.find(({ content }) => content.type === 'assistant')?.seq ?? input.seq;
  const results = new Set(rows.flatMap(({ seq, content }) => (content.type === 'tool' && seq > answer ? [content.index] : [])));
  if (calls.length === 0 || calls.some((call) => !results.has(call.index))) throw storeBehind(`step ${input.step - 1} was finished, the store has ${results.size} of ${calls.length || 'its'} results`);
}

type RepairDeps = Pick<ActivityDeps, 'db' | 'log' | 'chainEnds'>;

/** Runs an activity's work: when it finds the store behind, the repair is done before the failure ends the chain. */
export async function repairing<T>(deps: RepairDeps, fence: Fence, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof ApplicationFailure && error.type === FAILURES.StoreBehind) await repair(deps, fence, error.message);
    throw error;
  }
}

async function repair({ db, log, chainEnds }: RepairDeps, { session, generation }: Fence, found: string): Promise<void> {
  await db.transaction().execute(async (tx) => {
    // A session that is gone as a whole begins above what was seen, too.
    await ensureSession(tx, { key: session, agent: agentOf(session), channel: RPC_CHANNEL });
    await liftGeneration(tx, session, generation);
    await noteLoss(tx, log, session, found);
  });
  chainEnds?.();
}
