/**
 * The words of a rich message. Its blocks grow with the Bot API: they are read by the names that hold words, so an
 * unknown block still says what it says. Pure.
 */
import type { RichMessage } from 'grammy/types';

type Node = Readonly<Record<string, unknown>>;

export const richText = (message: RichMessage): string => message.blocks.map(blockText).filter(Boolean).join('\n');

function blockText(block: unknown): string {
  if (!isNode(block)) return '';
  const parts = [
    inline(block['text']),
    inline(block['expression']),
    inline(block['summary']),
    ...list(block['items']).map((item) => `${isNode(item) && typeof item['label'] === 'string' ? `${item['label']} ` : ''}${blockText(item)}`),
    ...list(block['cells']).map((row) => list(row).map((cell) => (isNode(cell) ? inline(cell['text']) : '')).join(' | ')),
    ...list(block['blocks']).map(blockText),
    inline(block['credit']),
    isNode(block['caption']) && !('type' in block['caption']) ? blockText(block['caption']) : inline(block['caption']),
  ];
  return parts.filter(Boolean).join('\n');
}

function inline(text: unknown): string {
  if (typeof text === 'string') return text;
  if (Array.isArray(text)) return text.map(inline).join('');
  if (!isNode(text)) return '';
  const words = inline(text['text'] ?? text['expression'] ?? text['alternative_text']);
  const { url } = text;
  return text['type'] === 'url' && typeof url === 'string' && !words.includes(url) ? `${words} (${url})` : words;
}

const isNode = (value: unknown): value is Node => typeof value === 'object' && value !== null && !Array.isArray(value);
const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
