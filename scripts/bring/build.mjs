/**
 * Builds `dist/` when its sources changed: content hashes, not times, so that a checkout or a touched file builds nothing.
 *
 * Invariant: `dist/.stamp` names the sources that `dist/` was made of; scripts/build.mjs writes it last.
 */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';

import { withLock } from './cache.mjs';
import { withNode } from './node.mjs';
import { gist, run } from './run.mjs';
import { Problem, say } from './say.mjs';

export async function buildIfChanged(root, nodePath) {
  if (isBuilt(root)) return;
  await withLock(join(root, '.cache', 'build.lock'), 'another process is building', async () => {
    if (isBuilt(root)) return;
    say('building');
    const { code, out } = await run(nodePath, [join(root, 'scripts', 'build.mjs')], { cwd: root, env: withNode(nodePath) });
    if (code === 0) return;
    process.stderr.write(out);
    throw new Problem(`The build failed: ${gist(out)}`, 'the lines above say where');
  });
}

export function isBuilt(root) {
  const stamp = join(root, 'dist', '.stamp');
  return existsSync(stamp) && readFileSync(stamp, 'utf8') === sourcesHash(root);
}

/** Over everything that decides what `dist/` holds. */
export function sourcesHash(root) {
  const hash = createHash('sha256');
  const files = ['package.json', 'package-lock.json', 'tsconfig.json', 'scripts/build.mjs', 'scripts/vendor.mjs'].map((name) => join(root, name));
  for (const path of [...files, ...listFiles(join(root, 'src'))]) {
    hash.update(`${relative(root, path)}\0`).update(createHash('sha256').update(readFileSync(path)).digest());
  }
  return hash.digest('hex');
}

function listFiles(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
    .sort();
}
