/**
 * An update as the messages it is. Pure: files are named, not fetched.
 * Invariants: the same update gives the same message keys whenever it comes; what only the platform cares about gives none.
 */
import type { CallbackQuery, Chat, Message, MessageGenerationStopped, MessageReactionUpdated, ReactionType, Update } from 'grammy/types';
import type { Conversation, InboundEvent, InboundMessage, ReplyTo, Sender } from '../../core/message.js';
import { contentOf, forwardLine, titleOf, type Wanted } from './content.js';
import { nameOf, said, type Self } from './entities.js';

/** What is asked of the server; everything else stays there. */
export const ALLOWED_UPDATES = ['message', 'edited_message', 'channel_post', 'edited_channel_post', 'callback_query', 'message_reaction', 'stopped_message_generation'] as const satisfies readonly (keyof Update)[];

export interface Normalised {
  /** Attachments are in `wanted`, in order. */
  readonly message: Omit<InboundMessage, 'attachments'>;
  readonly wanted: readonly Wanted[];
}

export interface Account {
  readonly account: string;
  readonly self: Self;
}

/**
 * @param updates one, or the parts of one album in order
 * @returns none for what is no message to the agent
 */
export function normalise(updates: readonly Update[], at: Account): readonly Normalised[] {
  const [first, ...more] = updates;
  if (!first) return [];
  if (more.length > 0) return album(updates, at);
  const message = first.message ?? first.channel_post;
  if (message) return oneOrNone(fromMessage(message, { type: 'message' }, at));
  const edited = first.edited_message ?? first.edited_channel_post;
  // A live location is an edit every few seconds.
  if (edited) return edited.location ? [] : oneOrNone(fromMessage(edited, { type: 'edit', version: `${edited.edit_date ?? edited.date}.${first.update_id}` }, at));
  if (first.callback_query) return oneOrNone(fromPress(first.callback_query, at));
  if (first.message_reaction) return fromReaction(first.message_reaction, at);
  if (first.stopped_message_generation) return [fromStop(first.stopped_message_generation, first.update_id, at)];
  return [];
}

const oneOrNone = <T>(value: T | undefined): readonly T[] => (value === undefined ? [] : [value]);

function fromMessage(m: Message, event: InboundEvent, at: Account): Normalised | undefined {
  const content = contentOf(m);
  const sender = senderOf(m);
  // Two bots that answer each other would never end.
  if (!content || !sender || sender.isBot) return undefined;
  const { text, mentions } = said(content.text, content.entities, at.self);
  const replyTo = replyOf(m, at.self);
  return {
    message: {
      channel: 'telegram',
      account: at.account,
      conversation: conversationOf(m.chat, m),
      sender,
      messageId: String(m.message_id),
      event,
      time: m.date * 1_000,
      text: `${forwardLine(m.forward_origin)}${text}`,
      mentions,
      ...(replyTo ? { replyTo } : {}),
    },
    wanted: content.wanted,
  };
}

/** One message under the id of its first part. The first words are its text; those of other parts stay with their pictures. */
function album(updates: readonly Update[], at: Account): readonly Normalised[] {
  const parts = updates.flatMap((update) => {
    const origin = forwardLine((update.message ?? update.channel_post)?.forward_origin);
    return normalise([update], at).map((part) => ({ ...part, origin, words: part.message.text.slice(origin.length) }));
  });
  const [first] = parts;
  if (!first) return [];
  const lead = parts.find(({ words }) => words !== '');
  const mentions = new Map(parts.flatMap(({ message }) => message.mentions).map((mention) => [mention.id, mention]));
  return [
    {
      message: { ...first.message, text: `${first.origin}${lead?.words ?? ''}`, mentions: [...mentions.values()] },
      wanted: parts.flatMap((part) => (part === lead || part.words === '' ? part.wanted : part.wanted.map((one) => ({ ...one, attachment: { ...one.attachment, caption: part.words } })))),
    },
  ];
}

/** A topic of a forum is a thread of its group. A reply in an ordinary group carries a thread id too, and is none. */
export function conversationOf(chat: Chat, m: { readonly is_topic_message?: boolean; readonly message_thread_id?: number; readonly reply_to_message?: Pick<Message, 'forum_topic_created'> }): Conversation {
  const id = String(chat.id);
  if (chat.type === 'private') return { kind: 'direct', id };
  const title = titleOf(chat);
  if (chat.type === 'channel') return { kind: 'channel', id, title };
  if (!m.is_topic_message || m.message_thread_id === undefined) return { kind: 'group', id, title };
  const topic = m.reply_to_message?.forum_topic_created?.name;
  return { kind: 'thread', id: String(m.message_thread_id), parentId: id, title: topic === undefined ? title : `${title} / ${topic}` };
}

/** Anonymous admins and channels speak through a bot of Telegram's: who they speak for counts. */
function senderOf(m: Message): Sender | undefined {
  if (m.sender_chat) return { id: String(m.sender_chat.id), name: m.author_signature ?? titleOf(m.sender_chat), ...(m.sender_chat.username === undefined ? {} : { username: m.sender_chat.username }) };
  return m.from && personOf(m.from);
}

const personOf = (user: NonNullable<Message['from']>): Sender => ({
  id: String(user.id),
  name: nameOf(user),
  ...(user.username === undefined ? {} : { username: user.username }),
  ...(user.is_bot ? { isBot: true } : {}),
});

function replyOf(m: Message, self: Self): ReplyTo | undefined {
  const replied = m.reply_to_message;
  // In a topic every message "replies" to the one that opened it.
  if (replied && !replied.forum_topic_created) {
    const sender = senderOf(replied);
    const quote = m.quote?.text ?? quoteOf(replied);
    return { messageId: String(replied.message_id), ...(sender ? { sender } : {}), ...(quote === '' ? {} : { quote }), ...(replied.from?.id === self.id ? { self: true } : {}) };
  }
  const other = m.external_reply;
  if (!other) return undefined;
  return { messageId: `${other.chat?.id ?? ''}:${other.message_id ?? ''}`, ...(m.quote ? { quote: m.quote.text } : {}) };
}

/** Words of the message that is answered, or what it is. */
function quoteOf(m: Message): string {
  const content = contentOf(m);
  if (!content) return '';
  return content.text !== '' ? content.text : content.wanted.map(({ attachment }) => `[${attachment.kind}]`).join(' ');
}

/** A pressed button says its command, in reply to the message it stands under. */
function fromPress(query: CallbackQuery, at: Account): Normalised | undefined {
  const { message } = query;
  if (!message || query.data === undefined) return undefined;
  return {
    message: {
      channel: 'telegram',
      account: at.account,
      conversation: conversationOf(message.chat, message),
      sender: personOf(query.from),
      messageId: `press:${query.id}`,
      event: { type: 'message' },
      // A press has no time of its own.
      time: Date.now(),
      text: query.data,
      mentions: [{ id: String(at.self.id), name: `@${at.self.username}`, self: true }],
      replyTo: { messageId: String(message.message_id), self: true },
    },
    wanted: [],
  };
}

/** The stop button of a draft, which only private chats have. */
function fromStop({ chat }: MessageGenerationStopped, updateId: number, at: Account): Normalised {
  const id = String(chat.id);
  return {
    message: {
      channel: 'telegram',
      account: at.account,
      conversation: { kind: 'direct', id },
      sender: { id, name: titleOf(chat), ...(chat.username === undefined ? {} : { username: chat.username }) },
      messageId: `stop:${updateId}`,
      event: { type: 'message' },
      time: Date.now(),
      text: '/stop',
      mentions: [],
    },
    wanted: [],
  };
}

function fromReaction(reaction: MessageReactionUpdated, at: Account): readonly Normalised[] {
  const sender: Sender | undefined = reaction.user ? personOf(reaction.user) : reaction.actor_chat && { id: String(reaction.actor_chat.id), name: titleOf(reaction.actor_chat) };
  if (!sender || sender.isBot) return [];
  const before = reaction.old_reaction.map(emojiOf);
  const after = reaction.new_reaction.map(emojiOf);
  const changes = [
    ...before.filter((emoji) => !after.includes(emoji)).map((emoji) => ({ emoji, removed: true })),
    ...after.filter((emoji) => !before.includes(emoji)).map((emoji) => ({ emoji, removed: false })),
  ];
  return changes.map(({ emoji, removed }) => ({
    message: {
      channel: 'telegram',
      account: at.account,
      conversation: conversationOf(reaction.chat, {}),
      sender,
      messageId: String(reaction.message_id),
      event: { type: 'reaction', emoji, removed },
      time: reaction.date * 1_000,
      text: '',
      mentions: [],
    },
    wanted: [],
  }));
}

function emojiOf(reaction: ReactionType): string {
  switch (reaction.type) {
    case 'emoji':
      return reaction.emoji;
    case 'custom_emoji':
      return `custom:${reaction.custom_emoji_id}`;
    case 'paid':
      return '⭐';
  }
}
