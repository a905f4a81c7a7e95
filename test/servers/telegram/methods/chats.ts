/** Who is where, what is being done, reactions, topics, commands. */
import type { BotCommand, ReactionType } from '@grammyjs/types';

import { badRequest } from '../refusal.js';
import { chatOf, takeMessageId, writableChat } from '../world.js';
import { type Method, type Methods, textOf } from './context.js';

const getChatMember: Method = ({ world, params }) => {
  const record = chatOf(world, params.chat_id);
  const id = Number(params.user_id);
  if (id === world.bot.id) return { user: world.bot, status: record.bot };
  const user = world.users.get(id)?.user;
  const status = record.members.get(id);
  if (user === undefined) throw badRequest('PARTICIPANT_ID_INVALID');
  return { user, status: status ?? 'left', ...(status === 'creator' ? { is_anonymous: false } : {}) };
};

const getChat: Method = ({ world, params }) => {
  const record = chatOf(world, params.chat_id);
  return { ...record.chat, accent_color_id: 0, max_reaction_count: 11, accepted_gift_types: { unlimited_gifts: false, limited_gifts: false, unique_gifts: false, premium_subscription: false, gifts_from_channels: false }, ...(record.chat.type === 'private' ? {} : { permissions: { can_send_messages: true } }) };
};

const sendChatAction: Method = ({ world, params }) => {
  const record = writableChat(world, params.chat_id);
  const thread = params.message_thread_id === undefined ? undefined : Number(params.message_thread_id);
  // Unlike sending, typing takes the number of the general topic.
  const general = thread === 1 && record.chat.is_forum === true;
  if (thread !== undefined && !general && !record.topics.has(thread)) throw badRequest('message thread not found');
  record.actions.push({ at: Date.now(), action: textOf(params.action), ...(thread === undefined ? {} : { threadId: thread }) });
  return true;
};

const setMessageReaction: Method = ({ world, params }) => {
  const record = writableChat(world, params.chat_id);
  const message = record.messages.get(Number(params.message_id));
  if (message === undefined) throw badRequest('message to react not found');
  const reaction = (params.reaction ?? []) as readonly ReactionType[];
  if (reaction.length > 1) throw badRequest('REACTIONS_TOO_MANY');
  record.reactions.set(message.message_id, reaction);
  return true;
};

const createForumTopic: Method = ({ world, params }) => {
  const record = writableChat(world, params.chat_id);
  if (record.chat.is_forum !== true) throw badRequest('the chat is not a forum');
  const id = takeMessageId(world, record);
  record.topics.set(id, { id, name: textOf(params.name), closed: false });
  return { message_thread_id: id, name: params.name, icon_color: 0x6fb9f0 };
};

const setMyCommands: Method = ({ world, params }) => {
  const commands = params.commands as readonly BotCommand[];
  if (commands.length > 100) throw badRequest('BOT_COMMANDS_TOO_MUCH');
  for (const { command, description } of commands) {
    if (!/^\/?[a-z0-9_]{1,32}$/.test(command)) throw badRequest('BOT_COMMAND_INVALID');
    if (description.length < 1 || description.length > 256) throw badRequest('BOT_COMMAND_DESCRIPTION_INVALID');
  }
  world.commands = commands;
  return true;
};

export const chats: Methods = {
  getMe: ({ world }) => world.bot,
  getChat,
  getChatMember,
  sendChatAction,
  setMessageReaction,
  createForumTopic,
  setMyCommands,
  getMyCommands: ({ world }) => world.commands,
  deleteMyCommands({ world }) {
    world.commands = [];
    return true;
  },
};
