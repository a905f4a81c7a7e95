#!/usr/bin/env node
/**
 * The command `openclaw`. Plain JavaScript that parses and runs on Node 20: it must be able to say what is missing.
 *
 * Invariant: `--version` is answered before anything is imported; everything else runs on Node >= 24, which is the
 * running one or the one that `npm start` brought.
 */
if (process.argv.length === 3 && (process.argv[2] === '--version' || process.argv[2] === '-v')) {
  // Node below 20.16 has no way to a built-in module but an import.
  const { readFileSync } = process.getBuiltinModule?.('node:fs') ?? (await import('node:fs'));
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  process.stdout.write(`openclaw-temporal ${version}\n`);
} else if (Number(process.versions.node.split('.')[0]) >= 24) {
  await import('../dist/cli/main.js').catch(explain);
} else {
  await onBroughtNode();
}

/** A clone that was never built is the one failure a person can cause here. */
function explain(error) {
  if (error.code !== 'ERR_MODULE_NOT_FOUND' || !String(error.message).includes('dist/cli/main.js')) throw error;
  process.stderr.write('openclaw is not built yet → run npm start once in its folder\n');
  process.exitCode = 1;
}

async function onBroughtNode() {
  const { fileURLToPath } = await import('node:url');
  const { findNode } = await import('../scripts/bring/node.mjs');
  const { forward } = await import('../scripts/bring/forward.mjs');
  const node = findNode();
  if (node === undefined) {
    process.stderr.write(`openclaw needs Node 24 or newer, this is ${process.versions.node} → install it from https://nodejs.org, or run npm start once in a clone, which fetches one\n`);
    process.exitCode = 1;
    return;
  }
  process.exitCode = await forward(node, [fileURLToPath(import.meta.url), ...process.argv.slice(2)]);
}
