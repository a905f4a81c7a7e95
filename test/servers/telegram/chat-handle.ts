/** A chat in the hands of a test: its id, its topics, what its people can do to it. */
import type { Chat, User } from '@grammyjs/types';

import type { Updates } from './updates.js';
import { type ChatRecord, type World, addChat, addMessage, now, takeMessageId } from './world.js';

export interface ChatHandle {
  readonly id: number;
  readonly chat: Chat;
  /** Opens a topic; the number is the `message_thread_id`. */
  topic(name: string): number;
  closeTopic(id: number): void;
  deleteTopic(id: number): void;
  /** A small group becomes a supergroup: another id; the old one only says where it went. */
  upgrade(): ChatHandle;
  kickBot(): void;
  addBot(): void;
  join(person: { readonly user: User }, status?: string): void;
  leave(person: { readonly user: User }): void;
}

export interface ChatDeps {
  readonly world: World;
  readonly updates: Updates;
}

export function createChatHandle(deps: ChatDeps, record: ChatRecord): ChatHandle {
  const { world, updates } = deps;
  const botChanged = (status: ChatRecord['bot'], by: User): void => {
    const old = record.bot;
    record.bot = status;
    updates.push({ my_chat_member: { chat: record.chat, from: by, date: now(), old_chat_member: memberOf(world.bot, old), new_chat_member: memberOf(world.bot, status) } });
    world.changed();
  };
  const anyone = (): User => world.users.get([...record.members.keys()][0] ?? record.chat.id)?.user ?? world.bot;
  return {
    id: record.chat.id,
    chat: record.chat,
    topic(name) {
      if (record.chat.type !== 'private' && record.chat.is_forum !== true) throw new Error('not a forum: topics need `forum: true`');
      const id = takeMessageId(world, record);
      record.topics.set(id, { id, name, closed: false });
      return id;
    },
    closeTopic(id) {
      const topic = record.topics.get(id);
      if (topic) topic.closed = true;
    },
    deleteTopic: (id) => void record.topics.delete(id),
    upgrade() {
      if (record.chat.type !== 'group') throw new Error('only a small group can be upgraded');
      const next = addChat(world, { id: -1_002_000_000_000 - world.nextId++, type: 'supergroup', title: record.chat.title });
      for (const [id, status] of record.members) next.members.set(id, status);
      next.bot = record.bot;
      const by = anyone();
      updates.batch(() => {
        updates.push({ message: addMessage(world, record, by, { migrate_to_chat_id: next.chat.id }) as never });
        updates.push({ message: addMessage(world, next, by, { migrate_from_chat_id: record.chat.id }) as never });
      });
      record.migratedTo = next.chat.id;
      return createChatHandle(deps, next);
    },
    kickBot: () => botChanged('kicked', anyone()),
    addBot: () => botChanged('member', anyone()),
    join(person, status = 'member') {
      record.members.set(person.user.id, status);
      updates.push({ message: addMessage(world, record, person.user, { new_chat_members: [person.user] }) as never });
    },
    leave(person) {
      record.members.delete(person.user.id);
      updates.push({ message: addMessage(world, record, person.user, { left_chat_member: person.user }) as never });
    },
  };
}

export const memberOf = (user: User, status: string): never => ({ user, status: status === 'kicked' ? 'kicked' : status, ...(status === 'kicked' ? { until_date: 0 } : {}) }) as never;
