/** The entities Telegram itself finds in what people write: commands, mentions, links, hashtags. */
import type { MessageEntity } from '@grammyjs/types';

const KINDS: readonly { readonly type: string; readonly pattern: RegExp }[] = [
  { type: 'bot_command', pattern: /(?<![\w/])\/[A-Za-z0-9_]{1,64}(?:@\w{3,32})?/g },
  { type: 'mention', pattern: /(?<![\w@])@[A-Za-z]\w{3,31}/g },
  { type: 'url', pattern: /\bhttps?:\/\/[^\s<>"]+[^\s<>".,;:!?)]/g },
  { type: 'hashtag', pattern: /(?<![\w#])#[\p{L}\d_]*\p{L}[\p{L}\d_]*/gu },
];

export function detectEntities(text: string): readonly MessageEntity[] {
  const found: MessageEntity[] = [];
  for (const { type, pattern } of KINDS) {
    for (const match of text.matchAll(pattern)) {
      const inside = found.some((entity) => match.index < entity.offset + entity.length && entity.offset < match.index + match[0].length);
      // A mention inside a command (`/stop@bot`) belongs to the command.
      if (!inside) found.push({ type, offset: match.index, length: match[0].length } as MessageEntity);
    }
  }
  return found.toSorted((a, b) => a.offset - b.offset);
}
