/**
 * Telegram's Bot API on 127.0.0.1, for tests: `const tg = await startTelegram()`, then a bot with `apiRoot: tg.url` and
 * `tg.token`; people write to it (`tg.person`, `tg.privateChat`, `ann.sends`), and `tg.sent(chat)` is what they see.
 *
 * Invariant: what Telegram refuses is refused, in its words; a call the API's types do not allow is written down in
 * `violations`. Everything can be awaited by event. The world outlives `restart`, `down` and `up`.
 */
import type { Message, User, UserFromGetMe } from '@grammyjs/types';

import { createCallLog } from './calls.js';
import { type ChatHandle, createChatHandle, memberOf } from './chat-handle.js';
import { type Call, type TelegramServer, type TelegramOptions } from './handle.js';
import { createFaults } from './faults.js';
import { createHttpSide } from './http.js';
import { type Person, createPerson } from './people.js';
import { createUpdates } from './updates.js';
import { createViews } from './views.js';
import { createWatch } from './watch.js';
import { type UserRecord, addChat, createWorld, now } from './world.js';

export type { Call, Violation } from './calls.js';
export type { ChatHandle } from './chat-handle.js';
export type { Fault, Target, When } from './faults.js';
export type { TelegramOptions, TelegramServer } from './handle.js';
export type { Button, Person, Press } from './people.js';
export { type Content, type PersonFile, TINY_PNG } from './person-content.js';

/** Above 2^31, as real ids are by now. */
const FIRST_PERSON = 6_000_000_001;

export async function startTelegram(options: TelegramOptions = {}): Promise<TelegramServer> {
  const bot = botUser(options);
  const world = createWorld(bot);
  const watch = createWatch();
  world.changed = watch.changed;
  const updates = createUpdates(options.firstUpdateId ?? 700_000_001, watch.changed);
  const log = createCallLog();
  const faults = createFaults(log.violation);
  let token = options.token ?? `${bot.id}:AAHstandin-of-telegram-for-tests-0001`;
  const http = createHttpSide({ world, updates, log, token: () => token, strike: faults.strike }, options.port);
  await http.up();

  const carriedBy = new Map<string, number>();
  const keyOf = (message: Message): string => `${message.chat.id}:${message.message_id}:${message.edit_date ?? 0}`;
  const people = { world, updates, carried: (message: Message, id: number | undefined) => void (id !== undefined && carriedBy.set(keyOf(message), id)) };
  const recordOfPerson = (person: Person): UserRecord => {
    const record = world.users.get(person.id);
    if (record === undefined) throw new Error('not a person of this server');
    return record;
  };
  const setBlocked = (person: Person, blocked: boolean): void => {
    recordOfPerson(person).blockedBot = blocked;
    const chat = world.chats.get(person.id)?.chat;
    const [before, after] = blocked ? ['member', 'kicked'] : ['kicked', 'member'];
    if (chat) updates.push({ my_chat_member: { chat, from: person.user, date: now(), old_chat_member: memberOf(bot, before ?? ''), new_chat_member: memberOf(bot, after ?? '') } });
  };
  const isConfirmed = (message: Message | number): boolean => {
    const id = typeof message === 'number' ? message : carriedBy.get(keyOf(message));
    return id !== undefined && id < updates.confirmed;
  };

  return {
    get url() {
      return `http://127.0.0.1:${http.port()}`;
    },
    get token() {
      return token;
    },
    bot,
    calls: log.calls as readonly Call[],
    violations: log.violations,
    expectNoViolations() {
      if (log.violations.length > 0) throw new Error(`calls that Telegram's API does not allow:\n${log.violations.map(({ method, what }) => `  ${method}: ${what}`).join('\n')}`);
    },

    person({ firstName = 'Ann', lastName, username, language = 'en', id } = {}) {
      const user: User = { id: id ?? FIRST_PERSON + world.users.size, is_bot: false, first_name: firstName, language_code: language, ...(lastName === undefined ? {} : { last_name: lastName }), ...(username === undefined ? {} : { username }) };
      world.users.set(user.id, { user, blockedBot: false, deactivated: false });
      return createPerson(people, user);
    },
    privateChat(person): ChatHandle {
      const { id, first_name, last_name, username } = person.user;
      const known = world.chats.get(id);
      return createChatHandle(people, known ?? addChat(world, { id, type: 'private', first_name, ...(last_name === undefined ? {} : { last_name }), ...(username === undefined ? {} : { username }) }));
    },
    group({ title = 'Group', members = [], forum = false, kind = forum ? 'supergroup' : 'group', username, botIs = 'member' } = {}): ChatHandle {
      const number = world.nextId++;
      const record = addChat(world, kind === 'group' ? { id: -4_000_000_000 - number, type: 'group', title } : { id: -1_001_000_000_000 - number, type: 'supergroup', title, ...(forum ? { is_forum: true as const } : {}), ...(username === undefined ? {} : { username }) });
      record.bot = botIs;
      for (const [at, member] of members.entries()) record.members.set(member.id, at === 0 ? 'creator' : 'member');
      return createChatHandle(people, record);
    },

    ...createViews({ world, watch, log }),
    until: (look, what = 'something a test waits for', timeoutMs) => watch.until(look, what, timeoutMs),
    pending: () => updates.pending,
    confirmedBelow: () => updates.confirmed,
    isConfirmed,
    untilConfirmed: async (message) => void (await watch.until(() => isConfirmed(message), 'an update to be confirmed')),
    untilPolling: async () => void (await watch.until(() => updates.waiting, 'a getUpdates that waits')),
    isPolling: () => updates.waiting,
    inject: (update) => updates.push(update),
    batch: (work) => updates.batch(work),

    limit: faults.limit,
    fail: faults.fail,
    cut: faults.cut,
    hang: faults.hang,
    duplicateUpdates: (count = 1) => void (updates.duplicate += count),
    reorderUpdates: (count = 1) => void (updates.reorder += count),
    blockBot: (person) => setBlocked(person, true),
    unblockBot: (person) => setBlocked(person, false),
    deactivate: (person) => void (recordOfPerson(person).deactivated = true),
    expireQueries() {
      for (const query of world.queries.values()) query.expired = true;
    },
    expireFiles() {
      for (const file of world.files.values()) file.open = false;
    },
    age: (message) => void world.chats.get(message.chat.id)?.aged.add(message.message_id),
    setWebhook: (url) => void (updates.webhook = url),
    changeToken: (next) => void (token = next),
    dropConnections: http.drop,
    down: http.down,
    up: http.up,
    async restart() {
      await http.down();
      await http.up();
    },
    close: http.down,
  };
}

function botUser({ username = 'standin_bot', botId = 7_000_000_001, privacyMode = false }: TelegramOptions): UserFromGetMe {
  return {
    id: botId, is_bot: true, first_name: 'Stand-in', username, can_join_groups: true, can_read_all_group_messages: !privacyMode, supports_inline_queries: false,
    can_connect_to_business: false, has_main_web_app: false, has_topics_enabled: false, allows_users_to_create_topics: false, can_manage_bots: false, supports_join_request_queries: false,
  };
}
