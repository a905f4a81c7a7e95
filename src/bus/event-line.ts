/**
 * Run events as JSON lines.
 * Invariant: what `parseEventLine` lets through has the shape of a RunEvent, whoever wrote the line.
 */
import type { RunEvent } from '../core/events.js';

/** Longest line read. A tool's capped output is far below it. */
export const EVENT_LINE_MAX = 4 * 1024 * 1024;

export const eventLine = (event: RunEvent): string => `${JSON.stringify(event)}\n`;

type Kind = 'string' | 'number' | 'boolean' | 'object';
const BASE: Readonly<Record<string, Kind>> = { session: 'string', run: 'string', runId: 'string', step: 'number', attempt: 'number', at: 'number' };
const CALL: Readonly<Record<string, Kind>> = { index: 'number', tool: 'string', callId: 'string' };
const BODIES: Readonly<Record<RunEvent['type'], Readonly<Record<string, Kind>>>> = {
  accepted: {},
  start: {},
  model: { provider: 'string', model: 'string' },
  reset: {},
  text: { delta: 'string' },
  thinking: { delta: 'string' },
  answer: { stop: 'string', usage: 'object', text: 'string' },
  'tool-start': { ...CALL, args: 'object' },
  'tool-output': { ...CALL, delta: 'string' },
  'tool-end': { ...CALL, isError: 'boolean', text: 'string' },
  failover: { from: 'string', to: 'string', code: 'string' },
  approval: { id: 'string' },
  budget: { question: 'string' },
  end: { state: 'string' },
};

export function parseEventLine(line: string): RunEvent | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (!isObject(value) || typeof value['type'] !== 'string' || !Object.hasOwn(BODIES, value['type'])) return undefined;
  const body = BODIES[value['type'] as RunEvent['type']];
  return has(value, BASE) && has(value, body) ? (value as unknown as RunEvent) : undefined;
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);

const has = (value: Record<string, unknown>, fields: Readonly<Record<string, Kind>>): boolean =>
  Object.entries(fields).every(([name, kind]) => (kind === 'object' ? isObject(value[name]) : typeof value[name] === kind));
