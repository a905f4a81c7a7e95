/**
 * A small state directory as a released version leaves it when everything is killed: store, engine data, workspace, job
 * folders. Recorded once a version (CONTRIBUTING says how) from the compiled gateway; `upgrade.test.ts` starts on a copy.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import BetterSqlite from 'better-sqlite3';
import { type Installation, install, until } from '../servers/installation.js';

const HISTORIES = fileURLToPath(new URL('../histories/', import.meta.url));
const archiveOf = (version: string): string => join(HISTORIES, version, 'state.tar.gz');

export const releasedStates = (): string[] => readdirSync(HISTORIES).filter((version) => existsSync(archiveOf(version))).toSorted();

/** Histories name the process that wrote them; the machine that recorded is nobody's business. */
const NAMELESS = `data:text/javascript,import os from 'node:os';import {syncBuiltinESMExports} from 'node:module';os.hostname=()=>'recorded';syncBuiltinESMExports();`;
/** Secrets, sockets, logs and facts of processes that are gone. */
const LEFT_OUT = ['gateway-token', 'run.sock', 'logs', 'gateway.lock*', 'openclaw.json', 'temporal/server.json', 'temporal/server.pid', 'temporal/*.log*'];

export async function recordState(version: string): Promise<void> {
  const house = await install({ env: { NODE_OPTIONS: `--import="${NAMELESS}"` } });
  try {
    await house.start();
    const client = await house.client();
    const send = (session: string, runId: string, message: string, queueMode = 'followup'): Promise<unknown> => client.request('chat.send', { sessionKey: session, message, idempotencyKey: runId, ...(Number(version.split('.')[1]) >= 3 ? { queueMode } : {}) });
    await send('main', 'done-1', 'run: echo recorded');
    await client.request('agent.wait', { runId: 'done-1', timeoutMs: 30_000 }, { timeoutMs: 35_000 });
    await send('busy', 'cut-1', 'slow: 2 finished');
    await send('busy', 'cut-2', 'hello');
    await send('busy', 'cut-3', 'run: echo last');
    const minor = Number(version.split('.')[1]);
    // Asked about from 0.2 on.
    if (minor >= 2) {
      await send('asks', 'asks-1', 'run: echo one | cat');
      await until('it is asked', async () => (await client.request<{ readonly length: number }>('exec.approval.list', {})).length === 1);
    }
    if (minor >= 3) await send('collects', 'collects-1', 'hello', 'collect');
    await until('the command runs', () => jobs(house).length >= 2);
    await house.kill();
    house.killEngine();
    await until('the command ended without anyone', () => jobs(house).every((job) => existsSync(join(house.stateDir, 'jobs', job, 'exit.json'))));
    for (const file of [join(house.stateDir, 'openclaw.db'), join(house.stateDir, 'temporal', 'temporal.db')]) foldLog(file);
    mkdirSync(join(HISTORIES, version), { recursive: true });
    execFileSync('tar', ['-czf', archiveOf(version), ...LEFT_OUT.map((name) => `--exclude=./${name}`), '--owner=0', '--group=0', '--numeric-owner', '-C', house.stateDir, '.']);
  } finally {
    await house.remove();
  }
}

const jobs = (house: Installation): string[] => (existsSync(join(house.stateDir, 'jobs')) ? readdirSync(join(house.stateDir, 'jobs')) : []);

/** The write-ahead log into the database: one file each. */
function foldLog(file: string): void {
  const database = new BetterSqlite(file);
  database.pragma('wal_checkpoint(TRUNCATE)');
  database.close();
}

/** A copy of what `version` left, in the state directory of a fresh installation. */
export function unpackState(version: string, stateDir: string): void {
  execFileSync('tar', ['-xzf', archiveOf(version), '--no-same-owner', '-C', stateDir]);
}
