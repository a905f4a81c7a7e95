/**
 * Ids of groups for the person who writes the config: Telegram shows them nowhere. Invariant: a line a group and start, never its words or name.
 */
import type { Update } from 'grammy/types';
import type { Logger } from '../../core/ports.js';

/** Somebody may add a bot to any number of groups. */
const REMEMBERED = 1_000;

export function createGroupNotes(log: Logger): (update: Update) => void {
  const seen = new Set<number>();
  return (update) => {
    const message = update.message ?? update.channel_post;
    if (!message?.chat || message.chat.type === 'private') return;
    const { id, type } = message.chat;
    const { migrate_to_chat_id: next } = message;
    if (next !== undefined) log.warn({ conversation: String(id), next: String(next) }, 'this group became a supergroup with another id: name the new one in channels.telegram.groups');
    if (seen.has(id) || seen.size >= REMEMBERED) return;
    seen.add(id);
    log.info({ conversation: String(id), kind: type }, `somebody writes in group ${id}`);
  };
}
