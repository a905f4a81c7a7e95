/**
 * Recordings with what was heard in them, for prompts and tools: looked up, never asked for here.
 */
import type { Attachment } from '../../core/message.js';
import type { TranscriptRow } from '../../core/transcript.js';
import { attachmentsOf, type Stored } from '../../storage/media-references.js';
import { inboundById } from '../../storage/inbound.js';
import type { Db } from '../../storage/sqlite.js';
import { type Transcript, transcriptsOf } from '../../storage/transcripts.js';
import type { ActivityDeps } from '../deps.js';
import { NOT_CONFIGURED, type Speech } from './speech.js';

/** A recording whose words belong into the prompt. */
export const isSpoken = (a: Attachment): a is Stored => (a.kind === 'voice' || a.kind === 'audio') && a.media !== undefined;

/** Messages with recordings that somebody can transcribe and nobody has. @param ids of inbound rows @returns theirs */
export async function toHear({ db, speech }: Pick<ActivityDeps, 'db' | 'speech'>, ids: readonly string[]): Promise<string[]> {
  if (ids.length === 0 || (speech?.().models.length ?? 0) === 0) return [];
  const found: string[] = [];
  for (const id of ids) {
    const spokenIn = (await inboundById(db, id))?.message.attachments.filter(isSpoken) ?? [];
    const known = await transcriptsOf(db, spokenIn.map((one) => one.media.hash));
    if (spokenIn.some((one) => one.transcript === undefined && known.get(one.media.hash)?.text === undefined)) found.push(id);
  }
  return found;
}

/** Rows as the model reads them: the transcript of a recording stands beside its row, where a later attempt may put it. */
export async function withTranscripts(db: Db, rows: readonly TranscriptRow[], speech: Speech): Promise<readonly TranscriptRow[]> {
  const hashes = rows.flatMap(({ content }) => (content.type === 'user' ? content.attachments.filter(isSpoken).map((one) => one.media.hash) : []));
  if (hashes.length === 0) return rows;
  const known = await transcriptsOf(db, [...new Set(hashes)]);
  return rows.map((row) => (row.content.type === 'user' && row.content.attachments.some(isSpoken) ? { ...row, content: { ...row.content, attachments: row.content.attachments.map((one) => spoken(one, known, speech)) } } : row));
}

/** What `read` finds: attachments of this session's own messages. */
export async function sessionMedia(db: Db, session: string, prefix: string, speech: Speech): Promise<readonly Stored[]> {
  const found = await attachmentsOf(db, session, prefix);
  const known = await transcriptsOf(db, found.filter(isSpoken).map((one) => one.media.hash));
  return found.map((one) => spoken(one, known, speech));
}

function spoken<A extends Attachment>(a: A, known: ReadonlyMap<string, Transcript>, speech: Speech): A {
  if (!isSpoken(a) || a.transcript !== undefined) return a;
  const { text, problem } = known.get(a.media.hash) ?? {};
  if (text !== undefined) return { ...a, transcript: text };
  const why = speech.models.length === 0 ? NOT_CONFIGURED : problem;
  return why === undefined ? a : { ...a, transcriptProblem: why };
}
