/**
 * Rows of versions that did not know the uses of media, entered there. Part of a migration: all of it happens in its
 * transaction, or nothing.
 */
import type { Kysely } from 'kysely';
import type { Tx } from './fence.js';
import { inboundSource, noteMedia, rowSource } from './media-uses.js';
import type { Tables } from './tables.js';

/** As many as memory holds without notice, whatever they contain. */
const PAGE = 200;
const NAMES_MEDIA = '%"hash":"%';

export async function enterMedia(db: Kysely<Tables>): Promise<void> {
  const tx = db as Tx;
  for (let after = { session: '', seq: 0 }; ; ) {
    const rows = await tx
      .selectFrom('transcript')
      .select(['session', 'seq', 'content'])
      .where((e) => e.or([e('session', '>', after.session), e.and([e('session', '=', after.session), e('seq', '>', after.seq)])]))
      .where('content', 'like', NAMES_MEDIA)
      .orderBy('session').orderBy('seq')
      .limit(PAGE)
      .execute();
    for (const { session, seq, content } of rows) await noteMedia(tx, rowSource(session, Number(seq)), content);
    const last = rows.at(-1);
    if (!last) break;
    after = { session: last.session, seq: Number(last.seq) };
  }
  for (let after = ''; ; ) {
    const rows = await tx.selectFrom('inbound').select(['id', 'message']).where('id', '>', after).where('message', 'like', NAMES_MEDIA).orderBy('id').limit(PAGE).execute();
    for (const { id, message } of rows) await noteMedia(tx, inboundSource(id), message);
    const last = rows.at(-1);
    if (!last) break;
    after = last.id;
  }
}
