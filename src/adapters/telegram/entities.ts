/**
 * Text with its entities: whom it names, and what its formatting says beyond its letters. Pure.
 * Offsets are UTF-16 units, as JavaScript's are.
 */
import type { MessageEntity, User } from 'grammy/types';
import type { Mention } from '../../core/message.js';

/** The agent's own account there. */
export interface Self {
  readonly id: number;
  readonly username: string;
}

export interface SaidText {
  readonly text: string;
  readonly mentions: readonly Mention[];
}

export const nameOf = (user: Pick<User, 'first_name' | 'last_name'>): string => [user.first_name, user.last_name].filter(Boolean).join(' ');

/**
 * Links keep their address and code blocks their fences. `/status@claw_bot` becomes `/status` and names the agent;
 * a command for another bot stays as it is.
 */
export function said(text: string, entities: readonly MessageEntity[], self: Self): SaidText {
  const mentions: Mention[] = [];
  const edits: { readonly at: number; readonly remove: number; readonly insert: string }[] = [];
  for (const entity of entities) {
    const part = text.slice(entity.offset, entity.offset + entity.length);
    const end = entity.offset + entity.length;
    switch (entity.type) {
      case 'mention':
        mentions.push(isSelf(part, self) ? own(self) : { id: part, name: part, self: false });
        break;
      case 'text_mention':
        mentions.push(entity.user.id === self.id ? own(self) : { id: String(entity.user.id), name: nameOf(entity.user), self: false });
        break;
      case 'bot_command': {
        const at = part.indexOf('@');
        if (at < 0 || !isSelf(part.slice(at), self)) break;
        mentions.push(own(self));
        edits.push({ at: entity.offset + at, remove: entity.length - at, insert: '' });
        break;
      }
      case 'text_link':
        if (!part.includes(entity.url)) edits.push({ at: end, remove: 0, insert: ` (${entity.url})` });
        break;
      case 'pre':
        if (part.includes('```')) break;
        edits.push({ at: entity.offset, remove: 0, insert: `${startsLine(text, entity.offset) ? '' : '\n'}\`\`\`${entity.language ?? ''}\n` });
        edits.push({ at: end, remove: 0, insert: `${part.endsWith('\n') ? '' : '\n'}\`\`\`${end === text.length || text[end] === '\n' ? '' : '\n'}` });
        break;
      default:
    }
  }
  // From the end, so that earlier offsets stay true.
  const changed = edits.toSorted((a, b) => b.at - a.at).reduce((out, edit) => out.slice(0, edit.at) + edit.insert + out.slice(edit.at + edit.remove), text);
  return { text: changed, mentions: distinct(mentions) };
}

const own = (self: Self): Mention => ({ id: String(self.id), name: `@${self.username}`, self: true });
const isSelf = (name: string, self: Self): boolean => name.toLowerCase() === `@${self.username.toLowerCase()}`;
const startsLine = (text: string, at: number): boolean => at === 0 || text[at - 1] === '\n';
const distinct = (mentions: readonly Mention[]): readonly Mention[] => [...new Map(mentions.map((mention) => [mention.id, mention])).values()];
