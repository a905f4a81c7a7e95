/**
 * A whole installation under test: the compiled gateway as a real process, its engine, a client. Everything can be
 * killed with SIGKILL and started again on the same state directory and ports.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Gateway, connectGateway } from '../../src/cli/lib/client.js';
import { readPidFile } from '../../src/host/engine/record.js';

const BIN = fileURLToPath(new URL('../../bin/openclaw.mjs', import.meta.url));

export interface InstallationOptions {
  readonly config?: Readonly<Record<string, unknown>>;
  readonly env?: Readonly<Record<string, string>>;
  /** No state directory and no config yet: the engine takes ports near the usual ones. */
  readonly fresh?: boolean;
}

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly ms: number;
}

export type Installation = Awaited<ReturnType<typeof install>>;

export async function install(options: InstallationOptions = {}) {
  const home = mkdtempSync(join(tmpdir(), 'openclaw-chaos-'));
  const stateDir = join(home, 'state');
  const [port, grpc, ui] = await freePorts(3);
  if (!options.fresh) {
    mkdirSync(stateDir, { mode: 0o700 });
    writeFileSync(join(stateDir, 'openclaw.json'), JSON.stringify({ temporal: { port: grpc, uiPort: ui }, ...options.config }), { mode: 0o600 });
  }
  const env: NodeJS.ProcessEnv = { ...process.env, HOME: home, OPENCLAW_STATE_DIR: stateDir, OPENCLAW_GATEWAY_PORT: String(port), ...options.env };
  const output: string[] = [];
  let child: ChildProcess | undefined;
  const clients: Gateway[] = [];
  const others: ChildProcess[] = [];

  /** Starts the gateway in a process group of its own, as a terminal does, and waits for nothing. */
  function launch(): ChildProcess {
    const started = spawn(process.execPath, [BIN, 'gateway'], { env, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    child = started;
    started.stdout.on('data', (data: Buffer) => output.push(data.toString()));
    started.stderr.on('data', (data: Buffer) => output.push(data.toString()));
    return started;
  }

  async function start(): Promise<void> {
    const started = launch();
    await until('the gateway is ready', async () => {
      if (started.exitCode !== null) throw new Error(`the gateway ended:\n${output.join('')}`);
      return ready();
    });
  }

  /** A further process of this installation, e.g. a worker. Ended with the installation. */
  function beside(args: readonly string[]): ChildProcess {
    const started = spawn(process.execPath, [BIN, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    started.stdout.on('data', (data: Buffer) => output.push(data.toString()));
    started.stderr.on('data', (data: Buffer) => output.push(data.toString()));
    others.push(started);
    return started;
  }

  /** Any other command, to its end. */
  function run(args: readonly string[], more: Readonly<Record<string, string>> = {}): Promise<Ended> {
    const began = Date.now();
    const command = spawn(process.execPath, [BIN, ...args], { env: { ...env, ...more }, stdio: ['ignore', 'pipe', 'pipe'], timeout: 60_000, killSignal: 'SIGKILL' });
    let stdout = '';
    let stderr = '';
    command.stdout.on('data', (data: Buffer) => (stdout += data.toString()));
    command.stderr.on('data', (data: Buffer) => (stderr += data.toString()));
    return new Promise((resolve) => command.once('close', (code) => resolve({ code, stdout, stderr, ms: Date.now() - began })));
  }

  async function ready(): Promise<boolean> {
    try {
      return (await fetch(`http://127.0.0.1:${port}/readyz`)).status === 200;
    } catch {
      return false;
    }
  }

  /** @returns the exit code, when it ended by itself */
  async function end(signal?: NodeJS.Signals): Promise<number | null> {
    const ending = child;
    if (!ending || ending.exitCode !== null || ending.signalCode !== null) return ending?.exitCode ?? null;
    const gone = new Promise<number | null>((resolve) => ending.once('exit', (code) => resolve(code)));
    if (signal !== undefined) ending.kill(signal);
    const code = await gone;
    for (const client of clients.splice(0)) client.close();
    return code;
  }

  const engine = (): { readonly pid: number; readonly startTime: string; readonly ports: { readonly grpc: number; readonly ui: number } } =>
    JSON.parse(readFileSync(join(stateDir, 'temporal', 'server.json'), 'utf8'));

  async function client(): Promise<Gateway> {
    const gateway = await connectGateway({ url: `ws://127.0.0.1:${port}`, token: readFileSync(join(stateDir, 'gateway-token'), 'utf8').trim(), version: 'test' }, { timeoutMs: 20_000 });
    clients.push(gateway);
    return gateway;
  }

  return {
    home, stateDir, port, env, output, launch, start, beside, run, client, ready, engine,
    workspace: join(stateDir, 'workspace'),
    /** SIGKILL: nothing gets to say goodbye. */
    kill: () => end('SIGKILL'),
    stop: () => end('SIGTERM'),
    /** Waits for its end. */
    ended: () => end(),
    killEngine(): void {
      process.kill(engine().pid, 'SIGKILL');
    },
    pid: () => child?.pid,
    /** To the gateway, as it is: SIGSTOP, SIGCONT. */
    signal: (name: NodeJS.Signals): void => void child?.kill(name),
    /** The gateway ended by itself. */
    gone: () => child !== undefined && (child.exitCode !== null || child.signalCode !== null),
    async remove({ keepFiles = false }: { readonly keepFiles?: boolean } = {}): Promise<void> {
      await end('SIGKILL');
      for (const other of others) other.kill('SIGKILL');
      // The second one is a server whose gateway was killed before it could record it.
      for (const pid of [() => engine().pid, () => readPidFile(stateDir)!.pid]) {
        try {
          process.kill(pid(), 'SIGKILL');
        } catch {
          // Never started, or killed by the test.
        }
      }
      if (!keepFiles) rmSync(home, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/** Waits for something another process does. */
export async function until(what: string, condition: () => boolean | Promise<boolean>, timeoutMs = 60_000): Promise<void> {
  for (const limit = Date.now() + timeoutMs; !(await condition()); ) {
    if (Date.now() > limit) throw new Error(`not in time: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 30));
  }
}

async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, () => new Promise<ReturnType<typeof createServer>>((resolve) => {
      const server = createServer();
      server.listen(0, '127.0.0.1', () => resolve(server));
    })),
  );
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
