/**
 * Once before and once after all tests.
 *
 * Invariant: the run fails when anything in it, child processes included, reached for another machine, even where the
 * code under test swallowed the error.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export default function setup(): () => void {
  const folder = mkdtempSync(join(tmpdir(), 'openclaw-test-'));
  const log = join(folder, 'network.log');
  writeFileSync(log, '');
  process.env['OPENCLAW_TEST_NETWORK_LOG'] = log;
  return () => {
    const attempts = readFileSync(log, 'utf8').trim();
    rmSync(folder, { recursive: true, force: true });
    if (attempts !== '') throw new Error(`Tests reached for the network:\n${attempts}`);
  };
}
