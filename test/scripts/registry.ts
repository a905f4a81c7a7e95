/**
 * An npm registry on loopback that serves what is installed in the project's node_modules, so that `npm install` of our
 * tarball works the way it does for a user, without a network and without relying on npm's cache.
 *
 * Invariant: it offers only packages that are not development-only: a dependency missing from package.json's
 * `dependencies` makes the installation or the run fail.
 */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { basename, dirname, join } from 'node:path';

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly scripts?: unknown;
}

export interface Registry {
  readonly url: string;
  close(): void;
}

export async function startRegistry(root: string): Promise<Registry> {
  const record = JSON.parse(readFileSync(join(root, 'node_modules', '.package-lock.json'), 'utf8')) as {
    readonly packages: Readonly<Record<string, { readonly dev?: boolean }>>;
  };
  /** name → version → folder */
  const installed = new Map<string, Map<string, string>>();
  for (const [path, { dev }] of Object.entries(record.packages)) {
    const folder = join(root, path);
    if (dev === true || !existsSync(join(folder, 'package.json'))) continue;
    const { name, version } = manifestOf(folder);
    const versions = installed.get(name) ?? new Map<string, string>();
    installed.set(name, versions.set(version, folder));
  }

  const server = createServer((request, response) => answer(installed, request, response));
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  return {
    url,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

function answer(installed: ReadonlyMap<string, ReadonlyMap<string, string>>, request: IncomingMessage, response: ServerResponse): void {
  const [, name = '', version] = /^\/((?:@[^/]+\/)?[^/]+)(?:\/-\/(.+)\.tgz)?$/.exec(decodeURIComponent(request.url ?? '')) ?? [];
  const versions = installed.get(name);
  const folder = version === undefined ? undefined : versions?.get(version);
  if (folder !== undefined) return sendTar(folder, response);
  if (versions === undefined || version !== undefined) {
    response.writeHead(404, { 'content-type': 'application/json' }).end('{"error":"not found"}');
    return;
  }
  const base = `http://${request.headers.host}/${name}/-/`;
  const manifests = [...versions].map(([each, path]) => [each, { ...offered(path, installed), dist: { tarball: `${base}${each}.tgz` } }] as const);
  const latest = manifests.at(-1)?.[0];
  response.writeHead(200, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ name, 'dist-tags': { latest }, versions: Object.fromEntries(manifests) }));
}

/** As the registry tells it, without the optional packages of other platforms. */
function offered(folder: string, installed: ReadonlyMap<string, unknown>): Manifest {
  const { scripts: _, ...manifest } = manifestOf(folder);
  const optional = Object.entries(manifest.optionalDependencies ?? {}).filter(([name]) => installed.has(name));
  return { ...manifest, optionalDependencies: Object.fromEntries(optional) };
}

/** What no running program reads, and the Temporal core of other machines: two thirds of all bytes. */
const LEFT_OUT = ['*.map', '*.d.ts', '*.d.mts', '*.d.cts', ...foreignCores()];

function foreignCores(): readonly string[] {
  const arch = process.arch === 'arm64' ? 'aarch64' : 'x86_64';
  const os = process.platform === 'darwin' ? 'apple-darwin' : 'unknown-linux-gnu';
  const all = ['aarch64-apple-darwin', 'aarch64-unknown-linux-gnu', 'x86_64-apple-darwin', 'x86_64-pc-windows-msvc', 'x86_64-unknown-linux-gnu'];
  return all.filter((name) => name !== `${arch}-${os}`).map((name) => `*/releases/${name}`);
}

/** npm drops the first folder of a tarball, whatever its name, and takes an uncompressed one. */
function sendTar(folder: string, response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'application/octet-stream' });
  const name = basename(folder);
  const tar = spawn('tar', ['-cf', '-', ...[`${name}/node_modules`, ...LEFT_OUT].flatMap((pattern) => ['--exclude', pattern]), '-C', dirname(folder), name], { stdio: ['ignore', 'pipe', 'inherit'] });
  tar.stdout.pipe(response);
}

function manifestOf(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest;
}
