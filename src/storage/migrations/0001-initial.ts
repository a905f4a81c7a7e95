/** The first tables: sessions, messages, transcript, claims, usage. Released: never changed. */
import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

export const initial: Migration = {
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

