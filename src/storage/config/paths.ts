/**
 * Where this installation's files are, and whether its state directory may be used.
 * Invariant: a directory that holds the peer's files and no `openclaw.db` is never written to.
 */
import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { CodedError } from '../../core/errors.js';
import { DEV_GATEWAY_PORT, GATEWAY_PORT } from '../../core/names.js';

export interface PathOptions {
  readonly env: NodeJS.ProcessEnv;
  readonly profile?: string | undefined;
  /** Profile `dev` on its own port. */
  readonly dev?: boolean | undefined;
}

export interface Paths {
  readonly stateDir: string;
  readonly configPath: string;
  /** `OPENCLAW_WORKSPACE_DIR`, else `workspace` in the state directory; `agents.defaults.workspace` stands between the two. */
  readonly workspace: string;
  /** `OPENCLAW_WORKSPACE_DIR` decided `workspace`. */
  readonly workspaceFixed: boolean;
  readonly profile?: string;
  /** `OPENCLAW_GATEWAY_PORT`: wins over the config's. */
  readonly port?: number;
  /** The port when neither environment nor config names one. */
  readonly defaultPort: number;
}

const PROFILE = /^[a-z0-9][a-z0-9_-]{0,31}$/i;

/** @throws CodedError INVALID_PROFILE, INVALID_PORT */
export function resolvePaths({ env, profile, dev }: PathOptions): Paths {
  const name = dev ? 'dev' : (profile ?? blank(env['OPENCLAW_PROFILE']));
  if (name !== undefined && !PROFILE.test(name)) {
    throw new CodedError('INVALID_PROFILE', `"${name}" is no profile name`, 'Use up to 32 letters, digits, - and _.');
  }
  const home = blank(env['HOME']) ?? homedir();
  const expand = (path: string): string => expandHome(path, home);
  const own = name === undefined || name === 'default' ? '.openclaw' : `.openclaw-${name}`;
  const stateDir = expand(blank(env['OPENCLAW_STATE_DIR']) ?? join(home, own));
  const fixed = blank(env['OPENCLAW_WORKSPACE_DIR']);
  const port = envPort(blank(env['OPENCLAW_GATEWAY_PORT']));
  return {
    stateDir,
    configPath: expand(blank(env['OPENCLAW_CONFIG_PATH']) ?? join(stateDir, 'openclaw.json')),
    workspace: fixed === undefined ? join(stateDir, 'workspace') : expand(fixed),
    workspaceFixed: fixed !== undefined,
    defaultPort: name === 'dev' ? DEV_GATEWAY_PORT : GATEWAY_PORT,
    ...(name === undefined ? {} : { profile: name }),
    ...(port === undefined ? {} : { port }),
  };
}

/** The agent's folder: the environment's, else the config's, else the default one. */
export function workspaceOf(paths: Paths, configured: string | undefined, env: NodeJS.ProcessEnv): string {
  return paths.workspaceFixed || configured === undefined ? paths.workspace : expandHome(configured, blank(env['HOME']) ?? homedir());
}

export const expandHome = (path: string, home: string): string =>
  resolve(path === '~' ? home : path.startsWith('~/') ? join(home, path.slice(2)) : path);

/** Files only the peer writes. `openclaw.json` and `workspace/` are shared names and prove nothing. */
const PEER_FILES = ['agents', 'state/openclaw.sqlite', 'credentials', 'sessions', 'identity', 'openclaw.sqlite'] as const;

/** Why `stateDir` may not be used, or nothing. Looks only; a missing directory is judged by its nearest parent. */
export function stateDirProblem(stateDir: string): CodedError | undefined {
  const elsewhere = 'Set OPENCLAW_STATE_DIR to another directory.';
  const existing = nearestExisting(stateDir);
  if (!statSync(existing).isDirectory()) {
    return new CodedError('STATE_DIR_NOT_A_DIRECTORY', `The state directory ${stateDir} cannot be used: ${existing} is not a directory`, elsewhere);
  }
  if (existing === stateDir && !existsSync(join(stateDir, 'openclaw.db'))) {
    const found = PEER_FILES.find((name) => existsSync(join(stateDir, name)));
    if (found !== undefined) {
      return new CodedError(
        'STATE_DIR_OF_PEER',
        `The state directory ${stateDir} belongs to another OpenClaw (it holds ${found}); it is left as it is`,
        `Set OPENCLAW_STATE_DIR to a directory of its own; a later version brings the old one over with: openclaw import --from ${stateDir}`,
      );
    }
  }
  try {
    accessSync(existing, constants.W_OK | constants.X_OK);
  } catch {
    return new CodedError('STATE_DIR_UNWRITABLE', `The state directory ${stateDir} cannot be written to`, `Change its permissions, or: ${elsewhere.charAt(0).toLowerCase()}${elsewhere.slice(1)}`);
  }
  return undefined;
}

function nearestExisting(path: string): string {
  let at = path;
  while (!existsSync(at) && dirname(at) !== at) at = dirname(at);
  return at;
}

function envPort(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const port = Number(text);
  if (Number.isInteger(port) && port >= 1 && port <= 65_535) return port;
  throw new CodedError('INVALID_PORT', `OPENCLAW_GATEWAY_PORT must be a port number, not "${text}"`, 'Use a number from 1 to 65535.');
}

/** A variable set to nothing counts as not set. */
const blank = (text: string | undefined): string | undefined => (text === undefined || text.trim() === '' ? undefined : text);
