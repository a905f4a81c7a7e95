/**
 * A table as aligned text for a monospaced block.
 * Invariant: one line a row, cells in their order; padding never multiplies the text: a column wider than MAX_PADDED is not padded further.
 */
import { inlineSpans, oneLine, type InlineContext } from './inline.js';
import type { Node } from './nodes.js';
import { columns } from './text.js';

/** One long cell among a thousand short ones must not cost a thousand times its length. */
const MAX_PADDED = 40;

export function tableText(table: Node, context: InlineContext): string {
  const rows = (table.children ?? []).map((row) => (row.children ?? [row]).map((cell) => oneLine(inlineSpans([cell], context))));
  const widths: number[] = [];
  for (const row of rows) for (const [at, cell] of row.entries()) widths[at] = Math.min(MAX_PADDED, Math.max(widths[at] ?? 1, columns(cell)));
  const line = (cells: readonly string[]): string => cells.map((cell, at) => padded(cell, widths[at] ?? 1, table.align?.[at])).join(' | ').trimEnd();
  const [head, ...body] = rows;
  if (head === undefined) return '';
  return [line(head), head.map((_, at) => '-'.repeat(widths[at] ?? 1)).join('-+-'), ...body.map(line)].join('\n');
}

function padded(cell: string, width: number, align: string | null | undefined): string {
  const room = Math.max(0, width - columns(cell));
  if (align === 'right') return ' '.repeat(room) + cell;
  if (align === 'center') return ' '.repeat(room >> 1) + cell + ' '.repeat(room - (room >> 1));
  return cell + ' '.repeat(room);
}
