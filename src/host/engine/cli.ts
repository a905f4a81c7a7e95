/**
 * Where the `temporal` executable is.
 *
 * Invariant: nothing is fetched when one is there already; the order (variable, PATH, tools folder, fetch) is that of
 * scripts/bring/temporal.mjs, which a clone and an installed package both carry, and stands only there.
 */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

import { HostError } from '../errors.js';

/** From `dist/host/engine/` and from `src/host/engine/` alike. */
const SCRIPT = new URL('../../../scripts/bring/temporal.mjs', import.meta.url);

/**
 * Path of the CLI, fetched into the tools folder when the machine has none; progress goes to stderr.
 * @throws HostError ENGINE_CLI_MISSING with the reason and what to do.
 */
export async function findTemporalCli(env: NodeJS.ProcessEnv): Promise<string> {
  const here = await presentTemporalCli(env);
  if (here !== undefined) return here;
  const child = spawn(process.execPath, [fileURLToPath(SCRIPT)], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let out = '';
  let problem = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
  createInterface({ input: child.stderr }).on('line', (line) => {
    // Progress is passed on; the failure is told once, by whoever catches our error.
    if (line.startsWith('•')) process.stderr.write(`${line}\n`);
    else problem = line || problem;
  });
  const code = await new Promise<number | null>((resolve, reject) => child.once('error', reject).once('close', resolve));
  if (code === 0 && out.trim() !== '') return out.trim();
  const [message, hint] = problem.split(' → ');
  throw missing(message, hint);
}

/** The one this machine has. Looked for in this process: another Node would take a tenth of the whole start. */
export async function presentTemporalCli(env: NodeJS.ProcessEnv): Promise<string | undefined> {
  const { findTemporal } = (await import(SCRIPT.href)) as { readonly findTemporal: (env: NodeJS.ProcessEnv) => string | undefined };
  try {
    return findTemporal(env);
  } catch (error) {
    const { message, hint } = error as Error & { readonly hint?: string };
    throw missing(message, hint);
  }
}

const missing = (message = '', advice = 'set OPENCLAW_TEMPORAL_CLI to a temporal executable'): HostError =>
  new HostError('ENGINE_CLI_MISSING', message || 'There is no temporal CLI.', `${advice.charAt(0).toUpperCase()}${advice.slice(1)}.`);
