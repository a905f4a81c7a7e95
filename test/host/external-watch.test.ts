/** A Temporal server of the user's goes and comes back: both are heard of. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { Client, Connection } from '@temporalio/client';
import { afterAll, expect, test } from 'vitest';
import { findTemporalCli } from '../../src/host/engine/index.js';
import { watchExternal } from '../../src/host/external-watch.js';
import { until } from '../servers/installation.js';

let server: ChildProcess | undefined;
afterAll(() => void server?.kill('SIGKILL'));

test('its end is told once with a reason, and so is its return', async () => {
  const cli = await findTemporalCli(process.env);
  const port = await freePort();
  const address = `127.0.0.1:${port}`;
  const start = (): ChildProcess => spawn(cli, ['server', 'start-dev', '--headless', '--port', String(port), '--log-level', 'never'], { stdio: 'ignore' });
  server = start();
  let connection: Connection | undefined;
  await until('Temporal answers', async () => (connection = await Connection.connect({ address, connectTimeout: '1s' }).catch(() => undefined)) !== undefined);
  const heard: string[] = [];
  const end = watchExternal(new Client({ connection: connection! }), { onDown: (reason) => heard.push(`down ${reason === '' ? 'without' : 'with'} a reason`), onUp: () => heard.push('up') }, 100);
  server.kill('SIGKILL');
  await once(server, 'exit');
  await until('its end is told', () => heard.length === 1);
  server = start();
  await until('its return is told', () => heard.length === 2);
  end();
  await connection!.close();
  expect(heard).toEqual(['down with a reason', 'up']);
});

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  return port;
}
