/**
 * The words of what was said, searchable: who writes or deletes transcript rows enters them here in the same transaction.
 * SQLite's own (FTS5, without a copy of the text); another engine replaces this file. Newest first: a page then costs what
 * it shows, however much matches.
 */
import { createHash } from 'node:crypto';
import { type Kysely, sql } from 'kysely';
import type { RowContent } from '../core/transcript.js';
import type { Tx } from './fence.js';
import type { Db } from './sqlite.js';
import type { Tables } from './tables.js';

/** From so many letters on, a word that is looked for may be the beginning of one: a shorter one begins too many. */
const PREFIX = 3;

/** With the rows that are there already. */
export async function createSearchIndex(db: Kysely<Tables>): Promise<void> {
  await sql`create table search_rows (id integer primary key, session text not null, seq bigint not null, unique (session, seq))`.execute(db);
  await sql`create virtual table search_index using fts5(words, place, content='', contentless_delete=1, prefix='${sql.raw(String(PREFIX))}', tokenize='unicode61 remove_diacritics 2')`.execute(db);
  await sql`insert into search_rows (session, seq) select session, seq from transcript where kind in ('user', 'assistant', 'aborted') order by created_at, session, seq`.execute(db);
  for (let after = 0; ; ) {
    const rows = await db
      .selectFrom('search_rows')
      .innerJoin('transcript', (join) => join.onRef('transcript.session', '=', 'search_rows.session').onRef('transcript.seq', '=', 'search_rows.seq'))
      .select(['id', 'search_rows.session as session', 'content'])
      .where('id', '>', after)
      .orderBy('id')
      .limit(PAGE)
      .execute();
    for (const { id, session, content } of rows) await writeWords(db, id, session, saidIn(JSON.parse(content) as RowContent));
    const last = rows.at(-1);
    if (!last) return;
    after = last.id;
  }
}

/** As many as memory holds without notice, whatever they contain. */
const PAGE = 200;

/** A longer text is a pasted file: its beginning is found. */
const INDEXED_CHARS = 200_000;

/** Scripts that write no spaces between words. */
const UNSPACED = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u;
const segmenter = new Intl.Segmenter('und', { granularity: 'word' });

/** A text as the index reads it: the same for what is stored and what is looked for. */
export function spaced(text: string): string {
  const plain = text.slice(0, INDEXED_CHARS).normalize('NFC');
  return UNSPACED.test(plain) ? Array.from(segmenter.segment(plain), ({ segment }) => segment).join(' ') : plain;
}

/** A session as one word. */
const placeWord = (session: string): string => createHash('sha256').update(session).digest('hex').slice(0, 24);

/** What people and the agent said; results of tools are no conversation. */
const saidIn = (content: RowContent): string => (content.type === 'user' || content.type === 'assistant' || content.type === 'aborted' ? content.text : '');

const writeWords = (db: Tx | Kysely<Tables>, id: number, session: string, text: string): Promise<unknown> => sql`insert into search_index (rowid, words, place) values (${id}, ${spaced(text)}, ${placeWord(session)})`.execute(db);

export async function enterWords(tx: Tx, session: string, seq: number, content: RowContent): Promise<void> {
  const text = saidIn(content);
  if (text.trim() === '') return;
  const row = await tx.insertInto('search_rows').values({ session, seq }).onConflict((c) => c.columns(['session', 'seq']).doNothing()).returning('id').executeTakeFirst();
  if (row) await writeWords(tx, row.id, session, text);
}

/** Rows of a session from one seq to another, both included. */
export async function removeWords(tx: Tx, session: string, from: number, to: number): Promise<void> {
  const rows = await tx.deleteFrom('search_rows').where('session', '=', session).where('seq', '>=', from).where('seq', '<=', to).returning('id').execute();
  if (rows.length === 0) return;
  // A part of the index is written anew, without what was deleted, when nearly all of it was: at the usual 10 % each few
  // batches of a deletion cost a second (measured on 100,000 rows; so the longest takes 0.3 s, once).
  await sql`insert into search_index (search_index, rank) values ('deletemerge', 90)`.execute(tx);
  const left = await tx.selectFrom('search_rows').select('id').limit(1).executeTakeFirst();
  if (left) await sql`delete from search_index where rowid in (${sql.join(rows.map(({ id }) => id))})`.execute(tx);
  else await sql`insert into search_index (search_index) values ('delete-all')`.execute(tx);
}

export interface SearchQuery {
  /** Every word of it must occur; one of three letters and more may also be the beginning of a word that does. */
  readonly text: string;
  /** Only in these. */
  readonly sessions?: readonly string[];
  readonly limit: number;
}

export interface SearchHit {
  readonly session: string;
  readonly conversation: string;
  readonly seq: number;
  readonly by: 'user' | 'assistant';
  /** Epoch milliseconds. */
  readonly at: number;
  /** The place where it was found. */
  readonly snippet: string;
}

/** Newest first. @returns nothing for a text without words */
export async function searchTranscript(db: Db, { text, sessions, limit }: SearchQuery): Promise<{ readonly hits: readonly SearchHit[]; readonly more: boolean }> {
  const words = spaced(text).split(/\s+/).filter((word) => /[\p{L}\p{N}]/u.test(word));
  if (words.length === 0 || sessions?.length === 0) return { hits: [], more: false };
  const quoted = (word: string): string => `"${word.replaceAll('"', '""')}"`;
  const wanted = (word: string): string => (word.length >= PREFIX || UNSPACED.test(word) ? `${quoted(word)}*` : quoted(word));
  const match = [`{words} : (${words.map(wanted).join(' AND ')})`, ...(sessions ? [`{place} : (${sessions.map((key) => quoted(placeWord(key))).join(' OR ')})`] : [])].join(' AND ');
  const { rows } = await sql<{ readonly session: string; readonly seq: number; readonly conversation: string; readonly created_at: number; readonly content: string }>`
    select r.session, r.seq, t.conversation, t.created_at, t.content
    from (select rowid as id from search_index where search_index match ${match} order by rowid desc limit ${limit + 1}) as found
    join search_rows as r on r.id = found.id
    join transcript as t on t.session = r.session and t.seq = r.seq
    order by found.id desc`.execute(db);
  const hits = rows.slice(0, limit).map((row): SearchHit => {
    const content = JSON.parse(row.content) as RowContent;
    return {
      session: row.session, conversation: row.conversation, seq: Number(row.seq), by: content.type === 'user' ? 'user' : 'assistant', at: Number(row.created_at),
      snippet: around(saidIn(content), words),
    };
  });
  return { hits, more: rows.length > limit };
}

/** Characters of a snippet, and of them before the first word that was looked for. */
const SNIPPET = 240;
const BEFORE = 60;

function around(text: string, words: readonly string[]): string {
  const lower = text.toLowerCase();
  const places = words.map((word) => lower.indexOf(word.toLowerCase())).filter((at) => at !== -1);
  const start = Math.max(0, Math.min(...(places.length === 0 ? [0] : places)) - BEFORE);
  const cut = text.slice(start, start + SNIPPET).replace(/^[\udc00-\udfff]/, '').replace(/[\ud800-\udbff]$/, '').replace(/\s+/g, ' ').trim();
  return `${start > 0 ? '…' : ''}${cut}${start + SNIPPET < text.length ? '…' : ''}`;
}
