/**
 * What the people of a session set for it by command: over the config, under what one message asks for itself.
 */
import type { SessionSettings } from '../core/contact.js';
import type { Tx } from './fence.js';
import type { Db } from './sqlite.js';

export async function sessionSettings(db: Db | Tx, session: string): Promise<SessionSettings> {
  const row = await db.selectFrom('session_settings').select('settings').where('session', '=', session).executeTakeFirst();
  return row ? (JSON.parse(row.settings) as SessionSettings) : {};
}

/** @param change what becomes of each named setting; `undefined` removes it */
export async function setSessionSettings(tx: Tx, session: string, change: { readonly [K in keyof SessionSettings]?: SessionSettings[K] | undefined }): Promise<SessionSettings> {
  const next = Object.fromEntries(Object.entries({ ...(await sessionSettings(tx, session)), ...change }).filter(([, value]) => value !== undefined)) as SessionSettings;
  const row = { settings: JSON.stringify(next), updated_at: Date.now() };
  await tx.insertInto('session_settings').values({ session, ...row }).onConflict((c) => c.column('session').doUpdateSet(row)).execute();
  return next;
}
