/** A person's sessions: the primary one, and older ones of whoever was linked. */
import { aliasesOf } from '../../storage/aliases.js';
import type { Db } from '../../storage/sqlite.js';

export const sessionsOfPerson = async (db: Db, session: string): Promise<readonly string[]> => [session, ...(await aliasesOf(db, session)).map((alias) => alias.session)];
