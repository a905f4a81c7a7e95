/**
 * Looks after sessions that do not go on: a task that fails again and again, a workflow that somebody ended, a workflow
 * that does not know of a run its rows have. Each is said as a notice, and what can be repaired from the rows is.
 * Invariant: nothing is repaired on a suspicion. A run counts as unknown only when its row is still open after the
 * workflow said so; a failing task is left alone for a while, since the next deploy may be the cure.
 */
import { messageOf } from '../core/errors.js';
import { TIMINGS } from '../core/names.js';
import { shellWord } from '../core/shell-word.js';
import { liftGeneration } from '../storage/fence.js';
import { type Inbound, inboundById, sweepable } from '../storage/inbound.js';
import { noteLoss } from '../storage/lost.js';
import { openNotices, pruneNotices, raise, raiseOnce, resolve } from '../storage/notices.js';
import { highestSeq } from '../storage/transcript.js';
import type { SessionCondition } from './condition.js';
import { type IntakeDeps, signal } from './intake.js';
import { OURS, restart } from './recover.js';

export interface Watcher {
  /** One look at every session whose work has waited for a while. */
  pass(): Promise<void>;
  /** Tells how a session ended that is about to be started again; one ending is told once, whoever comes upon it. */
  gone(session: string): Promise<void>;
}

/** Enough to be done in a moment, few enough to leave the engine to its work. */
const AT_ONCE = 4;
const STUCK = 'session-stuck:';

export function createWatcher(deps: Pick<IntakeDeps, 'db' | 'engine' | 'log'>, options: { readonly staleMs?: number; readonly recoverAfterMs?: number } = {}): Watcher {
  const { db, engine, log } = deps;
  const staleMs = options.staleMs ?? TIMINGS.sweepEvery;
  const recoverAfterMs = options.recoverAfterMs ?? TIMINGS.recoverAfter;
  /** Sessions whose task merely waits, since when: right after a start or an outage that is nothing yet. */
  const vague = new Map<string, number>();

  return {
    async pass() {
      await pruneNotices(db);
      const waiting = (await sweepable(db, Date.now() - staleMs)).filter((row) => row.state !== 'accepted');
      const sessions = Map.groupBy(waiting, (row) => row.session);
      const stuck = (await openNotices(db)).flatMap(({ key }) => (key.startsWith(STUCK) ? [key.slice(STUCK.length)] : []));
      const work = [...new Set([...sessions.keys(), ...stuck])];
      const look = async (): Promise<void> => {
        for (let session = work.shift(); session !== undefined; session = work.shift()) {
          await lookAt(session, sessions.get(session) ?? [], stuck.includes(session)).catch((error: unknown) => log.debug({ session, error: messageOf(error) }, 'a session was not looked at'));
        }
      };
      await Promise.all(Array.from({ length: AT_ONCE }, look));
    },

    async gone(session) {
      const condition = await engine.condition(session);
      if (condition.state !== 'gone' || !condition.ended) return;
      const { how, by, at, reason = '', failure } = condition.ended;
      // A session that went idle while a message came has only missed it; what we ended ourselves was said then.
      if (how === 'completed' || reason.startsWith(OURS)) return;
      const why = [failure, reason].filter(Boolean).join(': ');
      await raiseOnce(db, {
        key: `session-restarted:${session}`,
        level: 'info',
        text: `The workflow of session ${session} was gone (${how}${by === undefined ? '' : ` by ${by}`} at ${new Date(at).toISOString()}${why === '' ? '' : `; ${why}`}). It was started again and goes on at its last finished step.`,
      }, log);
    },
  };

  async function lookAt(session: string, rows: readonly Inbound[], wasStuck: boolean): Promise<void> {
    const condition = await engine.condition(session);
    if (condition.state === 'failing') {
      const seen = vague.get(session) === condition.since;
      vague.set(session, condition.since);
      return condition.vague === true && !seen ? undefined : failing(session, condition);
    }
    vague.delete(session);
    if (wasStuck) await resolve(db, STUCK + session);
    // One that is gone is the sweeper's.
    if (condition.state === 'running' && rows.length > 0) await compare(session, rows);
  }

  async function failing(session: string, { since, message, nonDeterminism }: Extract<SessionCondition, { state: 'failing' }>): Promise<void> {
    const began = new Date(since).toISOString();
    if (nonDeterminism && Date.now() - since >= recoverAfterMs) {
      const runs = await restart(deps, session, 'its history does not fit this version');
      await resolve(db, STUCK + session);
      await raise(db, {
        key: `session-recovered:${session}`,
        level: 'info',
        text: `The history of session ${session} did not fit this version's code (since ${began}: ${message}). The session was started anew from its rows; ${runs.length === 0 ? 'nothing was unfinished' : `unfinished runs go on: ${runs.join(', ')}`}.`,
      }, log);
      return;
    }
    const soon = nonDeterminism ? `By itself it is started anew ${Math.round(recoverAfterMs / 60_000)} minutes after that. At once: ` : '';
    await raise(db, {
      key: STUCK + session,
      level: 'error',
      text: `Session ${session} is stuck: its workflow task fails since ${began}: ${message}. Nothing of it is lost, and nothing of it goes on.`,
      hint: `${soon}openclaw sessions recover ${shellWord(session)}`,
    }, log);
  }

  /** Does the workflow know of every run that its rows have as unfinished? */
  async function compare(session: string, rows: readonly Inbound[]): Promise<void> {
    const view = await engine.view(session).catch(() => undefined);
    if (!view?.holds || view.generation === 0) return;
    const { holds } = view;
    const unknown: Inbound[] = [];
    for (const row of rows.filter(({ run }) => !holds.includes(run))) {
      // Read after the workflow's word: a run that it ended since has its end in the row.
      const now = await inboundById(db, row.inboundId);
      if (now?.state === row.state) unknown.push(now);
    }
    if (unknown.length === 0) return;
    if (unknown.every((row) => row.state === 'signalled')) {
      for (const row of unknown) await signal(deps, row);
      log.warn({ session, runs: unknown.length }, 'a session did not know of messages it had been signalled; signalled again');
      return;
    }
    const last = await highestSeq(db, session);
    if (view.nextSeq > last + 1) {
      await db.transaction().execute(async (tx) => {
        await liftGeneration(tx, session, view.generation);
        await noteLoss(tx, log, session, `row ${view.nextSeq - 1} was written, the store's last is ${last}`);
      });
      await restart(deps, session, 'the store lost its latest entries');
      return;
    }
    const runs = await restart(deps, session, 'it does not know of runs that its rows have');
    await raise(db, { key: `session-restarted:${session}`, level: 'info', text: `The workflow of session ${session} did not know of its unfinished runs (${runs.join(', ')}): it was behind the store. It was started anew from its rows.` }, log);
  }
}
