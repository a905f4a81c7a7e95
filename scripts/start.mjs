/**
 * `npm start`: brings what is missing, then runs the gateway in its place. Runs on Node 20.
 *
 * Invariant: a second start does nothing but look. What concerns the gateway itself (its configuration, its port, its
 * state directory, the temporal CLI) it checks and reports itself.
 */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { forward } from './bring/forward.mjs';
import { withNode } from './bring/node.mjs';
import { prepare } from './bring/prepare.mjs';
import { main } from './bring/say.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));

await main(async () => {
  const node = await prepare(root);
  return forward(node, [join(root, 'bin', 'openclaw.mjs'), 'gateway', ...process.argv.slice(2)], { env: withNode(node) });
});
