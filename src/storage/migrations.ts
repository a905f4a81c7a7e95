/**
 * The schema, step by step. A released step never changes; a new one is appended.
 * Only SQL that both engines know: types `text`, `bigint`, `double precision`.
 */
import type { Kysely } from 'kysely';
import { type Migration, type MigrationProvider, Migrator } from 'kysely/migration';
import { CodedError, messageOf } from '../core/errors.js';
import { enterMedia } from './entered.js';
import { createSearchIndex } from './search.js';
import type { Tables } from './tables.js';

const initial: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    const { schema } = db;
    await schema.createTable('meta')
      .addColumn('name', 'text', (c) => c.primaryKey())
      .addColumn('value', 'text', (c) => c.notNull())
      .execute();
    await schema.createTable('sessions')
      .addColumn('key', 'text', (c) => c.primaryKey())
      .addColumn('agent', 'text', (c) => c.notNull())
      .addColumn('conversation', 'text', (c) => c.notNull())
      .addColumn('generation', 'bigint', (c) => c.notNull())
      .addColumn('chain', 'text', (c) => c.notNull())
      .addColumn('label', 'text')
      .addColumn('channel', 'text', (c) => c.notNull())
      .addColumn('created_at', 'bigint', (c) => c.notNull())
      .addColumn('updated_at', 'bigint', (c) => c.notNull())
      .execute();
    await schema.createTable('generations')
      .addColumn('session', 'text', (c) => c.notNull())
      .addColumn('chain', 'text', (c) => c.notNull())
      .addColumn('generation', 'bigint', (c) => c.notNull())
      .addColumn('taken_at', 'bigint', (c) => c.notNull())
      .addPrimaryKeyConstraint('generations_pk', ['session', 'chain'])
      .execute();
    await schema.createTable('inbound')
      .addColumn('id', 'text', (c) => c.primaryKey())
      .addColumn('message_key', 'text', (c) => c.notNull().unique())
      .addColumn('run', 'text', (c) => c.notNull().unique())
      .addColumn('run_id', 'text', (c) => c.notNull())
      .addColumn('session', 'text', (c) => c.notNull())
      .addColumn('principal', 'text', (c) => c.notNull())
      .addColumn('role', 'text', (c) => c.notNull())
      .addColumn('rights', 'text', (c) => c.notNull())
      .addColumn('channel', 'text', (c) => c.notNull())
      .addColumn('mode', 'text', (c) => c.notNull())
      .addColumn('priority', 'bigint', (c) => c.notNull())
      .addColumn('state', 'text', (c) => c.notNull())
      .addColumn('payload_hash', 'text', (c) => c.notNull())
      .addColumn('message', 'text', (c) => c.notNull())
      .addColumn('request', 'text', (c) => c.notNull())
      .addColumn('outcome', 'text')
      .addColumn('merged_into', 'text')
      .addColumn('reason', 'text')
      .addColumn('accepted_at', 'bigint', (c) => c.notNull())
      .addColumn('signalled_at', 'bigint')
      .addColumn('taken_at', 'bigint')
      .addColumn('ended_at', 'bigint')
      // A client's key means one message per principal, whatever the session.
      .addUniqueConstraint('inbound_run_of_principal', ['principal', 'run_id'])
      .execute();
    await schema.createIndex('inbound_open').on('inbound').columns(['session', 'state', 'accepted_at']).execute();
    await schema.createIndex('inbound_state').on('inbound').columns(['state', 'accepted_at']).execute();
    await schema.createIndex('inbound_session').on('inbound').columns(['session', 'accepted_at', 'id']).execute();
    await schema.createIndex('inbound_accepted').on('inbound').columns(['accepted_at', 'id']).execute();
    await schema.createIndex('inbound_run_id').on('inbound').columns(['run_id', 'accepted_at']).execute();
    await schema.createIndex('inbound_ended').on('inbound').columns(['ended_at', 'id']).execute();
    await schema.createTable('rights')
      .addColumn('id', 'text', (c) => c.primaryKey())
      .addColumn('rights', 'text', (c) => c.notNull())
      .execute();
    await schema.createTable('transcript')
      .addColumn('session', 'text', (c) => c.notNull())
      .addColumn('seq', 'bigint', (c) => c.notNull())
      .addColumn('conversation', 'text', (c) => c.notNull())
      .addColumn('run', 'text', (c) => c.notNull())
      .addColumn('step', 'bigint', (c) => c.notNull())
      .addColumn('kind', 'text', (c) => c.notNull())
      .addColumn('generation', 'bigint', (c) => c.notNull())
      .addColumn('content', 'text', (c) => c.notNull())
      .addColumn('created_at', 'bigint', (c) => c.notNull())
      .addPrimaryKeyConstraint('transcript_pk', ['session', 'seq'])
      .execute();
    await schema.createIndex('transcript_run').on('transcript').columns(['run', 'seq']).execute();
    await schema.createIndex('transcript_conversation').on('transcript').columns(['session', 'conversation', 'seq']).execute();
    await schema.createTable('drafts')
      .addColumn('id', 'text', (c) => c.primaryKey())
      .addColumn('session', 'text', (c) => c.notNull())
      .addColumn('run', 'text', (c) => c.notNull())
      .addColumn('step', 'bigint', (c) => c.notNull())
      .addColumn('text', 'text', (c) => c.notNull())
      .addColumn('created_at', 'bigint', (c) => c.notNull())
      .execute();
    await schema.createTable('claims')
      .addColumn('key', 'text', (c) => c.primaryKey())
      .addColumn('session', 'text', (c) => c.notNull())
      .addColumn('generation', 'bigint', (c) => c.notNull())
      .addColumn('state', 'text', (c) => c.notNull())
      .addColumn('owner_pid', 'bigint', (c) => c.notNull())
      .addColumn('owner_start', 'text', (c) => c.notNull())
      .addColumn('owner_boot', 'text', (c) => c.notNull())
      .addColumn('facts', 'text')
      .addColumn('result', 'text')
      .addColumn('begun_at', 'bigint', (c) => c.notNull())
      .addColumn('ended_at', 'bigint')
      .execute();
    await schema.createTable('usage')
      .addColumn('id', 'text', (c) => c.primaryKey())
      .addColumn('session', 'text', (c) => c.notNull())
      .addColumn('run', 'text', (c) => c.notNull())
      .addColumn('step', 'bigint', (c) => c.notNull())
      .addColumn('attempt', 'bigint', (c) => c.notNull())
      .addColumn('provider', 'text', (c) => c.notNull())
      .addColumn('model', 'text', (c) => c.notNull())
      .addColumn('input', 'bigint', (c) => c.notNull())
      .addColumn('output', 'bigint', (c) => c.notNull())
      .addColumn('cache_read', 'bigint', (c) => c.notNull())
      .addColumn('cache_write', 'bigint', (c) => c.notNull())
      .addColumn('cost_usd', 'double precision')
      .addColumn('outcome', 'text', (c) => c.notNull())
      .addColumn('started_at', 'bigint', (c) => c.notNull())
      .addColumn('ended_at', 'bigint', (c) => c.notNull())
      .execute();
    await schema.createIndex('usage_run').on('usage').columns(['run', 'started_at']).execute();
    // With the token counts in it, the sums of a session are read from the index alone.
    await schema.createIndex('usage_session').on('usage').columns(['session', 'started_at', 'input', 'output', 'cache_read', 'cache_write']).execute();
    await schema.createTable('tool_attempts')
      .addColumn('id', 'text', (c) => c.primaryKey())
      .addColumn('session', 'text', (c) => c.notNull())
      .addColumn('run', 'text', (c) => c.notNull())
      .addColumn('step', 'bigint', (c) => c.notNull())
      .addColumn('call_index', 'bigint', (c) => c.notNull())
      .addColumn('attempt', 'bigint', (c) => c.notNull())
      .addColumn('tool', 'text', (c) => c.notNull())
      .addColumn('outcome', 'text', (c) => c.notNull())
      .addColumn('started_at', 'bigint', (c) => c.notNull())
      .addColumn('ended_at', 'bigint', (c) => c.notNull())
      .execute();
    await schema.createIndex('tool_attempts_run').on('tool_attempts').columns(['run', 'started_at']).execute();
    await schema.createTable('media')
      .addColumn('hash', 'text', (c) => c.primaryKey())
      .addColumn('mime', 'text', (c) => c.notNull())
      .addColumn('size', 'bigint', (c) => c.notNull())
      .addColumn('created_at', 'bigint', (c) => c.notNull())
      .execute();
  },
};

/** Questions to the owner, the ledger of budgets, and what a person must be told. */
const underFire: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    const { schema } = db;
    await schema.createTable('approvals')
      .addColumn('id', 'text', (c) => c.primaryKey())
      .addColumn('call_key', 'text', (c) => c.unique())
      .addColumn('agent', 'text', (c) => c.notNull())
      .addColumn('session', 'text')
      .addColumn('run', 'text')
      .addColumn('run_id', 'text')
      .addColumn('step', 'bigint')
      .addColumn('call_index', 'bigint')
      .addColumn('call_seq', 'bigint')
      .addColumn('request', 'text', (c) => c.notNull())
      .addColumn('state', 'text', (c) => c.notNull())
      .addColumn('decision', 'text')
      .addColumn('decided_by', 'text')
      .addColumn('reason', 'text')
      .addColumn('created_at', 'bigint', (c) => c.notNull())
      .addColumn('expires_at', 'bigint')
      .addColumn('decided_at', 'bigint')
      .addColumn('handed_on_at', 'bigint')
      .addColumn('signalled_at', 'bigint')
      .addColumn('settled_at', 'bigint')
      .addColumn('updated_at', 'bigint', (c) => c.notNull())
      .execute();
    await schema.createIndex('approvals_state').on('approvals').columns(['state', 'created_at']).execute();
    await schema.createIndex('approvals_run').on('approvals').columns(['run', 'created_at']).execute();
    await schema.createIndex('approvals_updated').on('approvals').columns(['updated_at', 'id']).execute();
    await schema.createTable('grants')
      .addColumn('id', 'text', (c) => c.primaryKey())
      .addColumn('agent', 'text', (c) => c.notNull())
      .addColumn('request_hash', 'text', (c) => c.notNull())
      .addColumn('request', 'text', (c) => c.notNull())
      .addColumn('approval', 'text', (c) => c.notNull())
      .addColumn('granted_by', 'text', (c) => c.notNull())
      .addColumn('created_at', 'bigint', (c) => c.notNull())
      .addUniqueConstraint('grants_request', ['agent', 'request_hash'])
      .execute();
    await schema.createTable('ledger')
      .addColumn('line', 'text', (c) => c.primaryKey())
      .addColumn('tokens', 'bigint', (c) => c.notNull())
      .addColumn('usd', 'double precision', (c) => c.notNull())
      .addColumn('held_tokens', 'bigint', (c) => c.notNull())
      .addColumn('held_usd', 'double precision', (c) => c.notNull())
      .addColumn('extra_tokens', 'bigint', (c) => c.notNull())
      .addColumn('extra_usd', 'double precision', (c) => c.notNull())
      .addColumn('updated_at', 'bigint', (c) => c.notNull())
      .execute();
    await schema.createTable('reservations')
      .addColumn('id', 'text', (c) => c.primaryKey())
      .addColumn('session', 'text', (c) => c.notNull())
      .addColumn('run', 'text', (c) => c.notNull())
      .addColumn('step', 'bigint', (c) => c.notNull())
      .addColumn('attempt', 'bigint', (c) => c.notNull())
      .addColumn('agent', 'text', (c) => c.notNull())
      .addColumn('day', 'text', (c) => c.notNull())
      .addColumn('provider', 'text', (c) => c.notNull())
      .addColumn('model', 'text', (c) => c.notNull())
      .addColumn('input', 'bigint', (c) => c.notNull())
      .addColumn('output', 'bigint', (c) => c.notNull())
      .addColumn('usd', 'double precision', (c) => c.notNull())
      .addColumn('state', 'text', (c) => c.notNull())
      .addColumn('owner_pid', 'bigint', (c) => c.notNull())
      .addColumn('owner_start', 'text', (c) => c.notNull())
      .addColumn('owner_boot', 'text', (c) => c.notNull())
      .addColumn('reserved_at', 'bigint', (c) => c.notNull())
      .addColumn('settled_at', 'bigint')
      .execute();
    await schema.createIndex('reservations_state').on('reservations').columns(['state', 'run', 'step']).execute();
    await schema.createTable('budget_questions')
      .addColumn('id', 'text', (c) => c.primaryKey())
      .addColumn('line', 'text', (c) => c.notNull())
      .addColumn('scope', 'text', (c) => c.notNull())
      .addColumn('unit', 'text', (c) => c.notNull())
      .addColumn('limit_value', 'double precision', (c) => c.notNull())
      .addColumn('spent_value', 'double precision', (c) => c.notNull())
      .addColumn('state', 'text', (c) => c.notNull())
      .addColumn('answered_by', 'text')
      .addColumn('created_at', 'bigint', (c) => c.notNull())
      .addColumn('answered_at', 'bigint')
      .addColumn('updated_at', 'bigint', (c) => c.notNull())
      .execute();
    await schema.createIndex('budget_questions_line').on('budget_questions').columns(['line', 'state']).execute();
    await schema.createIndex('budget_questions_updated').on('budget_questions').columns(['updated_at', 'id']).execute();
    await schema.createTable('budget_waits')
      .addColumn('question', 'text', (c) => c.notNull())
      .addColumn('run', 'text', (c) => c.notNull())
      .addColumn('run_id', 'text', (c) => c.notNull())
      .addColumn('session', 'text', (c) => c.notNull())
      .addColumn('since', 'bigint', (c) => c.notNull())
      .addColumn('until', 'bigint')
      .addPrimaryKeyConstraint('budget_waits_pk', ['question', 'run'])
      .execute();
    await schema.createIndex('budget_waits_run').on('budget_waits').columns(['run']).execute();
    await schema.createTable('notices')
      .addColumn('key', 'text', (c) => c.primaryKey())
      .addColumn('level', 'text', (c) => c.notNull())
      .addColumn('text', 'text', (c) => c.notNull())
      .addColumn('hint', 'text')
      .addColumn('times', 'bigint', (c) => c.notNull())
      .addColumn('first_at', 'bigint', (c) => c.notNull())
      .addColumn('last_at', 'bigint', (c) => c.notNull())
      .addColumn('resolved_at', 'bigint')
      .execute();
    await schema.createIndex('notices_last').on('notices').columns(['last_at', 'key']).execute();
    await schema.createIndex('usage_started').on('usage').columns(['started_at']).execute();
  },
};

/** People, their messengers, and what is sent to them. */
const channels: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    const { schema } = db;
    await schema.alterTable('inbound').addColumn('rules', 'text').execute();
    await schema.createIndex('inbound_merged').on('inbound').columns(['merged_into']).execute();
    await schema.createTable('contacts')
      .addColumn('id', 'text', (c) => c.primaryKey())
      .addColumn('name', 'text', (c) => c.notNull())
      .addColumn('role', 'text', (c) => c.notNull())
      .addColumn('blocked', 'bigint', (c) => c.notNull())
      .addColumn('created_at', 'bigint', (c) => c.notNull())
      .addColumn('updated_at', 'bigint', (c) => c.notNull())
      .execute();
    await schema.createTable('identities')
      .addColumn('channel', 'text', (c) => c.notNull())
      .addColumn('account', 'text', (c) => c.notNull())
      .addColumn('sender', 'text', (c) => c.notNull())
      .addColumn('contact', 'text', (c) => c.notNull())
      .addColumn('home', 'text', (c) => c.notNull())
      .addColumn('state', 'text', (c) => c.notNull())
      .addColumn('name', 'text')
      .addColumn('username', 'text')
      .addColumn('direct', 'text')
      .addColumn('approved_by', 'text')
      .addColumn('created_at', 'bigint', (c) => c.notNull())
      .addColumn('updated_at', 'bigint', (c) => c.notNull())
      .addPrimaryKeyConstraint('identities_pk', ['channel', 'account', 'sender'])
      .execute();
    await schema.createIndex('identities_contact').on('identities').columns(['contact']).execute();
    await schema.createTable('aliases')
      .addColumn('session', 'text', (c) => c.primaryKey())
      .addColumn('primary_session', 'text', (c) => c.notNull())
      .addColumn('contact', 'text', (c) => c.notNull())
      .addColumn('state', 'text', (c) => c.notNull())
      .addColumn('created_at', 'bigint', (c) => c.notNull())
      .addColumn('flipped_at', 'bigint')
      .addColumn('told_at', 'bigint')
      .execute();
    await schema.createIndex('aliases_primary').on('aliases').columns(['primary_session']).execute();
    await schema.createTable('link_codes')
      .addColumn('code', 'text', (c) => c.primaryKey())
      .addColumn('contact', 'text', (c) => c.notNull())
      .addColumn('expires_at', 'bigint', (c) => c.notNull())
      .addColumn('used_at', 'bigint')
      .execute();
    await schema.createTable('pairing')
      .addColumn('channel', 'text', (c) => c.notNull())
      .addColumn('account', 'text', (c) => c.notNull())
      .addColumn('sender', 'text', (c) => c.notNull())
      .addColumn('code', 'text', (c) => c.notNull())
      .addColumn('state', 'text', (c) => c.notNull())
      .addColumn('name', 'text')
      .addColumn('username', 'text')
      .addColumn('conversation', 'text', (c) => c.notNull())
      .addColumn('requested_at', 'bigint', (c) => c.notNull())
      .addColumn('expires_at', 'bigint', (c) => c.notNull())
      .addColumn('decided_at', 'bigint')
      .addColumn('decided_by', 'text')
      .addColumn('contact', 'text')
      .addColumn('settled_at', 'bigint')
      .addPrimaryKeyConstraint('pairing_pk', ['channel', 'account', 'sender'])
      .execute();
    await schema.createIndex('pairing_state').on('pairing').columns(['state', 'channel', 'account']).execute();
    await schema.createTable('routes')
      .addColumn('session', 'text', (c) => c.primaryKey())
      .addColumn('address', 'text', (c) => c.notNull())
      .addColumn('updated_at', 'bigint', (c) => c.notNull())
      .execute();
    await schema.createTable('overheard')
      .addColumn('id', 'text', (c) => c.primaryKey())
      .addColumn('session', 'text', (c) => c.notNull())
      .addColumn('sender', 'text', (c) => c.notNull())
      .addColumn('text', 'text', (c) => c.notNull())
      .addColumn('at', 'bigint', (c) => c.notNull())
      .execute();
    await schema.createIndex('overheard_session').on('overheard').columns(['session', 'at']).execute();
    await schema.createTable('session_settings')
      .addColumn('session', 'text', (c) => c.primaryKey())
      .addColumn('settings', 'text', (c) => c.notNull())
      .addColumn('updated_at', 'bigint', (c) => c.notNull())
      .execute();
    await schema.createTable('deliveries')
      .addColumn('id', 'text', (c) => c.primaryKey())
      .addColumn('channel', 'text', (c) => c.notNull())
      .addColumn('account', 'text', (c) => c.notNull())
      .addColumn('line', 'text', (c) => c.notNull())
      .addColumn('position', 'bigint', (c) => c.notNull())
      .addColumn('address', 'text', (c) => c.notNull())
      .addColumn('kind', 'text', (c) => c.notNull())
      .addColumn('source', 'text', (c) => c.notNull())
      .addColumn('attachments', 'text')
      .addColumn('buttons', 'text')
      .addColumn('reply_to', 'text')
      .addColumn('session', 'text')
      .addColumn('run', 'text')
      .addColumn('state', 'text', (c) => c.notNull())
      .addColumn('reason', 'text')
      .addColumn('created_at', 'bigint', (c) => c.notNull())
      .addColumn('updated_at', 'bigint', (c) => c.notNull())
      .addColumn('ended_at', 'bigint')
      .execute();
    await schema.createIndex('deliveries_line').on('deliveries').columns(['channel', 'account', 'line', 'position']).execute();
    await schema.createIndex('deliveries_state').on('deliveries').columns(['state', 'created_at']).execute();
    await schema.createIndex('deliveries_run').on('deliveries').columns(['run']).execute();
    await schema.createTable('delivery_parts')
      .addColumn('delivery', 'text', (c) => c.notNull())
      .addColumn('n', 'bigint', (c) => c.notNull())
      .addColumn('part', 'text', (c) => c.notNull())
      .addColumn('hash', 'text', (c) => c.notNull())
      .addColumn('state', 'text', (c) => c.notNull())
      .addColumn('platform_ids', 'text')
      .addColumn('repeated', 'bigint', (c) => c.notNull())
      .addColumn('begun_at', 'bigint')
      .addColumn('sent_at', 'bigint')
      .addPrimaryKeyConstraint('delivery_parts_pk', ['delivery', 'n'])
      .execute();
    await schema.createTable('transcripts')
      .addColumn('hash', 'text', (c) => c.primaryKey())
      .addColumn('text', 'text')
      .addColumn('problem', 'text')
      .addColumn('provider', 'text', (c) => c.notNull())
      .addColumn('model', 'text', (c) => c.notNull())
      .addColumn('language', 'text')
      .addColumn('created_at', 'bigint', (c) => c.notNull())
      .execute();
    await schema.alterTable('budget_questions').addColumn('needed_value', 'double precision').execute();
    for (const column of ['floor', 'erase_before', 'deleted_at']) await schema.alterTable('sessions').addColumn(column, 'bigint').execute();
    await schema.alterTable('inbound').addColumn('erased_at', 'bigint').execute();
    await schema.alterTable('media').addColumn('used_at', 'bigint').execute();
    await schema.createIndex('deliveries_session').on('deliveries').columns(['session', 'created_at']).execute();
    await schema.createIndex('drafts_session').on('drafts').columns(['session', 'run']).execute();
    await schema.createTable('media_uses')
      .addColumn('source', 'text', (c) => c.notNull())
      .addColumn('hash', 'text', (c) => c.notNull())
      .addPrimaryKeyConstraint('media_uses_pk', ['source', 'hash'])
      .execute();
    await schema.createIndex('media_uses_hash').on('media_uses').columns(['hash']).execute();
    await createSearchIndex(db as Kysely<Tables>);
    await enterMedia(db as Kysely<Tables>);
  },
};

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
