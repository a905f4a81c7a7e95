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

const NO_RIGHTS: Rights = { tools: [] };

export async function rightsId(db: Db | Tx, rights: Rights): Promise<string> {
  const text = JSON.stringify(rights);
  const id = createHash('sha256').update(text).digest('hex').slice(0, 16);
  await db.insertInto('rights').values({ id, rights: text }).onConflict((c) => c.column('id').doNothing()).execute();
  return id;
}

/** An unknown id has no rights. */
export async function rightsOf(db: Db | Tx, id: string): Promise<Rights> {
  const row = await db.selectFrom('rights').select('rights').where('id', '=', id).executeTakeFirst();
  return row ? (JSON.parse(row.rights) as Rights) : NO_RIGHTS;
}

/**
 * What a run may do: the intersection over everyone whose text it holds, a line of a message that was left out too.
 * @param run hash
 */
export async function rightsOfRun(db: Db | Tx, run: string): Promise<Rights> {
  const rows = await db.selectFrom('inbound').select('rights').distinct().where((e) => e.or([e('run', '=', run), e('merged_into', '=', run)])).execute();
  const all = await Promise.all(rows.map((row) => rightsOf(db, row.rights)));
  return all.length === 0 ? NO_RIGHTS : all.reduce(intersect);
}

/** Pure. */
export function intersect(a: Rights, b: Rights): Rights {
  if (a.tools === '*') return b;
  const { tools } = a;
  return b.tools === '*' ? a : { tools: b.tools.filter((tool) => tools.includes(tool)).toSorted() };
}

export const mayUse = (rights: Rights, tool: string): boolean => rights.tools === '*' || rights.tools.includes(tool);
