/** A program run in a script's place gets each signal once and its exit code is kept. */
import { spawn } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';

const forward = new URL('../../scripts/bring/forward.mjs', import.meta.url).href;

/** The program counts SIGTERMs for a moment after the first and ends with that count plus 40. */
const PROGRAM = `
let count = 0;
process.on('SIGTERM', () => { count += 1; setTimeout(() => process.exit(40 + count), 100); });
setInterval(() => {}, 1000);
console.log('ready');`;

function wrapped(program: string): { readonly ready: Promise<void>; readonly ended: Promise<number | null>; kill(signal: NodeJS.Signals): void } {
  const file = join(mkdtempSync(join(tmpdir(), 'openclaw-forward-')), 'wrap.mjs');
  writeFileSync(file, `import { forward } from '${forward}';\nprocess.exitCode = await forward(process.execPath, ['-e', ${JSON.stringify(program)}]);\n`);
  const child = spawn(process.execPath, [file], { stdio: ['ignore', 'pipe', 'inherit'] });
  return {
    ready: new Promise((done) => child.stdout.once('data', () => done())),
    ended: new Promise((done) => child.once('exit', done)),
    kill: (signal) => void child.kill(signal),
  };
}

test('SIGTERM reaches the program once and its exit code comes back', async () => {
  const program = wrapped(PROGRAM);
  await program.ready;
  program.kill('SIGTERM');
  await sleep(30);
  program.kill('SIGTERM'); // as npm does when the whole group got it
  expect(await program.ended).toBe(41);
});

test('a program ended by a signal is told as shells do', async () => {
  const program = wrapped(`console.log('ready'); process.kill(process.pid, 'SIGKILL'); setInterval(() => {}, 1000);`);
  expect(await program.ended).toBe(128 + 9);
});
