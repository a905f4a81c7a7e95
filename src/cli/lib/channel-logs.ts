/** The gateway's log lines about messengers, from the file: they can be read while no gateway runs. */
import { existsSync, readFileSync } from 'node:fs';
import { paint, printable } from './terminal.js';

export interface LogLine {
  readonly at: number;
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly channel: string;
  readonly account?: string;
  readonly message: string;
  readonly error?: string;
}

const LEVELS: readonly (readonly [number, LogLine['level']])[] = [[50, 'error'], [40, 'warn'], [30, 'info'], [0, 'debug']];

/** The newest `limit` lines, oldest first; the file that was set aside counts too. */
export function channelLines(file: string, of: { readonly channel?: string | undefined; readonly account?: string | undefined; readonly limit: number }): readonly LogLine[] {
  const texts = [`${file}.1`, file].filter((path) => existsSync(path)).map((path) => readFileSync(path, 'utf8'));
  const lines = texts.flatMap((text) => text.split('\n')).flatMap((line) => {
    // Most lines are about something else: only these are parsed.
    if (!line.includes('"channel":')) return [];
    const read = parsed(line);
    return read && (of.channel === undefined || read.channel === of.channel) && (of.account === undefined || read.account === of.account) ? [read] : [];
  });
  return lines.slice(-of.limit);
}

function parsed(line: string): LogLine | undefined {
  try {
    const { time, level, channel, account, msg, error } = JSON.parse(line) as { time: number; level: number; channel?: unknown; account?: unknown; msg?: string; error?: unknown };
    if (typeof channel !== 'string' || channel === 'rpc') return undefined;
    return {
      at: time, level: LEVELS.find(([from]) => level >= from)![1], channel, message: msg ?? '',
      ...(typeof account === 'string' ? { account } : {}),
      ...(error === undefined ? {} : { error: typeof error === 'string' ? error : JSON.stringify(error) }),
    };
  } catch {
    // Cut by a kill.
    return undefined;
  }
}

const COLOURS = { error: 'red', warn: 'yellow', info: 'dim', debug: 'dim' } as const;

export const showLines = (lines: readonly LogLine[]): string =>
  lines.map((line) => `${new Date(line.at).toISOString()} ${paint(COLOURS[line.level], line.level.padEnd(5))} ${line.channel}${line.account === undefined ? '' : ` (${line.account})`} ${printable(line.message)}${line.error === undefined ? '' : `: ${printable(line.error)}`}`).join('\n');
