/** Questions to the owner, the ledger of budgets, and what a person must be told. Released: never changed. */
import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

export const underFire: Migration = {
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

