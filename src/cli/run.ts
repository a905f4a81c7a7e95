/**
 * Runs one command line in this process.
 * Invariant: resolves with the exit code and never throws; a failure outside a command is told as one inside is.
 */
import { fileURLToPath } from 'node:url';
import { run } from '@oclif/core/run';
import { moveRootFlags } from './lib/argv.js';
import { failureDocument, failureOf, failureText } from './lib/fail.js';

/** The package's folder: oclif reads its list of commands there. */
const ROOT = fileURLToPath(new URL('../..', import.meta.url));

export async function runCli(argv: readonly string[]): Promise<number> {
  const words = moveRootFlags(argv);
  if (words.includes('--no-color')) process.env['NO_COLOR'] = '1';
  try {
    await run(words, { root: ROOT });
  } catch (error) {
    if ((error as { readonly code?: string }).code === 'EEXIT') return (error as { readonly oclif?: { readonly exit?: number } }).oclif?.exit ?? 0;
    const failure = failureOf(error);
    if (words.includes('--json')) process.stdout.write(`${JSON.stringify(failureDocument(failure), null, 2)}\n`);
    else process.stderr.write(failureText(failure));
    return failure.exit;
  }
  return Number(process.exitCode ?? 0);
}
