/** An embedded server that is killed while its gateway starts: another is started, and the start goes on. */
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { NativeConnection } from '@temporalio/worker';
import BetterSqlite from 'better-sqlite3';
import { afterEach, expect, test } from 'vitest';
import { stopRecordedEngine } from '../../src/host/engine/index.js';
import { createLog } from '../../src/host/log.js';
import { prepareStateDir } from '../../src/host/state-dir.js';
import { type Temporal, connectTemporal } from '../../src/host/temporal.js';
import { loadConfig } from '../../src/storage/config/index.js';
import { type Installation, install, until } from '../servers/installation.js';

let house: Installation;
let temporal: Temporal | undefined;

afterEach(async () => {
  await temporal?.close();
  temporal = undefined;
  await stopRecordedEngine(house.stateDir);
  await house.remove();
});

const present = <T>(read: () => T): T | undefined => {
  try {
    return read();
  } catch {
    return undefined;
  }
};

const accepts = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' }, () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });

/** Closer than `until` looks: what is waited for lasts some hundredths of a second. */
async function atOnce(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await sleep(2);
}

async function killedWhen(moment: () => boolean | Promise<boolean>): Promise<void> {
  house = await install();
  house.launch();
  await atOnce(moment);
  const { pid } = house.engine();
  process.kill(pid, 'SIGKILL');
  await until('the gateway is ready, or ended', async () => house.gone() || house.ready());
  expect(house.gone(), house.output.join('')).toBe(false);
  expect(house.engine().pid).not.toBe(pid);
  const { code, stdout, stderr } = await house.run(['agent', '-m', 'hello', '--json']);
  expect(code, stderr).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ status: 'ok' });
}

test('killed right when its port answers, it is started anew and the start goes on', async () => {
  await killedWhen(async () => {
    const ports = present(() => house.engine().ports);
    return ports !== undefined && accepts(ports.grpc);
  });
});

test('killed when it was connected to and no worker was yet, it is started anew and the start goes on', async () => {
  // The epoch is written when store and engine were held against each other, last of all before the workers are made.
  await killedWhen(() => (present(epoch) ?? 0) > 0);
});

function epoch(): number {
  const database = new BetterSqlite(join(house.stateDir, 'openclaw.db'), { readonly: true });
  try {
    const { value } = database.prepare("select value from meta where name = 'epoch'").get() as { readonly value: string };
    return (JSON.parse(value) as { readonly written: number }).written;
  } finally {
    database.close();
  }
}

test('a step of the start that fails is told, and done again where the server died under it', async () => {
  house = await install();
  const paths = prepareStateDir({ env: house.env });
  const { config } = loadConfig({ env: house.env });
  temporal = await connectTemporal({ env: house.env, config, stateDir: house.stateDir, installId: 'an-installation', log: createLog(paths.stateDir, 'silent', 'test'), embed: true });
  const { connection, engine, outlast } = temporal;
  const { pid } = engine!;
  await expect(outlast(() => connection.workflowService.describeNamespace({ namespace: 'nowhere' }))).rejects.toThrow(/nowhere/);
  process.kill(pid, 'SIGKILL');
  // The native connection waits for nothing: without patience this fails at once.
  const native = await outlast(() => NativeConnection.connect({ address: engine!.address }));
  await native.close();
  expect(engine!.pid).not.toBe(pid);
});
