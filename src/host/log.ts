/**
 * Logs: JSON lines in `logs/openclaw.log`, warnings and errors also as one readable line on stderr.
 * Invariant: fields never hold message text, arguments or keys; what looks like one is redacted all the same.
 */
import { chmodSync, mkdirSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type Logger as Pino, destination, multistream, pino } from 'pino';

/** The file is set aside once at start past this; one older file is kept. */
const ROTATE_BYTES = 20 * 1024 * 1024;
const SECRET_FIELDS = ['token', 'apiKey', 'authorization', 'password', '*.token', '*.apiKey', '*.authorization', '*.password'];

export const logFile = (stateDir: string): string => join(stateDir, 'logs', 'openclaw.log');

export function createLog(stateDir: string, level: string, name: string): Pino {
  mkdirSync(join(stateDir, 'logs'), { recursive: true, mode: 0o700 });
  const file = logFile(stateDir);
  if ((statSync(file, { throwIfNoEntry: false })?.size ?? 0) > ROTATE_BYTES) renameSync(file, `${file}.1`);
  // Synchronous: the last lines before a kill are the ones that matter.
  const lines = destination({ dest: file, sync: true, mode: 0o600 });
  chmodSync(file, 0o600);
  const people = {
    write(line: string): void {
      const { level: severity, msg, error } = JSON.parse(line) as { level: number; msg: string; error?: unknown };
      process.stderr.write(`${severity >= 50 ? 'error' : 'warning'}: ${msg}${error === undefined ? '' : ` (${typeof error === 'string' ? error : JSON.stringify(error)})`}\n`);
    },
  };
  const lowest = level === 'silent' ? 'fatal' : level;
  return pino(
    { level: lowest, base: { name, pid: process.pid }, redact: SECRET_FIELDS },
    multistream([{ level: lowest as pino.Level, stream: lines }, { level: 'warn', stream: people }]),
  );
}
