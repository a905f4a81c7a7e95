/** The build's bundled packages: each is in the gateway once, and its licence comes along. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { install } from '../servers/installation.js';

const VENDOR = fileURLToPath(new URL('../../dist/vendor/', import.meta.url));
const BUNDLED = /node_modules\/(typebox|kysely|openai|@anthropic-ai\/sdk|@openclaw\/gateway-protocol|file-type|undici)\//;
const folder = mkdtempSync(join(tmpdir(), 'openclaw-vendor-'));

afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('a gateway that has answered loaded every bundled package from the bundles, and none a second time', async () => {
  const log = join(folder, 'loaded');
  writeFileSync(log, '');
  writeFileSync(
    join(folder, 'record.mjs'),
    `import { registerHooks } from 'node:module';
     import { appendFileSync } from 'node:fs';
     registerHooks({ load(url, context, next) { appendFileSync(${JSON.stringify(log)}, url + '\\n'); return next(url, context); } });`,
  );
  const house = await install({ env: { NODE_OPTIONS: `${process.env['NODE_OPTIONS'] ?? ''} --import=file://${join(folder, 'record.mjs')}` } });
  try {
    await house.start();
    const { stdout } = await house.run(['agent', '-m', 'hello', '--json'], { NODE_OPTIONS: process.env['NODE_OPTIONS'] ?? '' });
    expect(JSON.parse(stdout)).toMatchObject({ status: 'ok' });
    const urls = readFileSync(log, 'utf8').trim().split('\n');
    expect(urls.filter((url) => BUNDLED.test(url))).toEqual([]);
    for (const name of ['typebox', 'kysely', 'openai', 'anthropic-ai-sdk', 'openclaw-gateway-protocol']) {
      expect(urls.filter((url) => url.endsWith(`/dist/vendor/${name}.js`))).toHaveLength(1);
    }
  } finally {
    await house.remove();
  }
});

test('no bundled code is in two of the bundles', () => {
  const regions = readdirSync(VENDOR).filter((file) => file.endsWith('.js')).flatMap((file) =>
    [...readFileSync(join(VENDOR, file), 'utf8').matchAll(/^\/\/ (\S*node_modules\/\S+)/gm)].map(([, path]) => path));
  expect(regions.length).toBeGreaterThan(500);
  expect(regions.filter((path, index) => regions.indexOf(path) !== index)).toEqual([]);
});

test('the licence of every package in the bundles comes along', () => {
  const licences = readFileSync(join(VENDOR, 'LICENSES'), 'utf8');
  const packages = readdirSync(VENDOR).filter((file) => file.endsWith('.js')).flatMap((file) =>
    [...readFileSync(join(VENDOR, file), 'utf8').matchAll(/^\/\/ \S*node_modules\/((?:@[^/\s]+\/)?[^/\s]+)/gm)].map(([, name]) => name!));
  for (const name of new Set(packages)) expect(licences).toMatch(new RegExp(`^${name} \\d\\S* \\(.+\\)$`, 'm'));
});
