/**
 * The few settings a client needs to reach the gateway, read without the config's schema (which costs more time to
 * load than the whole command may take).
 * Invariant: agrees with `loadConfig` on port and token for every valid file.
 */
import { parseJson5, findNode, type ParsedJson5 } from './json5.js';
import { readRaw } from './load-raw.js';
import { resolvePaths, type PathOptions, type Paths } from './paths.js';
import { readToken } from './token.js';

export interface Connection {
  readonly paths: Paths;
  readonly port: number;
  readonly url: string;
  /** Undefined until a gateway has been started once. */
  readonly token?: string;
  readonly tokenSource?: 'environment' | 'config' | 'file';
}

/** @throws CodedError CONFIG_SYNTAX, CONFIG_UNREADABLE, TOKEN_UNREADABLE, INVALID_PROFILE, INVALID_PORT */
export function readConnection(options: PathOptions): Connection {
  const paths = resolvePaths(options);
  const raw = readRaw(paths.configPath);
  const parsed = raw === undefined ? undefined : parseJson5(raw, 'openclaw.json');
  const configPort = parsed && numberAt(parsed, ['gateway', 'port']);
  const port = paths.port ?? configPort ?? paths.defaultPort;
  const found = findToken(options.env, parsed, paths.stateDir);
  return { paths, port, url: `ws://127.0.0.1:${port}`, ...found };
}

function findToken(env: NodeJS.ProcessEnv, parsed: ParsedJson5 | undefined, stateDir: string): Pick<Connection, 'token' | 'tokenSource'> {
  const fromEnv = env['OPENCLAW_GATEWAY_TOKEN']?.trim();
  if (fromEnv) return { token: fromEnv, tokenSource: 'environment' };
  const written = parsed && tokenAt(parsed);
  if (written !== undefined) {
    const token = written.replace(/\$?\$\{([A-Z_][A-Z0-9_]*)\}/g, (whole, name: string) => (whole.startsWith('$$') ? whole.slice(1) : (env[name] ?? '')));
    if (token !== '') return { token, tokenSource: 'config' };
  }
  const token = readToken(stateDir);
  return token === undefined ? {} : { token, tokenSource: 'file' };
}

function tokenAt(parsed: ParsedJson5): string | undefined {
  const path = ['gateway', 'auth', 'token'];
  const node = findNode(parsed.document.body, path);
  if (node?.type === 'String') return node.value;
  const id = findNode(parsed.document.body, [...path, 'id']);
  return id?.type === 'String' ? `\${${id.value}}` : undefined;
}

function numberAt(parsed: ParsedJson5, path: readonly string[]): number | undefined {
  const node = findNode(parsed.document.body, path);
  return node?.type === 'Number' ? node.value : undefined;
}
