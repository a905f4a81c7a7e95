/** The words of what was said: found in every script, kept in step with the rows, also with rows from before. */
import { join } from 'node:path';
import BetterSqlite from 'better-sqlite3';
import { expect, it } from 'vitest';
import type { RowContent } from '../../src/core/transcript.js';
import { searchTranscript } from '../../src/storage/search.js';
import { type Db, openStore } from '../../src/storage/sqlite.js';
import { appendRows } from '../../src/storage/transcript.js';
import { SESSION, answerContent, makeFolder, makeStore, openSession, userRow } from './store.js';

const said = (text: string): RowContent => ({ type: 'user', text, sender: { id: 'owner' }, attachments: [] });

async function write(db: Db, session: string, ...contents: readonly RowContent[]): Promise<void> {
  const fence = await openSession(db, session, `chain of ${session}`);
  await db.transaction().execute((tx) => appendRows(tx, fence, contents.map((content, i) => ({ ...userRow(i + 1), kind: content.type === 'user' ? 'user' : content.type === 'tool' ? 'tool.0' : 'assistant', content }))));
}
const find = async (db: Db, text: string, over: { readonly sessions?: readonly string[]; readonly limit?: number } = {}): Promise<string[]> =>
  (await searchTranscript(db, { text, limit: 10, ...over })).hits.map(({ session, seq }) => `${session.split(':').at(-1)} ${seq}`);

it('what was said by anybody is found by its words, newest first; results of tools are not', async () => {
  const { db } = await makeStore();
  await write(db, SESSION, said('Book the flight to Lisbon'), answerContent('The flight to Lisbon is booked: TP-117.'), { type: 'tool', index: 0, tool: 'exec', callId: '', isError: false, blocks: [{ type: 'text', text: 'Lisbon' }] });
  await write(db, 'agent:main:work', said('lisbon weather?'));
  expect(await find(db, 'lisbon')).toEqual(['work 1', 'main 2', 'main 1']);
  expect(await find(db, 'flight lisbon')).toEqual(['main 2', 'main 1']);
  expect(await find(db, 'lisb', { sessions: [SESSION], limit: 1 })).toEqual(['main 2']);
  expect(await find(db, 'TP-117')).toEqual(['main 2']);
  const { hits: [hit], more } = await searchTranscript(db, { text: 'flight', limit: 1 });
  expect(hit).toMatchObject({ session: SESSION, by: 'assistant', snippet: 'The flight to Lisbon is booked: TP-117.' });
  // A word of one or two letters is only itself.
  expect([await find(db, 'fl'), await find(db, 'to'), await find(db, 'fli')]).toEqual([[], ['main 2', 'main 1'], ['main 2', 'main 1']]);
  expect(more).toBe(true);
});

it('a word is found whatever its case, its accents and its script', async () => {
  const { db } = await makeStore();
  await write(db, SESSION, said('Grüße aus Köln'), said('明日は東京タワーに行きます'), said('ฉันรักประเทศไทย'), said('Привет, мир'), said('안녕하세요 세계'));
  expect(await find(db, 'GRUSSE')).toEqual([]);
  expect(await find(db, 'grüsse')).toEqual([]);
  expect(await find(db, 'koln grüße')).toEqual(['main 1']);
  expect(await find(db, '東京')).toEqual(['main 2']);
  expect(await find(db, 'ประเทศไทย')).toEqual(['main 3']);
  expect(await find(db, 'привет')).toEqual(['main 4']);
  expect(await find(db, '세계')).toEqual(['main 5']);
});

it.each(['"', '*', '(', 'AND', 'NOT x OR', '^', 'words : x', '""""', '-', '', '  ', '😀', "'; drop table sessions; --"])('%j is a text to look for, never a question of its own', async (text) => {
  const { db } = await makeStore();
  await write(db, SESSION, said('nothing of the kind'));
  expect(await find(db, text)).toEqual([]);
});

it('a long text shows the place where it was found', async () => {
  const { db } = await makeStore();
  await write(db, SESSION, said(`${'before '.repeat(200)}needle ${'after '.repeat(200)}`));
  const { hits: [hit] } = await searchTranscript(db, { text: 'needle', limit: 1 });
  expect(hit!.snippet).toMatch(/^….*needle.*…$/);
  expect(hit!.snippet.length).toBeLessThan(250);
});

it('rows from before the index was there are found, in the order of their time, and files they name are known', async () => {
  const file = join(makeFolder(), 'openclaw.db');
  const before = await openStore(file);
  await write(before, SESSION, said('old words'), answerContent(''), answerContent('more old words'));
  await write(before, 'agent:main:work', said('older words'));
  const hash = 'a'.repeat(64);
  await before.updateTable('transcript').set({ content: JSON.stringify({ ...said('old words'), attachments: [{ kind: 'image', media: { hash } }] }) }).where('session', '=', SESSION).where('seq', '=', 1).execute();
  await before.updateTable('transcript').set({ created_at: 1 }).where('session', '=', 'agent:main:work').execute();
  await before.destroy();
  // As 0.2.0 left it: what the last step made is not there.
  const raw = new BetterSqlite(file);
  const { rows, columns } = undo(raw);
  raw.close();
  expect([rows, columns]).toEqual([4, 0]);

  const db = await openStore(file);
  try {
    expect(await find(db, 'words')).toEqual(['main 3', 'main 1', 'work 1']);
    expect(await db.selectFrom('media_uses').selectAll().execute()).toEqual([{ source: `row:${SESSION}:1`, hash }]);
    const fence = await openSession(db, SESSION, `chain of ${SESSION}`);
    await db.transaction().execute((tx) => appendRows(tx, fence, [userRow(4, { content: said('new words') })]));
    expect(await find(db, 'words')).toEqual(['main 4', 'main 3', 'main 1', 'work 1']);
  } finally {
    await db.destroy();
  }
});

/** Takes the last migration back, but for what earlier ones made. */
function undo(raw: BetterSqlite.Database): { readonly rows: number; readonly columns: number } {
  raw.exec("delete from kysely_migration where name = '0003_channels'");
  const indexes = ['inbound_merged', 'deliveries_session', 'drafts_session', 'media_uses_hash', 'identities_contact', 'aliases_primary', 'pairing_state', 'overheard_session', 'deliveries_line', 'deliveries_state', 'deliveries_run'];
  for (const index of indexes) raw.exec(`drop index ${index}`);
  for (const table of ['contacts', 'identities', 'aliases', 'link_codes', 'pairing', 'routes', 'overheard', 'session_settings', 'deliveries', 'delivery_parts', 'transcripts', 'media_uses', 'search_rows', 'search_index']) raw.exec(`drop table ${table}`);
  const added = { inbound: ['rules', 'erased_at'], sessions: ['floor', 'erase_before', 'deleted_at'], media: ['used_at'], budget_questions: ['needed_value'] };
  for (const [table, names] of Object.entries(added)) for (const name of names) raw.exec(`alter table ${table} drop column ${name}`);
  const { rows } = raw.prepare('select count(*) as rows from transcript').get() as { rows: number };
  const { columns } = raw.prepare("select count(*) as columns from pragma_table_info('sessions') where name = 'floor'").get() as { columns: number };
  return { rows, columns };
}
