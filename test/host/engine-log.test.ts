/** The server's log is rotated under a writer that keeps it open. */
import { mkdtempSync, readFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';

import { closeLog, logPath, openLog, rotateLog } from '../../src/host/engine/log.js';

test('copy and truncate: the writer goes on in the emptied file, two generations are kept', () => {
  const folder = mkdtempSync(join(tmpdir(), 'openclaw-log-'));
  const writer = openLog(folder);
  for (const line of ['first', 'second', 'third', 'fourth']) {
    writeSync(writer, `${line} line\n`);
    if (line !== 'fourth') rotateLog(folder, 5);
  }
  closeLog(writer);
  const generations = ['', '.1', '.2'].map((suffix) => readFileSync(`${logPath(folder)}${suffix}`, 'utf8'));
  expect(generations).toEqual(['fourth line\n', 'third line\n', 'second line\n']);
});

test('a small log stays', () => {
  const folder = mkdtempSync(join(tmpdir(), 'openclaw-log-'));
  const writer = openLog(folder);
  writeSync(writer, 'a line\n');
  rotateLog(folder);
  closeLog(writer);
  expect(readFileSync(logPath(folder), 'utf8')).toBe('a line\n');
});
