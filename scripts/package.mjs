/**
 * `npm run package`: openclaw-temporal-<version>.tgz in the current folder or in the one named (`-- --into <folder>`).
 *
 * Invariant: the tarball holds a whole, current build. npm runs no `prepack` here (`ignore-scripts`), so the build is
 * made before.
 */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

import { runNpm } from './bring/node.mjs';
import { prepare } from './bring/prepare.mjs';
import { gist } from './bring/run.mjs';
import { main, Problem } from './bring/say.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const at = process.argv.indexOf('--into');
const into = resolve(at === -1 ? '.' : (process.argv[at + 1] ?? '.'));

await main(async () => {
  const node = await prepare(root);
  const { code, out } = await runNpm(node, ['pack', '--silent', '--pack-destination', into], { cwd: root });
  const name = out.split('\n').map((line) => line.trim()).filter((line) => line.endsWith('.tgz')).at(-1);
  if (code !== 0 || name === undefined || !existsSync(join(into, name))) throw new Problem(`npm pack failed: ${gist(out)}`, 'run npm pack in the clone to see more');
  process.stdout.write(`${join(into, name)}\n`);
});
