/**
 * What an installation takes on disk: the package, the packages it needs, the `temporal` program.
 * Invariant: counted from the lock, without the packages that only tests and builds need.
 */
import { lstatSync, readFileSync, readdirSync, realpathSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { missing, type Row } from './lib/figures.js';

export const title = 'size of an installation';
export const ownOnly = 'the files of a gateway given by --url are unknown';

const root = fileURLToPath(new URL('..', import.meta.url));
const MB = 1024 * 1024;

interface Locked {
  readonly dev?: boolean;
  readonly link?: boolean;
}

export async function measure(): Promise<readonly Row[]> {
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as { readonly packages: Readonly<Record<string, Locked>> };
  // Optional ones of other platforms stand in the lock and not on the disk.
  const needed = Object.entries(packages).filter(([path, { dev }]) => path !== '' && dev !== true && exists(join(root, path))).map(([path]) => path);
  const dependencies = needed.reduce((sum, path) => sum + bytesOf(join(root, path)), 0);
  const topLevel = needed.filter((path) => path.lastIndexOf('node_modules/') === 0);
  const { files } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { readonly files: readonly string[] };
  const own = [...files, 'package.json', 'README.md'].map((path) => join(root, path)).filter(exists).reduce((sum, path) => sum + bytesOf(path), 0);
  const cli = process.env['OPENCLAW_TEMPORAL_CLI'];
  const engine = cli !== undefined && exists(cli) ? statSync(realpathSync(cli)).size : undefined;
  return [
    { what: 'this package', unit: 'MB', samples: [own / MB], peer: 'tarball 95 MB' },
    { what: 'the packages it needs', unit: 'MB', samples: [dependencies / MB], peer: '647 MB installed in all' },
    { what: 'of these at the top level', unit: 'packages', samples: [topLevel.length], peer: '291' },
    engine === undefined ? missing('the temporal program', 'MB', 'OPENCLAW_TEMPORAL_CLI names none') : { what: 'the temporal program', unit: 'MB', samples: [engine / MB], peer: 'has none' },
    ...(engine === undefined ? [] : [{ what: 'all of it', unit: 'MB', samples: [(own + dependencies + engine) / MB], peer: '647 MB' } satisfies Row]),
  ];
}

const exists = (path: string): boolean => lstatSync(path, { throwIfNoEntry: false }) !== undefined;

/** Nested packages are entries of their own in the lock. */
function bytesOf(path: string): number {
  const stat = lstatSync(path);
  if (!stat.isDirectory()) return stat.isSymbolicLink() ? 0 : stat.size;
  return readdirSync(path).filter((name) => name !== 'node_modules').reduce((sum, name) => sum + bytesOf(join(path, name)), 0);
}
