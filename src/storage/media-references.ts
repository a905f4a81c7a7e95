/**
 * Which media a session has: the attachments of its own messages.
 * Invariant: a session finds only what its own rows name; content that others sent it does not find, whoever guesses the hash.
 */
import type { Attachment, InboundMessage } from '../core/message.js';
import type { RowContent } from '../core/transcript.js';
import type { Db } from './sqlite.js';

/** An attachment whose content is in the store. */
export type Stored = Attachment & { readonly media: NonNullable<Attachment['media']> };

/** A prefix of 8 digits or more has more matches only for somebody who looked for collisions. */
const MATCHES = 100;
/** Rows that name a content: the same file sent again and again. */
const ROWS = 20;

/**
 * @param prefix first digits of a content's hash, in lower case
 * @returns one for each content that matches, as the session's newest message has it
 */
export async function attachmentsOf(db: Db, session: string, prefix: string): Promise<readonly Stored[]> {
  if (!/^[0-9a-f]{1,64}$/.test(prefix)) return [];
  const hashes = await db.selectFrom('media').select('hash').where('hash', '>=', prefix).where('hash', '<', `${prefix}g`).orderBy('hash').limit(MATCHES).execute();
  const found: Stored[] = [];
  for (const { hash } of hashes) {
    const attachment = (await inInbound(db, session, hash)) ?? (await inTranscript(db, session, hash));
    if (attachment) found.push(attachment);
  }
  return found;
}

/** In JSON a quote inside a text is escaped: no message can be worded so that it matches. */
const naming = (hash: string): string => `%"hash":"${hash}"%`;

const carried = (attachments: readonly Attachment[], hash: string): Stored | undefined => attachments.find((one): one is Stored => one.media?.hash === hash);

async function inInbound(db: Db, session: string, hash: string): Promise<Stored | undefined> {
  const rows = await db.selectFrom('inbound').select('message').where('session', '=', session).where('message', 'like', naming(hash)).orderBy('accepted_at', 'desc').orderBy('id', 'desc').limit(ROWS).execute();
  return first(rows.map((row) => carried((JSON.parse(row.message) as InboundMessage).attachments, hash)));
}

/** For rows whose message is no longer there. */
async function inTranscript(db: Db, session: string, hash: string): Promise<Stored | undefined> {
  const rows = await db.selectFrom('transcript').select('content').where('session', '=', session).where('kind', '=', 'user').where('content', 'like', naming(hash)).orderBy('seq', 'desc').limit(ROWS).execute();
  return first(
    rows.map((row) => {
      const content = JSON.parse(row.content) as RowContent;
      return content.type === 'user' ? carried(content.attachments, hash) : undefined;
    }),
  );
}

const first = <T>(found: readonly (T | undefined)[]): T | undefined => found.find((one) => one !== undefined);
