/**
 * The schema, step by step. A released step never changes; a new one is appended.
 * Only SQL that both engines know: types `text`, `bigint`, `double precision`.
 */
import type { Kysely } from 'kysely';
import { type Migration, type MigrationProvider, Migrator } from 'kysely/migration';
import { CodedError, messageOf } from '../../core/errors.js';
import { initial } from './0001-initial.js';
import { underFire } from './0002-under-fire.js';
import { channels } from './0003-channels.js';

const MIGRATIONS: Readonly<Record<string, Migration>> = { '0001_initial': initial, '0002_under_fire': underFire, '0003_channels': channels };

const provider: MigrationProvider = { getMigrations: () => Promise.resolve({ ...MIGRATIONS }) };

/** @throws CodedError STORE_MIGRATION_FAILED, also for a store that a newer version wrote */
export async function migrate<T>(db: Kysely<T>): Promise<void> {
  const { error } = await new Migrator({ db, provider }).migrateToLatest();
  if (error !== undefined) {
    throw new CodedError(
      'STORE_MIGRATION_FAILED',
      `the store could not be brought to this version: ${messageOf(error)}`,
      'A newer version may have written it: install that version, or point OPENCLAW_STATE_DIR elsewhere.',
    );
  }
}
