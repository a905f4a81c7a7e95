/**
 * `npm test`: brings what is missing, then lint, types and every test. `npm run test:<room>` runs one room's tests;
 * further arguments go to vitest (`npm run test:core -- -t queue`). `--only-checks` runs lint and types alone.
 *
 * Invariant: it is green only when everything ran: a skipped test fails the run as a failed one does. The last line is
 * always "N passed, N failed".
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { forward } from './bring/forward.mjs';
import { withNode } from './bring/node.mjs';
import { prepare } from './bring/prepare.mjs';
import { run } from './bring/run.mjs';
import { main, say } from './bring/say.mjs';
import { bringTemporal } from './bring/temporal.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const [first, ...others] = process.argv.slice(2);
const room = first !== undefined && !first.startsWith('-') ? first : undefined;
const onlyChecks = first === '--only-checks';
const vitestArgs = room === undefined ? process.argv.slice(2) : ['--project', room, ...others];

await main(async () => {
  const node = await prepare(root);
  const env = withNode(node, { ...process.env, OPENCLAW_TEMPORAL_CLI: await bringTemporal() });
  const tally = { passed: 0, failed: 0 };
  if (room === undefined) await checks(node, env, tally);
  if (!onlyChecks) await tests(node, env, tally);
  process.stdout.write(`\n${tally.passed} passed, ${tally.failed} failed\n`);
  return tally.failed === 0 ? 0 : 1;
});

async function checks(node, env, tally) {
  const bin = (name) => join(root, 'node_modules', name);
  const steps = [
    ['lint', [bin('oxlint/bin/oxlint'), '--type-aware', '--quiet', 'src', 'test', 'bench', 'scripts', 'bin']],
    ['the arrows between rooms', [bin('dependency-cruiser/bin/dependency-cruiser.mjs'), '--config', '.dependency-cruiser.cjs', '--output-type', 'err', 'src']],
    ['types', [bin('typescript/bin/tsc'), '-p', 'tsconfig.test.json']],
  ];
  for (const [what, args] of steps) {
    say(`checking ${what}`);
    const { code, out } = await run(node, args, { cwd: root, env });
    tally[code === 0 ? 'passed' : 'failed'] += 1;
    if (code === 0) continue;
    process.stdout.write(out);
    say(`failed: ${what}`);
  }
}

async function tests(node, env, tally) {
  say(room === undefined ? 'running all tests' : `running the tests of ${room}`);
  const folder = mkdtempSync(join(tmpdir(), 'openclaw-vitest-'));
  const file = join(folder, 'results.json');
  try {
    const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
    const args = [vitest, 'run', '--reporter=default', '--reporter=json', `--outputFile.json=${file}`, ...vitestArgs];
    const code = await forward(node, args, { cwd: root, env });
    const { passed, failed, left } = count(file);
    for (const name of left) say(`not run: ${name}`);
    tally.passed += passed;
    tally.failed += failed + left.length;
    // A file that does not load, an unhandled rejection or a use of the network fails the run without failing a test.
    if (code !== 0 && failed + left.length === 0) tally.failed += 1;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function count(file) {
  let results;
  try {
    results = JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return { passed: 0, failed: 0, left: [] }; // vitest did not get that far, and said why
  }
  // A filter (`-t`) leaves tests out on purpose.
  const filtered = vitestArgs.some((arg) => /^(-t|--testNamePattern)/.test(arg));
  const all = results.testResults.flatMap((suite) => suite.assertionResults);
  const left = all.filter((test) => test.status !== 'passed' && test.status !== 'failed').map((test) => test.fullName);
  const brokenFiles = results.testResults.filter((suite) => suite.status === 'failed' && suite.assertionResults.length === 0).length;
  return {
    passed: all.filter((test) => test.status === 'passed').length,
    failed: all.filter((test) => test.status === 'failed').length + brokenFiles,
    left: filtered ? [] : left,
  };
}
