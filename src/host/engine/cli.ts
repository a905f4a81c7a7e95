/**
 * Where the `temporal` executable is.
 *
 * Invariant: nothing is fetched when one is there already; the order (variable, PATH, tools folder, fetch) is that of
 * scripts/bring/temporal.mjs, which a clone and an installed package both carry, and stands only there.
 */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

import { HostError } from '../errors.js';

/** From `dist/host/engine/` and from `src/host/engine/` alike. */
const SCRIPT = fileURLToPath(new URL('../../../scripts/bring/temporal.mjs', import.meta.url));

/**
 * Path of the CLI, fetched into the tools folder when the machine has none; progress goes to stderr.
 * @throws HostError ENGINE_CLI_MISSING with the reason and what to do.
 */
export async function findTemporalCli(env: NodeJS.ProcessEnv): Promise<string> {
  const child = spawn(process.execPath, [SCRIPT], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let out = '';
  let problem = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    problem = text.trim() || problem;
    process.stderr.write(text);
  });
  const code = await new Promise<number | null>((resolve, reject) => child.once('error', reject).once('close', resolve));
  if (code === 0 && out.trim() !== '') return out.trim();
  const [message = '', hint] = problem.split('\n').at(-1)?.split(' → ') ?? [];
  throw new HostError('ENGINE_CLI_MISSING', message || 'There is no temporal CLI.', hint ?? 'Set OPENCLAW_TEMPORAL_CLI to a temporal executable.');
}
