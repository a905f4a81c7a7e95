/** A session's rows as a document: Markdown for people, one JSON object a line for programs. Pure. */
import { toolLine } from './tool-line.js';
import { printable } from './terminal.js';

export const EXPORT_FORMATS = ['markdown', 'jsonl'] as const;
export type ExportFormat = (typeof EXPORT_FORMATS)[number];

/** A row of `sessions.export`. */
export interface ExportRow {
  readonly seq: number;
  readonly conversation: string;
  readonly at: string;
  readonly runId?: string;
  readonly type: string;
  readonly text?: string;
  readonly sender?: { readonly id: string; readonly name?: string };
  readonly attachments?: readonly { readonly kind: string; readonly name?: string; readonly mime?: string; readonly transcript?: string }[];
  readonly calls?: readonly { readonly index: number; readonly tool: string; readonly args: Readonly<Record<string, unknown>> }[];
  readonly tool?: string;
  readonly isError?: boolean;
  readonly blocks?: readonly { readonly type: string; readonly text?: string; readonly mime?: string }[];
  readonly reason?: string;
  readonly message?: string;
}

export interface Exporter {
  /** @param rows the next ones */
  write(rows: readonly ExportRow[]): string;
}

export const createExporter = (format: ExportFormat, key: string): Exporter => (format === 'jsonl' ? { write: (rows) => rows.map((row) => `${JSON.stringify(row)}\n`).join('') } : markdown(key));

function markdown(key: string): Exporter {
  let conversation: string | undefined;
  return {
    write(rows) {
      const parts: string[] = [];
      for (const row of rows) {
        if (conversation === undefined) parts.push(`# Session ${key}\n`);
        if (row.conversation !== conversation) parts.push(`## Conversation of ${row.at.slice(0, 10)}\n`);
        conversation = row.conversation;
        const text = printable(rowText(row));
        if (text !== '') parts.push(`${text}\n`);
      }
      return parts.map((part) => `${part}\n`).join('');
    },
  };
}

const minute = (at: string): string => at.slice(0, 16).replace('T', ' ');

function rowText(row: ExportRow): string {
  const by = (name: string, ...lines: readonly string[]): string => [`**${name}** · ${minute(row.at)}`, ...lines.filter((line) => line.trim() !== '')].join('\n\n');
  switch (row.type) {
    case 'user':
      return by(row.sender?.name ?? row.sender?.id ?? 'somebody', row.text ?? '', ...(row.attachments ?? []).map(fileLine));
    case 'assistant':
      return by('OpenClaw', row.text ?? '', ...(row.calls ?? []).map(({ tool, args }) => `- ${code(toolLine(tool, args))}`));
    case 'tool':
      return [`${code(row.tool ?? '')}${row.isError === true ? ' failed' : ''}:`, ...(row.blocks ?? []).map((block) => (block.type === 'text' ? fenced(block.text ?? '') : `[image ${block.mime ?? ''}]`))].join('\n\n');
    case 'aborted':
      return by('OpenClaw', row.text ?? '', `*stopped: ${row.reason ?? ''}*`);
    case 'error':
      return by('OpenClaw', `*failed: ${row.message ?? ''}*`);
    default:
      return row.text === undefined ? '' : `*${row.text}*`;
  }
}

const fileLine = ({ kind, name, mime, transcript }: NonNullable<ExportRow['attachments']>[number]): string => [`[${kind}: ${[name, mime].filter((part) => part !== undefined).join(', ')}]`, ...(transcript === undefined ? [] : [transcript])].join('\n\n');

/** Longer than any run of backticks in the text. */
function fenced(text: string): string {
  const fence = '`'.repeat(Math.max(3, ...Array.from(text.matchAll(/`+/g), ([run]) => run.length + 1)));
  return `${fence}\n${text}\n${fence}`;
}

const code = (text: string): string => {
  const tick = '`'.repeat(Math.max(1, ...Array.from(text.matchAll(/`+/g), ([run]) => run.length + 1)));
  return `${tick}${text.startsWith('`') || text.endsWith('`') ? ` ${text} ` : text}${tick}`;
};
