/**
 * `npm run chaos -- --seed S --minutes M`: brings what is missing, builds, then runs the long version (long.ts).
 *
 * Invariant: what is killed is the build that ships, with the safeguards every test has: no key, no other machine.
 */
import { fileURLToPath } from 'node:url';

import { forward } from '../../scripts/bring/forward.mjs';
import { withNode } from '../../scripts/bring/node.mjs';
import { prepare } from '../../scripts/bring/prepare.mjs';
import { main } from '../../scripts/bring/say.mjs';
import { bringTemporal } from '../../scripts/bring/temporal.mjs';

const here = (name) => fileURLToPath(new URL(name, import.meta.url));

await main(async () => {
  const node = await prepare(here('../..'));
  const env = withNode(node, { ...process.env, OPENCLAW_TEMPORAL_CLI: await bringTemporal() });
  const imports = ['../setup/no-network.mjs', '../../bench/lib/resolve.mjs'].flatMap((name) => ['--import', here(name)]);
  return forward(node, ['--disable-warning=ExperimentalWarning', ...imports, here('long.ts'), ...process.argv.slice(2)], { env });
});
