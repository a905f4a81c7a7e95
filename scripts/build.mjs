/**
 * src/ → dist/: compiled TypeScript, the files beside it, the workflow bundle, bundled packages, the list of commands. Needs Node 24 and
 * the installed packages.
 *
 * Invariant: dist/ is replaced only by a whole build; a failed one leaves the old.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, rmSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { sourcesHash } from './bring/build.mjs';
import { vendor } from './vendor.mjs';

/** Every worker parses the bundle at start; past this somebody has imported a library into workflow code. */
const BUNDLE_LIMIT_BYTES = 2_000_000;

const root = fileURLToPath(new URL('..', import.meta.url));
const require = createRequire(import.meta.url);
const hash = sourcesHash(root);
// Inside the clone, so that node_modules resolves for the bundler and the rename stays on one file system.
const aside = join(root, '.cache', `dist-${process.pid}`);
rmSync(aside, { recursive: true, force: true });
mkdirSync(aside, { recursive: true });
process.on('exit', () => rmSync(aside, { recursive: true, force: true }));

compile();
copyPlainFiles();
await bundleWorkflows();
// After the workflows: their bundle is made of the packages as they are.
await vendor(root, aside);
replaceDist();
await listCommands();
// Last of all: a dist/ without it is built again.
writeFileSync(join(root, 'dist', '.stamp'), hash);

function compile() {
  const tsc = join(dirname(require.resolve('typescript/package.json')), 'bin', 'tsc');
  try {
    execFileSync(process.execPath, [tsc, '-p', 'tsconfig.json', '--outDir', aside], { cwd: root, stdio: 'inherit' });
  } catch {
    process.exit(1); // tsc has said why
  }
}

/** What the compiler leaves behind: starter files of the workspace, SQL, static pages. */
function copyPlainFiles() {
  cpSync(join(root, 'src'), aside, {
    recursive: true,
    filter: (path) => statSync(path).isDirectory() || !/\.tsx?$/.test(path),
  });
}

async function bundleWorkflows() {
  const { bundleWorkflowCode } = await import('@temporalio/worker');
  const silent = () => undefined;
  const logger = { trace: silent, debug: silent, info: silent, log: silent, warn: console.error, error: console.error };
  const { code } = await bundleWorkflowCode({ workflowsPath: join(aside, 'workflows', 'index.js'), logger });
  const bytes = Buffer.byteLength(code);
  if (bytes > BUNDLE_LIMIT_BYTES) {
    console.error(`error: the workflow bundle has ${bytes} bytes, over the limit of ${BUNDLE_LIMIT_BYTES}: see what src/workflows imports`);
    process.exit(1);
  }
  writeFileSync(join(aside, 'workflow-bundle.js'), code);
}

function replaceDist() {
  const dist = join(root, 'dist');
  const old = join(root, '.cache', `dist-old-${process.pid}`);
  if (existsSync(dist)) renameSync(dist, old);
  renameSync(aside, dist);
  rmSync(old, { recursive: true, force: true });
}

/** oclif reads one manifest instead of importing every command to find one. */
async function listCommands() {
  const { Plugin } = await import('@oclif/core/config');
  rmSync(join(root, 'oclif.manifest.json'), { force: true });
  const plugin = new Plugin({ root, type: 'core', ignoreManifest: true, errorOnManifestCreate: true });
  await plugin.load();
  writeFileSync(join(root, 'oclif.manifest.json'), `${JSON.stringify(plugin.manifest)}\n`);
}
