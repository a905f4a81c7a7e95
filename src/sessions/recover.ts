/**
 * Starting a session anew from its rows: its workflow is ended where it stands, and a new chain goes on at the last
 * committed step, under the same run ids. Effects that are under way live on: the new attempts attach to them.
 */
import { CodedError, messageOf } from '../core/errors.js';
import { openInbound } from '../storage/inbound.js';
import { createSessionReader } from '../storage/sessions.js';
import type { SessionCondition } from './condition.js';
import { type IntakeDeps, signal } from './intake.js';
import { requireSessionKey } from './keys.js';

type RecoverDeps = Pick<IntakeDeps, 'db' | 'engine' | 'log'>;

/** Begins every reason of a termination of ours: nobody needs to be told of it afterwards. */
export const OURS = 'openclaw: ';

/** @returns ids of the runs that were taken up, in order of arrival. @throws when the engine is away; what is not signalled yet the sweeper signals */
export async function restart(deps: RecoverDeps, session: string, reason: string): Promise<readonly string[]> {
  const open = await openInbound(deps.db, session);
  await deps.engine.terminate(session, `${OURS}${reason}`);
  for (const row of open) await signal(deps, row);
  return open.map((row) => row.runId);
}

export interface Recovered {
  readonly session: string;
  /** How its workflow was found. */
  readonly was: SessionCondition['state'];
  /** What failed, for `failing`. */
  readonly problem?: string;
  /** Ids of the runs that were taken up. */
  readonly runs: readonly string[];
}

export interface SessionRepair {
  /** @throws CodedError NOT_FOUND for an unknown session; INVALID_REQUEST for one that is well, without `force`; UNAVAILABLE */
  recover(session: string, options: { readonly force: boolean; readonly by: string }): Promise<Recovered>;
}

const away = (error: unknown): never => {
  throw new CodedError('UNAVAILABLE', `the engine is away: ${messageOf(error)}`, 'Try again in a moment; `openclaw doctor` says what is wrong.');
};

/** As many names as fit a line or two. */
const NAMED = 20;

export function createSessionRepair(deps: RecoverDeps): SessionRepair {
  return {
    async recover(text, { force, by }) {
      const { key } = requireSessionKey(text);
      const known = await deps.db.selectFrom('sessions').select('key').where('key', '=', key).where('deleted_at', 'is', null).executeTakeFirst();
      if (!known) throw await unknown(key);
      const found = await deps.engine.condition(key).catch(away);
      if (found.state === 'running' && !force) {
        throw new CodedError('INVALID_REQUEST', `session ${key} is well: its workflow runs and takes its tasks`, 'Nothing is lost by it, but a restart costs a repeated model call: use --force if you want it all the same.', { code: 'NOT_NEEDED' });
      }
      const runs = await restart(deps, key, `recovered by ${by}`).catch(away);
      deps.log.info({ session: key, runs: runs.length, was: found.state }, 'a session was started anew from its rows');
      return { session: key, was: found.state, ...(found.state === 'failing' ? { problem: found.message } : {}), runs };
    },
  };

  async function unknown(key: string): Promise<CodedError> {
    const { sessions, total } = await createSessionReader(deps.db).listSessions({ limit: NAMED });
    const names = sessions.map((row) => row.key).join(', ');
    return new CodedError('NOT_FOUND', `there is no session ${key}`, total === 0 ? 'There are no sessions yet.' : `There are: ${names}${total > NAMED ? `, and ${total - NAMED} more` : ''}.`);
  }
}
