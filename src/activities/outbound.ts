/** What the tool `message` needs of the store: whom a name means, and whose session its call is of. */
import { agentOf, parseSessionKey } from '../core/session-key.js';
import { inboundByRun } from '../storage/inbound.js';
import type { Db } from '../storage/sqlite.js';
import { type SendingAccount, resolveTarget } from '../storage/targets.js';
import type { ToolOutbound } from './tools/types.js';

/** Sessions of groups, and of one other person. */
const OTHERS = /(?:^|:)(?:direct|group|channel|thread|topic):/;

export const isOwnersSession = (key: string): boolean => {
  const parsed = parseSessionKey(key, agentOf(key));
  return !('problem' in parsed) && !OTHERS.test(parsed.rest);
};

export function createToolOutbound({ db, accounts }: { readonly db: Db; readonly accounts: () => readonly SendingAccount[] }): ToolOutbound {
  return {
    channels: () => [...new Set(accounts().map(({ channel }) => channel))],
    resolve: ({ to, channel }) => resolveTarget(db, { to, ...(channel === undefined ? {} : { channel }) }, accounts()),
    async isOwners(key) {
      const inbound = await inboundByRun(db, key.slice(0, key.indexOf(':')));
      return inbound?.role === 'owner' && isOwnersSession(inbound.session);
    },
  };
}
