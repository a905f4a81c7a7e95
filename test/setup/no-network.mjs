/**
 * Loaded into every test process (vitest's setupFiles) and, through NODE_OPTIONS, into every Node process a test starts.
 *
 * Invariant: no model key is visible and nothing connects to, or looks up, another machine. An attempt throws where it
 * happens and is also written to the file named by OPENCLAW_TEST_NETWORK_LOG, so that code which swallows the error
 * still fails the run (test/setup/global.ts reads the file at the end). Plain JavaScript: the children may be Node 20.
 */
import dns from 'node:dns';
import { appendFileSync } from 'node:fs';
import net from 'node:net';
import { fileURLToPath } from 'node:url';

const mark = Symbol.for('openclaw.test.no-network');

/** Every variable that names or enables a provider or a messenger, or leads to a developer's own gateway or Temporal. */
const KEYS = new RegExp(
  '^(ANTHROPIC|OPENAI|GEMINI|GOOGLE|DEEPSEEK|OPENROUTER|OLLAMA|MISTRAL|GROQ|XAI|BRAVE|SEARXNG|TELEGRAM|TEMPORAL)_' +
    '|^OPENCLAW_(MODEL|STATE_DIR|CONFIG_PATH|PROFILE|GATEWAY_PORT|GATEWAY_TOKEN|GATEWAY_PASSWORD|WORKSPACE_DIR)$',
);

if (!globalThis[mark]) {
  globalThis[mark] = true;
  const flag = `--import=${new URL(import.meta.url).href}`;
  // Only the outermost process drops keys: what a test itself hands to a child is its own made-up value.
  if (!(process.env.NODE_OPTIONS ?? '').includes(flag)) {
    for (const name of Object.keys(process.env)) if (KEYS.test(name)) delete process.env[name];
    process.env.NODE_OPTIONS = `${process.env.NODE_OPTIONS ?? ''} ${flag}`.trim();
  }
  guardSockets();
  guardLookups();
}

function guardSockets() {
  const connect = net.Socket.prototype.connect;
  net.Socket.prototype.connect = function guarded(...args) {
    // Internally node passes one array of [options, callback]; outside callers pass (options) or (port, host).
    const list = Array.isArray(args[0]) ? args[0] : args;
    const options = typeof list[0] === 'object' && list[0] !== null ? list[0] : { port: list[0], host: list[1] };
    const host = typeof options.host === 'string' && options.host !== '' ? options.host : 'localhost';
    const isPath = options.path !== undefined || (typeof list[0] === 'string' && Number.isNaN(Number(list[0])));
    if (isPath || isLoopback(host)) return connect.apply(this, args);
    // A test may resolve a made-up name to loopback with a lookup of its own; what it answers is checked instead.
    if (net.isIP(host) === 0 && typeof options.lookup === 'function') {
      options.lookup = checked(options.lookup);
      return connect.apply(this, args);
    }
    throw refuse(`connect to ${host}:${options.port}`);
  };
}

function checked(lookup) {
  return (name, options, callback) =>
    lookup(name, options, (error, address, family) => {
      const found = Array.isArray(address) ? address.map((a) => a.address) : [address];
      const foreign = error ? undefined : found.find((a) => !isLoopback(a));
      if (foreign !== undefined) callback(refuse(`connect to ${name} (${foreign})`));
      else callback(error, address, family);
    });
}

function guardLookups() {
  for (const api of [dns, dns.promises]) {
    const name = 'lookup';
    const real = api[name];
    api[name] = function guarded(host, ...rest) {
      if (host === null || host === '' || isLoopback(host) || net.isIP(host) !== 0) return real.call(this, host, ...rest);
      const error = refuse(`look up ${host}`);
      const callback = rest.at(-1);
      if (typeof callback !== 'function') return Promise.reject(error);
      process.nextTick(callback, error);
      return undefined;
    };
  }
}

function isLoopback(host) {
  const bare = host.replace(/^\[|\]$/g, '').toLowerCase();
  return (
    bare === 'localhost' || bare.endsWith('.localhost') || bare === '::1' || bare === '::' || bare === '0.0.0.0' ||
    (net.isIPv4(bare) && bare.startsWith('127.')) || bare.startsWith('::ffff:127.')
  );
}

function refuse(what) {
  const error = new Error(`A test tried to ${what}: tests only use loopback.`);
  error.code = 'ERR_TEST_NETWORK';
  const log = process.env.OPENCLAW_TEST_NETWORK_LOG;
  if (log) appendFileSync(log, `${what} (${fileURLToPath(import.meta.url)} in pid ${process.pid}: ${process.argv.slice(1, 3).join(' ')})\n`);
  return error;
}
