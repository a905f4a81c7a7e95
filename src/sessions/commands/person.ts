/** Who may see and touch what, by chat command. */
import { DEFAULT_AGENT } from '../../core/names.js';
import { mainSessionKey } from '../../core/session-key.js';
import { aliasOf, aliasesOf } from '../../storage/aliases.js';
import type { Db } from '../../storage/sqlite.js';
import type { CommandCall } from './types.js';

/** Where a command of the machine may be shown: to the owner, with nobody else in the room. */
export const isOwnersChat = ({ who, message }: Pick<CommandCall, 'who' | 'message'>): boolean => who.role === 'owner' && message.conversation.kind === 'direct';

/** A session that is not the caller's own: a group's, or the owner's that guests share (`dmScope: main`). */
export const isShared = ({ who, message, session }: CommandCall): boolean => who.role !== 'owner' && (message.conversation.kind !== 'direct' || session === mainSessionKey(DEFAULT_AGENT));

/** A person's sessions: the primary one, and older ones of whoever was linked. */
export async function sessionsOfPerson(db: Db, session: string): Promise<readonly string[]> {
  // While an alias drains, they still speak in the older one.
  const primary = (await aliasOf(db, session))?.primary ?? session;
  return [primary, ...(await aliasesOf(db, primary)).map((alias) => alias.session)];
}
