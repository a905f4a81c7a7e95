/**
 * What was heard in recordings, by the hash of their content.
 * Invariant: a text that was paid for is never replaced; a problem is, by the next attempt.
 */
import type { Tx } from './fence.js';
import type { Db } from './sqlite.js';

export interface Transcript {
  readonly hash: string;
  /** Absent: it could not be transcribed so far. */
  readonly text?: string;
  /** Why not. */
  readonly problem?: string;
  readonly provider: string;
  readonly model: string;
  readonly language?: string;
}

/** @param found its `text` or its `problem` */
export async function saveTranscript(db: Db | Tx, found: Transcript): Promise<void> {
  const row = { text: found.text ?? null, problem: found.problem ?? null, provider: found.provider, model: found.model, language: found.language ?? null, created_at: Date.now() };
  await db.insertInto('transcripts').values({ hash: found.hash, ...row }).onConflict((c) => c.column('hash').doUpdateSet(row).where('transcripts.text', 'is', null)).execute();
}

export async function transcriptsOf(db: Db | Tx, hashes: readonly string[]): Promise<ReadonlyMap<string, Transcript>> {
  if (hashes.length === 0) return new Map();
  const rows = await db.selectFrom('transcripts').selectAll().where('hash', 'in', hashes).execute();
  return new Map(
    rows.map((row) => [
      row.hash,
      {
        hash: row.hash, provider: row.provider, model: row.model,
        ...(row.text === null ? {} : { text: row.text }),
        ...(row.problem === null ? {} : { problem: row.problem }),
        ...(row.language === null ? {} : { language: row.language }),
      },
    ]),
  );
}
