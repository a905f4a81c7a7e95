/**
 * Entry of the compiled CLI; `bin/openclaw.mjs` imports it and that runs the command.
 * Invariant: the command runs once however often `main` is called, and what was printed is out before the process ends.
 */
import { enableCompileCache } from 'node:module';

// Compiling oclif and the client takes longer than running them. Kept by Node under the temporary folder, per version.
enableCompileCache();

let running: Promise<void> | undefined;

export function main(argv: readonly string[]): Promise<void> {
  running ??= start(argv);
  return running;
}

async function start(argv: readonly string[]): Promise<void> {
  // `openclaw runs list | head` closes the pipe early: that is no failure.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));
  const { runCli } = await import('./run.js');
  const code = await runCli(argv);
  await Promise.all([process.stdout, process.stderr].map((stream) => new Promise((done) => stream.write('', done))));
  process.exit(code);
}

await main(process.argv.slice(2));
