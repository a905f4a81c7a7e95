/** What a command loads: the CLI is fast because it loads little. How fast is the bench's. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startGatewayStub, type GatewayStub } from '../servers/gateway-stub.js';
import { makeInstallation, type Installation } from './cli.js';

let home: Installation;
let gateway: GatewayStub;
let folder: string;

beforeAll(async () => {
  gateway = await startGatewayStub({
    methods: {
      status: () => ({ sessions: { count: 0 } }),
      health: () => ({ ok: true }),
      'runs.list': () => ({ runs: [] }),
      agent: (params) => ({ runId: params['idempotencyKey'], status: 'ok', result: { payloads: [{ text: 'hi' }] } }),
    },
  });
  home = makeInstallation({ OPENCLAW_GATEWAY_PORT: String(gateway.port) });
  folder = mkdtempSync(join(tmpdir(), 'openclaw-modules-'));
  writeFileSync(
    join(folder, 'record.mjs'),
    `import { registerHooks } from 'node:module';
     import { appendFileSync } from 'node:fs';
     registerHooks({ load(url, context, next) { appendFileSync(process.env.MODULES_LOG, url + '\\n'); return next(url, context); } });`,
  );
});
afterAll(async () => {
  await gateway.close();
  home.remove();
  rmSync(folder, { recursive: true, force: true });
});

async function loaded(args: readonly string[]): Promise<readonly string[]> {
  const log = join(folder, `${args.join('-').replace(/\W/g, '_')}.log`);
  writeFileSync(log, '');
  const result = await home.run(args, { env: { MODULES_LOG: log, NODE_OPTIONS: `${process.env['NODE_OPTIONS'] ?? ''} --import=file://${join(folder, 'record.mjs')}` } });
  expect(result.code, result.stderr).toBe(0);
  return readFileSync(log, 'utf8').trim().split('\n');
}

/** Never needed to talk to a gateway or to read a file. */
const HEAVY = /node_modules\/(@temporalio|@anthropic-ai|openai|kysely|better-sqlite3|fastify|pino|@fastify|protobufjs|undici|@openclaw\/gateway-protocol\/dist\/index\.mjs)|dist\/(gateway|sessions|workflows|activities|adapters|bus)\/|dist\/vendor\/(?!typebox|common-)|dist\/host\/(gateway|worker|runtime)/;
/** The config's schema, needed by `config` alone. */
const SCHEMA = /node_modules\/(typebox|ajv)\/|dist\/vendor\/|core\/schema\//;

describe('no command loads what it does not need', () => {
  test.each([['status'], ['health'], ['runs', 'list'], ['agent', '-m', 'hi'], ['--help']])('%s %s %s', async (...args) => {
    const urls = await loaded(args.filter((word) => word !== undefined));
    expect(urls.length).toBeGreaterThan(20);
    expect(urls.filter((url) => HEAVY.test(url) || SCHEMA.test(url))).toEqual([]);
  });

  test('config get loads the schema and no gateway client', async () => {
    const urls = await loaded(['config', 'get']);
    expect(urls.filter((url) => HEAVY.test(url) || url.includes('gateway-client'))).toEqual([]);
    expect(urls.some((url) => SCHEMA.test(url))).toBe(true);
  });
});
