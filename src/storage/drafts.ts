/** What a stopped model call had said. Kept beside the transcript, because it is no complete answer. */
import { randomUUID } from 'node:crypto';
import type { Fence } from '../core/steps.js';
import { assertFence, type Tx } from './fence.js';
import type { Db } from './sqlite.js';

/** @returns the draft's id. @throws CodedError FENCED_OUT */
export async function saveDraft(db: Db, fence: Fence, draft: { readonly run: string; readonly step: number; readonly text: string }): Promise<string> {
  const id = randomUUID();
  await db.transaction().execute(async (tx) => {
    await assertFence(tx, fence);
    await tx.insertInto('drafts').values({ id, session: fence.session, ...draft, created_at: Date.now() }).execute();
  });
  return id;
}

export async function draftText(db: Db | Tx, id: string): Promise<string | undefined> {
  return (await db.selectFrom('drafts').select('text').where('id', '=', id).executeTakeFirst())?.text;
}
