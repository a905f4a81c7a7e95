/** Rights sets, by content hash: signals and turns carry the id. */
import { createHash } from 'node:crypto';
import type { Db } from './sqlite.js';
import type { Tx } from './fence.js';

export interface Rights {
  /** `*`: every tool the config allows. */
  readonly tools: '*' | readonly string[];
}
export const OWNER_RIGHTS: Rights = { tools: '*' };
/** Anyone else uses no tool until the owner grants some. */
export const GUEST_RIGHTS: Rights = { tools: [] };

export async function rightsId(db: Db | Tx, rights: Rights): Promise<string> {
  const text = JSON.stringify(rights);
  const id = createHash('sha256').update(text).digest('hex').slice(0, 16);
  await db.insertInto('rights').values({ id, rights: text }).onConflict((c) => c.column('id').doNothing()).execute();
  return id;
}

/** An unknown id has no rights. */
export async function rightsOf(db: Db, id: string): Promise<Rights> {
  const row = await db.selectFrom('rights').select('rights').where('id', '=', id).executeTakeFirst();
  return row ? (JSON.parse(row.rights) as Rights) : { tools: [] };
}

export const mayUse = (rights: Rights, tool: string): boolean => rights.tools === '*' || rights.tools.includes(tool);
