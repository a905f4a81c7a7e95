/**
 * The embedded server with a real `temporal` in temporary state directories: what it adopts, what it leaves alone, and
 * what survives a SIGKILL.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { Client, Connection } from '@temporalio/client';
import { afterEach, beforeAll, expect, test } from 'vitest';

import { findTemporalCli, startEngine, stopRecordedEngine, type Engine, type EngineOptions } from '../../src/host/engine/index.js';
import { readRecord, recordPath } from '../../src/host/engine/record.js';
import { freePortNear } from '../../src/host/engine/ports.js';
import { bootId, isSameProcess, processStartTime } from '../../src/storage/process.js';

let cliPath: string;
const folders: string[] = [];
const closers: (() => void)[] = [];

beforeAll(async () => {
  cliPath = await findTemporalCli(process.env);
});

afterEach(async () => {
  for (const close of closers.splice(0)) close();
  for (const folder of folders.splice(0)) {
    await stopRecordedEngine(folder);
    rmSync(folder, { recursive: true, force: true });
  }
});

function stateFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'openclaw-engine-'));
  folders.push(folder);
  return folder;
}

async function options(stateDir: string, more: Partial<EngineOptions> = {}): Promise<EngineOptions> {
  // Far from the usual ports: a developer's own gateway may run beside the tests.
  const grpc = await freePortNear(20_000 + Math.floor(Math.random() * 20_000));
  return {
    stateDir, cliPath, installId: 'install-a', ports: { grpc, ui: await freePortNear(grpc + 1) },
    portsExplicit: { grpc: false, ui: false }, synchronous: 'normal', retentionDays: 30, namespace: 'openclaw', log: () => undefined, ...more,
  };
}

async function start(stateDir: string, more: Partial<EngineOptions> = {}): Promise<Engine> {
  const engine = await startEngine(await options(stateDir, more));
  closers.push(() => engine.release());
  return engine;
}

async function listen(port: number): Promise<Server> {
  const server = createServer().listen(port, '127.0.0.1');
  await new Promise((done) => server.once('listening', done));
  closers.push(() => server.close());
  return server;
}

async function withClient<T>(engine: Engine, use: (client: Client) => Promise<T>): Promise<T> {
  const connection = await Connection.connect({ address: engine.address });
  try {
    return await use(new Client({ connection, namespace: 'openclaw' }));
  } finally {
    await connection.close();
  }
}

const startWorkflow = (engine: Engine, workflowId: string) =>
  withClient(engine, (client) =>
    client.workflow.start('session', { workflowId, taskQueue: 'openclaw', searchAttributes: { OpenClawAgent: ['main'] } }),
  );

test('starts with its namespace, retention, search attributes and Web UI, and records the process', async () => {
  const folder = stateFolder();
  const engine = await start(folder);
  await startWorkflow(engine, 'one');
  await withClient(engine, async (client) => {
    const { config, namespaceInfo } = await client.connection.workflowService.describeNamespace({ namespace: 'openclaw' });
    expect(Number(config?.workflowExecutionRetentionTtl?.seconds)).toBe(30 * 86_400);
    expect(namespaceInfo?.data?.['openclaw.installId']).toBe('install-a');
  });
  const page = await fetch(`${engine.uiUrl}/`);
  expect(page.status).toBe(200);
  const record = readRecord(folder);
  expect(record).toMatchObject({ pid: engine.pid, ports: engine.ports, bootId: bootId(), startTime: processStartTime(engine.pid) });
  expect(record?.version).toMatch(/^temporal version/);
  expect(readFileSync(join(folder, 'temporal', 'server.pid'), 'utf8')).toBe(`${record?.pid} ${record?.bootId} ${record?.startTime}\n`);
});

test('a second start adopts the running server, and other flags replace it on the same ports', async () => {
  const folder = stateFolder();
  const first = await start(folder);
  first.release();
  const second = await start(folder);
  expect(second).toMatchObject({ adopted: true, pid: first.pid, address: first.address });
  second.release();
  const third = await start(folder, { dynamicConfig: { 'limit.historyCount.suggestContinueAsNew': 50 } });
  expect(third).toMatchObject({ adopted: false, address: first.address });
  expect(third.pid).not.toBe(first.pid);
});

test('a foreign process on the port is left alone and a port near it is used', async () => {
  const folder = stateFolder();
  const wanted = await options(folder);
  const foreign = await listen(wanted.ports.grpc);
  const engine = await startEngine(wanted);
  closers.push(() => engine.release());
  expect(engine.ports.grpc).toBeGreaterThan(wanted.ports.grpc);
  expect(foreign.listening).toBe(true);
});

test('killed by SIGKILL it returns on the same ports with its data', async () => {
  const folder = stateFolder();
  const engine = await start(folder, { synchronous: 'full' });
  await startWorkflow(engine, 'kept');
  const pid = engine.pid;
  const down = new Promise<string>((resolve) => engine.onDown(resolve));
  const up = new Promise<void>((resolve) => engine.onUp(resolve));
  process.kill(pid, 'SIGKILL');
  expect(await down).toContain('ended');
  await up;
  expect(engine.pid).not.toBe(pid);
  expect(readRecord(folder)?.ports).toEqual(engine.ports);
  await withClient(engine, async (client) => {
    expect((await client.workflow.getHandle('kept').describe()).status.name).toBe('RUNNING');
  });
});

test('killed by SIGKILL while it starts, twice, it is started again', async () => {
  const folder = stateFolder();
  const killed: number[] = [];
  // The record stands from the spawn on; the server answers only some hundred milliseconds later.
  const killer = setInterval(() => {
    const pid = readRecord(folder)?.pid;
    if (pid === undefined || killed.includes(pid) || killed.length === 2) return;
    killed.push(pid);
    process.kill(pid, 'SIGKILL');
  }, 5);
  closers.push(() => clearInterval(killer));
  const engine = await start(folder);
  expect(killed).toHaveLength(2);
  expect(killed).not.toContain(engine.pid);
  await startWorkflow(engine, 'after');
});

test('a namespace of another installation is refused and names the setting', async () => {
  const folder = stateFolder();
  (await start(folder)).release();
  await expect(start(folder, { installId: 'install-b' })).rejects.toMatchObject({
    code: 'NAMESPACE_OWNED',
    hint: expect.stringContaining('temporal.namespace'),
  });
  const engine = await start(folder, { installId: 'install-b', namespace: 'second' });
  expect(engine.pid).toBeGreaterThan(0);
});

test('a stale record whose pid now belongs to another process kills nothing', async () => {
  const folder = stateFolder();
  const bystander: ChildProcess = spawn('sleep', ['60'], { stdio: 'ignore' });
  closers.push(() => bystander.kill());
  const pid = bystander.pid ?? 0;
  const ports = (await options(folder)).ports;
  mkdirSync(join(folder, 'temporal'));
  writeFileSync(recordPath(folder), JSON.stringify({ pid, startTime: '1', bootId: bootId(), ports, version: 'temporal version 1.9.1', flags: [] }));
  writeFileSync(join(folder, 'temporal', 'server.pid'), `${pid} ${bootId()} 1\n`);
  const engine = await start(folder);
  expect(engine.adopted).toBe(false);
  expect(bystander.exitCode).toBeNull();
  expect(isSameProcess(pid, processStartTime(pid) ?? '')).toBe(true);
});

test('a server whose gateway died before recording it is found by what it wrote itself, and ended', async () => {
  const folder = stateFolder();
  const first = await start(folder);
  first.release();
  rmSync(recordPath(folder));
  const second = await start(folder);
  expect(second).toMatchObject({ adopted: false });
  await sleep(50);
  expect(processStartTime(first.pid)).toBeUndefined();
});

test('a CLI that does not run is named', async () => {
  await expect(start(stateFolder(), { cliPath: '/nonexistent/temporal' })).rejects.toMatchObject({ code: 'ENGINE_CLI_MISSING' });
});

test('a CLI that is not there is told with what to do', async () => {
  await expect(findTemporalCli({ ...process.env, OPENCLAW_TEMPORAL_CLI: '/nowhere' })).rejects.toMatchObject({
    code: 'ENGINE_CLI_MISSING',
    message: 'OPENCLAW_TEMPORAL_CLI names /nowhere, which does not exist.',
    hint: 'Correct it, or unset it to have one fetched.',
  });
});

test('a server that cannot start says why and where to read more', async () => {
  const folder = stateFolder();
  mkdirSync(join(folder, 'temporal', 'temporal.db'), { recursive: true });
  await expect(start(folder)).rejects.toMatchObject({ code: 'ENGINE_START_FAILED', hint: expect.stringContaining('temporal.log') });
});

test('the CLI is asked for its version once, and again when it is another file', async () => {
  const stateDir = stateFolder();
  const asked = join(stateDir, 'asked');
  const cli = join(stateDir, 'temporal-cli');
  const write = (note: string) => writeFileSync(cli, `#!/bin/sh\n# ${note}\n[ "$1" = --version ] && echo once >> '${asked}'\nexec '${cliPath}' "$@"\n`, { mode: 0o700 });
  const times = () => readFileSync(asked, 'utf8').trim().split('\n').length;
  write('one');
  const wanted = await options(stateDir, { cliPath: cli });
  (await startEngine(wanted)).release();
  expect(times()).toBe(1);
  (await startEngine(wanted)).release();
  expect(times()).toBe(1);
  write('another one');
  (await startEngine(wanted)).release();
  expect(times()).toBe(2);
});
