/**
 * What is said in a group without naming the agent: bounded context of the next turn there, never a turn of its own.
 */
import type { Sender } from '../core/message.js';
import type { Tx } from './fence.js';

export interface Overheard {
  /** Hash of the message key: heard twice, it is kept once. */
  readonly id: string;
  readonly session: string;
  readonly sender: Sender;
  readonly text: string;
  /** Epoch milliseconds. */
  readonly at: number;
}

/** @param keep how many of the session's newest stay */
export async function overhear(tx: Tx, said: Overheard, keep: number): Promise<void> {
  const { id, session, sender, text, at } = said;
  await tx.insertInto('overheard').values({ id, session, sender: JSON.stringify(sender), text, at }).onConflict((c) => c.column('id').doNothing()).execute();
  const oldest = await tx.selectFrom('overheard').select('at').where('session', '=', session).orderBy('at', 'desc').orderBy('id', 'desc').offset(keep).limit(1).executeTakeFirst();
  if (oldest) await tx.deleteFrom('overheard').where('session', '=', session).where('at', '<=', oldest.at).execute();
}

/** Everything overheard so far as one text for the model; it is gone with the transaction that puts it there. */
export async function takeOverheard(tx: Tx, session: string): Promise<string | undefined> {
  const rows = await tx.deleteFrom('overheard').where('session', '=', session).returning(['sender', 'text', 'at', 'id']).execute();
  if (rows.length === 0) return undefined;
  const lines = rows
    .toSorted((a, b) => Number(a.at) - Number(b.at) || a.id.localeCompare(b.id))
    .map((row) => {
      const sender = JSON.parse(row.sender) as Sender;
      return `${sender.name ?? sender.id}: ${row.text}`;
    });
  return ['[Chat messages since your last reply - for context]', ...lines].join('\n');
}
