/**
 * `npm ci`, only when the lock file, npm's settings or the Node major changed since the last one, and node_modules is not
 * what the lock file says anyway (after `npm install <package>` it is).
 *
 * Invariant: the stamp is written after npm succeeded, and lies in node_modules: a removed or half-made folder has none.
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { withLock } from './cache.mjs';
import { fetchProblem, NODE_MAJOR, runNpm } from './node.mjs';
import { say } from './say.mjs';

export async function installPackages(root, nodePath) {
  const stamp = join(root, 'node_modules', '.openclaw-installed');
  const wanted = fingerprint(root);
  const isDone = () => existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted;
  if (isDone()) return;
  if (matchesLock(root)) return writeFileSync(stamp, wanted);
  // Two starts in one clone would delete each other's half-made node_modules. The lock cannot lie inside it.
  await withLock(join(root, '.cache', 'install.lock'), 'another process is installing the packages', async () => {
    if (isDone()) return;
    say('installing the packages (npm ci)');
    const { code, out } = await runNpm(nodePath, ['ci', '--no-audit', '--no-fund', '--prefer-offline'], { cwd: root });
    if (code !== 0) throw fetchProblem('The packages', out, 'run npm ci in the clone to see more');
    writeFileSync(stamp, wanted);
  });
}

function fingerprint(root) {
  const hash = createHash('sha256').update(`node ${NODE_MAJOR} ${process.platform}-${process.arch}\n`);
  for (const name of ['package-lock.json', '.npmrc']) hash.update(readFileSync(join(root, name)));
  return hash.digest('hex');
}

/** Does npm's own record of what it installed agree with the lock file? */
function matchesLock(root) {
  const record = join(root, 'node_modules', '.package-lock.json');
  if (!existsSync(record)) return false;
  const installed = JSON.parse(readFileSync(record, 'utf8')).packages;
  const { '': self, ...locked } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages;
  if (self === undefined) return false;
  const same = (key) => installed[key]?.version === locked[key]?.version && installed[key]?.integrity === locked[key]?.integrity;
  const needed = Object.keys(locked).filter((key) => !locked[key].optional);
  return needed.every(same) && Object.keys(installed).every(same);
}
