/** The engine's process is there before the gateway loads what it needs to talk to it: the two come up side by side. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { install } from '../servers/installation.js';

const folder = mkdtempSync(join(tmpdir(), 'openclaw-boot-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('the engine is begun before anything of Temporal’s client and worker is loaded, and is the one that the gateway uses', async () => {
  const log = join(folder, 'seen');
  writeFileSync(
    join(folder, 'look.mjs'),
    `import { registerHooks } from 'node:module';
     import { existsSync, readFileSync, writeFileSync } from 'node:fs';
     const record = process.env.OPENCLAW_STATE_DIR + '/temporal/server.json';
     registerHooks({ load(url, context, next) {
       if (/@temporalio\\/(client|worker)\\//.test(url) && !existsSync(${JSON.stringify(log)})) writeFileSync(${JSON.stringify(log)}, existsSync(record) ? readFileSync(record) : '{}');
       return next(url, context);
     } });`,
  );
  const house = await install({ env: { NODE_OPTIONS: `${process.env['NODE_OPTIONS'] ?? ''} --import=file://${join(folder, 'look.mjs')}` } });
  try {
    await house.start();
    expect((JSON.parse(readFileSync(log, 'utf8')) as { readonly pid?: number }).pid).toBe(house.engine().pid);
  } finally {
    await house.remove();
  }
});
