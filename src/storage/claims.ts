/**
 * Claims of side effects: written before the effect, finished after it. A claim names its attempt's process.
 * Invariant: an effect whose claim exists is never begun again; a begun one whose process is gone is `unknown`.
 */
import type { Fence } from '../core/steps.js';
import { assertFence } from './fence.js';
import { bootId, isSameProcess, processStartTime } from './process.js';
import type { Db } from './sqlite.js';

export interface ClaimState<Result> {
  readonly state: 'begun' | 'done' | 'unknown';
  readonly result?: Result;
  /** Of the attempt that made the claim. */
  readonly facts?: Readonly<Record<string, unknown>>;
  readonly begunAt: number;
}

/** How often a retry looks whether the living owner of a claim has finished. */
const OWNER_POLL_MS = 200;

/**
 * Makes or reads the claim of `key`. Waits while another living process holds it.
 * @param token tells this attempt from an earlier one in the same process
 * @throws CodedError FENCED_OUT; the signal's reason when aborted while waiting
 */
export async function beginClaim<Result>(
  db: Db,
  fence: Fence,
  key: string,
  options: { readonly token: string; readonly facts?: Readonly<Record<string, unknown>>; readonly signal: AbortSignal; readonly isMine: (token: string) => boolean },
): Promise<ClaimState<Result>> {
  const start = processStartTime(process.pid) ?? '';
  // The token rides in `owner_start`, so that a claim names its attempt, not only its process.
  const owner = { owner_pid: process.pid, owner_start: `${start}#${options.token}`, owner_boot: bootId() };
  for (;;) {
    const row = await db.transaction().execute(async (tx) => {
      await assertFence(tx, fence);
      const { numInsertedOrUpdatedRows } = await tx
        .insertInto('claims')
        .values({ key, session: fence.session, generation: fence.generation, state: 'begun', ...owner, facts: options.facts ? JSON.stringify(options.facts) : null, result: null, begun_at: Date.now(), ended_at: null })
        .onConflict((c) => c.column('key').doNothing())
        .executeTakeFirst();
      if ((numInsertedOrUpdatedRows ?? 0n) > 0n) return undefined;
      return tx.selectFrom('claims').selectAll().where('key', '=', key).executeTakeFirstOrThrow();
    });
    if (!row) return { state: 'begun', begunAt: Date.now() };
    const facts = row.facts === null ? {} : { facts: JSON.parse(row.facts) as Readonly<Record<string, unknown>> };
    const begunAt = Number(row.begun_at);
    if (row.state === 'done') return { state: 'done', result: JSON.parse(row.result ?? 'null') as Result, begunAt, ...facts };
    if (row.state === 'unknown' || !ownerLives(row, options.isMine)) return { state: 'unknown', begunAt, ...facts };
    await new Promise((resolve) => setTimeout(resolve, OWNER_POLL_MS));
    options.signal.throwIfAborted();
  }
}

export async function finishClaim(db: Db, fence: Fence, key: string, state: 'done' | 'unknown', result: unknown): Promise<void> {
  await db.transaction().execute(async (tx) => {
    await assertFence(tx, fence);
    await tx.updateTable('claims').set({ state, result: JSON.stringify(result), ended_at: Date.now() }).where('key', '=', key).where('state', '=', 'begun').execute();
  });
}

function ownerLives(row: { readonly owner_pid: number; readonly owner_start: string; readonly owner_boot: string }, isMine: (token: string) => boolean): boolean {
  const [start = '', token = ''] = row.owner_start.split('#');
  if (row.owner_boot !== bootId()) return false;
  if (Number(row.owner_pid) === process.pid) return isMine(token);
  return isSameProcess(Number(row.owner_pid), start);
}
