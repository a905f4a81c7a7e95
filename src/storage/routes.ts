/** Where the people of a session were heard last: the way for what is said unasked. */
import type { Address } from '../core/channel.js';
import type { Tx } from './fence.js';
import type { Db } from './sqlite.js';

export async function noteRoute(db: Db | Tx, session: string, address: Address): Promise<void> {
  const row = { address: JSON.stringify(address), updated_at: Date.now() };
  await db.insertInto('routes').values({ session, ...row }).onConflict((c) => c.column('session').doUpdateSet(row)).execute();
}

export async function routeOf(db: Db | Tx, session: string): Promise<Address | undefined> {
  const row = await db.selectFrom('routes').select('address').where('session', '=', session).executeTakeFirst();
  return row && (JSON.parse(row.address) as Address);
}
