/**
 * Conversations of a session: which is the current one, when it began, when it was spoken in last. A conversation changes
 * only by reset or delete; its rows stay.
 */
import type { Tx } from './fence.js';
import type { Db } from './sqlite.js';

export async function currentConversation(db: Db | Tx, session: string): Promise<string | undefined> {
  return (await db.selectFrom('sessions').select('conversation').where('key', '=', session).executeTakeFirst())?.conversation;
}

/** @param id the same for the same order, so that a repeat opens nothing new. @returns it */
export async function openConversation(tx: Tx, session: string, id: string): Promise<string> {
  await tx.updateTable('sessions').set({ conversation: id, updated_at: Date.now() }).where('key', '=', session).execute();
  return id;
}

/** Epoch milliseconds of the first and the latest row of a conversation; nothing when it has none. */
export async function conversationTimes(db: Db | Tx, session: string, conversation: string): Promise<{ readonly first: number; readonly last: number } | undefined> {
  const times = db.selectFrom('transcript').select('created_at').where('session', '=', session).where('conversation', '=', conversation);
  const first = await times.orderBy('seq').limit(1).executeTakeFirst();
  const last = await times.orderBy('seq', 'desc').limit(1).executeTakeFirst();
  return first && last && { first: Number(first.created_at), last: Number(last.created_at) };
}

/** Approvals of a session that nobody answered yet, also those whose turn went on. */
export async function hasOpenApprovals(db: Db | Tx, session: string): Promise<boolean> {
  return (await db.selectFrom('approvals').select('id').where('session', '=', session).where('state', '=', 'open').limit(1).executeTakeFirst()) !== undefined;
}
