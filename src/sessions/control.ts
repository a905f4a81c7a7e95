/**
 * What people do to sessions besides writing to them: stop runs. A stop is a signal; its truth is the run's row.
 */
import { CodedError, messageOf } from '../core/errors.js';
import { openInbound } from '../storage/inbound.js';
import type { Db } from '../storage/sqlite.js';
import type { SessionEngine } from './engine.js';
import { requireSessionKey } from './keys.js';

export interface SessionControl {
  /**
   * Ends the running turn and waiting runs of a session, or only the run of that hash.
   * @returns ids of the runs that were still open, in order of arrival
   * @throws CodedError UNAVAILABLE when the engine is away
   */
  stop(session: string, target: { readonly run?: string }, principal: string): Promise<readonly string[]>;
}

export function createSessionControl(deps: { readonly db: Db; readonly engine: SessionEngine }): SessionControl {
  return {
    async stop(text, target, principal) {
      const { key, agent } = requireSessionKey(text);
      const open = (await openInbound(deps.db, key)).filter((row) => target.run === undefined || row.run === target.run);
      if (open.length === 0) return [];
      try {
        // By name, so that a run whose item is still on its way is stopped too.
        await deps.engine.stop({ session: key, agent, channel: open[0]!.channel }, { runs: open.map((row) => row.run), by: principal });
      } catch (error) {
        throw new CodedError('UNAVAILABLE', `the engine is away, nothing was stopped: ${messageOf(error)}`, 'Try again in a moment; `openclaw doctor` says what is wrong.');
      }
      return open.map((row) => row.runId);
    },
  };
}
