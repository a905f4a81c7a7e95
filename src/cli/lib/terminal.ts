/**
 * Plain text for people: colours, tables, durations, amounts.
 * Invariant: without a terminal, or with NO_COLOR, not one escape character is written.
 */
import { stripVTControlCharacters, styleText } from 'node:util';

export type Style = 'dim' | 'bold' | 'red' | 'green' | 'yellow' | 'cyan';

export const paint = (style: Style, text: string, stream: NodeJS.WriteStream = process.stdout): string =>
  // FORCE_COLOR must not put colours into a file that a script reads.
  stream.isTTY === true && !process.env['NO_COLOR'] ? styleText(style, text, { stream, validateStream: false }) : text;

/** What others wrote, made safe to print: no escape sequences, no control characters but line ends and tabs. */
export const printable = (text: string): string => stripVTControlCharacters(text).replaceAll(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, '');

/** What does not show, or shows as something else: controls, turned-round and zero-width text, blanks that are no space. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Z}\p{Default_Ignorable_Code_Point}]/gu;

/** What a person decides about: nothing is left out, whatever cannot be seen is written out. Line ends stay. */
export const visible = (text: string): string =>
  text.replaceAll(UNSEEN, (char) => {
    const code = char.codePointAt(0) ?? 0;
    if (char === ' ' || char === '\n') return char;
    return char === '\t' ? '\\t' : char === '\r' ? '\\r' : code <= 0xff ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`;
  });

export const oneLine = (text: string, max: number): string => {
  const line = printable(text).replace(/\s+/g, ' ').trim();
  return line.length <= max ? line : `${line.slice(0, Math.max(0, max - 1))}…`;
};

/** Left-aligned columns, two spaces apart; the last one is not padded. */
export function columns(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows) row.forEach((cell, index) => (widths[index] = Math.max(widths[index] ?? 0, width(cell))));
  return rows
    .map((row) => row.map((cell, index) => (index === row.length - 1 ? cell : cell + ' '.repeat((widths[index] ?? 0) - width(cell)))).join('  ').trimEnd())
    .join('\n');
}

/** Two columns in a box, as `status` shows them. */
export function box(rows: readonly (readonly [string, string])[]): string {
  const left = Math.max(...rows.map(([name]) => width(name)));
  const right = Math.max(...rows.map(([, value]) => width(value)));
  const rule = (a: string, b: string, c: string): string => `${a}${'─'.repeat(left + 2)}${b}${'─'.repeat(right + 2)}${c}`;
  const body = rows.map(([name, value]) => `│ ${name}${' '.repeat(left - width(name))} │ ${value}${' '.repeat(right - width(value))} │`);
  return [rule('┌', '┬', '┐'), ...body, rule('└', '┴', '┘')].join('\n');
}

const width = (text: string): number => [...stripVTControlCharacters(text)].length;

/** `240 ms`, `3.2 s`, `4 min 10 s`, `2 h 5 min`, `3 d 4 h`. */
export function duration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 59_950) return `${(ms / 1_000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1_000);
  const parts: readonly (readonly [number, string])[] = [[Math.floor(seconds / 86_400), 'd'], [Math.floor(seconds / 3_600) % 24, 'h'], [Math.floor(seconds / 60) % 60, 'min'], [seconds % 60, 's']];
  const first = parts.findIndex(([count]) => count > 0);
  return parts.slice(first, first + 2).filter(([count]) => count > 0).map(([count, unit]) => `${count} ${unit}`).join(' ');
}

export const ago = (then: number | undefined, now = Date.now()): string => (then === undefined ? '-' : `${duration(Math.max(0, now - then))} ago`);

export const clock = (at: number): string => new Date(at).toLocaleTimeString('en-GB', { hour12: false });

export const amount = (tokens: number | undefined): string =>
  tokens === undefined ? '-' : tokens < 10_000 ? String(tokens) : tokens < 1e6 ? `${(tokens / 1e3).toFixed(1)}k` : `${(tokens / 1e6).toFixed(2)}M`;

export const money = (usd: number | undefined): string => (usd === undefined ? '-' : usd === 0 ? '$0' : usd < 0.01 ? `$${usd.toFixed(4)}` : `$${usd.toFixed(2)}`);

export const size = (bytes: number): string => (bytes < 1024 ** 2 ? `${Math.ceil(bytes / 1024)} KB` : bytes < 1024 ** 3 ? `${(bytes / 1024 ** 2).toFixed(1)} MB` : `${(bytes / 1024 ** 3).toFixed(1)} GB`);
