/** People, their messengers, and what is sent to them. */
import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';
import { enterMedia } from '../entered.js';
import { createSearchIndex } from '../search.js';
import type { Tables } from '../tables.js';

export const channels: Migration = {
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
