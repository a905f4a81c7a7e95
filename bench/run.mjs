/**
 * `npm run bench`: brings what is missing, then measures. `npm run bench -- cli turn` measures only those;
 * `--quick` takes few samples (does it still work?). Figures go to stdout as Markdown, progress to stderr.
 *
 * Invariant: nothing here passes or fails on a time: a figure is for reading, on the machine it came from.
 */
import { fileURLToPath } from 'node:url';

import { forward } from '../scripts/bring/forward.mjs';
import { withNode } from '../scripts/bring/node.mjs';
import { prepare } from '../scripts/bring/prepare.mjs';
import { main } from '../scripts/bring/say.mjs';
import { bringTemporal } from '../scripts/bring/temporal.mjs';

const here = (name) => fileURLToPath(new URL(name, import.meta.url));

await main(async () => {
  const node = await prepare(here('..'));
  const env = withNode(node, { ...process.env, OPENCLAW_TEMPORAL_CLI: await bringTemporal() });
  // Timings of warnings about how the bench itself is loaded help nobody.
  return forward(node, ['--disable-warning=ExperimentalWarning', '--import', here('lib/resolve.mjs'), here('main.ts'), ...process.argv.slice(2)], { env });
});
