/**
 * The process that looks after one command. The exec tool starts it detached, so it outlives gateway and worker.
 *
 * Invariants: the folder of a call is made by exactly one supervisor, with `owner.json` durable in it before the command
 * starts; `exit.json` is durable only after the output is; nothing the command started in its process group outlives
 * it. A specification that does not arrive whole leaves no trace.
 *
 * Runs alone as `node supervisor.js`: it imports node's own modules (and one file of helpers), so that it starts in
 * tens of milliseconds, and only erasable TypeScript, so that tests run it unbuilt.
 */
import { execFileSync, spawn } from 'node:child_process';
import {
  closeSync, constants, existsSync, fsyncSync, mkdirSync, openSync, readdirSync, readFileSync, renameSync, rmSync,
  unlinkSync, watch, writeFileSync, writeSync,
} from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';
import type { JobExit, JobOwner, JobSpec } from './job-files.js';

// Compiled, the helper is a .js; unbuilt, node does not map .js to .ts.
const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
const { bootId, processStartTime } = (await import(
  new URL(`../../../storage/process.${extension}`, import.meta.url).href
)) as typeof import('../../../storage/process.js');

/** A command that ran into its timeout may still tidy up. */
const TIMEOUT_GRACE_MS = 2_000;
/** Somebody waits for a cancellation: together with the polls around it, it stays under a second. */
const CANCEL_GRACE_MS = 500;
/** After the command's end, what is still in the pipe arrives at once; only a process that left the group keeps it open longer. */
const DRAIN_MS = 300;
/** A program that opens `/dev/stdin` by name would wait for ever on a named pipe whose writer has gone already. */
const OPEN_INPUT_MS = 500;
/** Kept from the end of an output that went past its cap. */
const TAIL_BYTES = 64 * 1024;

main();

function main(): void {
  // A terminal that closes, or a Ctrl-C in it, is meant for the gateway.
  process.on('SIGHUP', () => undefined);
  process.on('SIGINT', () => undefined);
  // Until the command runs there is nothing to end; from then on superviseCommand's own listener acts. Signals are
  // handed out only after this synchronous start, so none is lost between the two.
  process.on('SIGTERM', () => undefined);
  const spec = readSpec();
  if (!spec) process.exit(0);
  const folder = join(spec.jobsDir, spec.name);
  try {
    if (!claim(spec, folder)) process.exit(0);
  } catch (error) {
    // The one moment at which the starter still listens.
    try {
      writeSync(2, error instanceof Error ? error.message : String(error));
    } finally {
      process.exit(1);
    }
  }
  superviseCommand(spec, folder);
}

function readSpec(): JobSpec | undefined {
  try {
    const text = readFileSync(0, 'utf8');
    return text.endsWith('\n') ? (JSON.parse(text) as JobSpec) : undefined;
  } catch {
    return undefined;
  }
}

/** Renaming onto a folder that is not empty fails, so exactly one rename of all supervisors of a call succeeds. */
function claim(spec: JobSpec, folder: string): boolean {
  if (existsSync(folder)) return false;
  const aside = join(spec.jobsDir, `.${spec.name}.${process.pid}`);
  const owner: JobOwner = {
    pid: process.pid,
    startTime: processStartTime(process.pid) ?? '',
    bootId: bootId(),
    key: spec.key,
    session: spec.session,
    command: spec.command,
    asked: spec.asked,
    cwd: spec.cwd,
    background: spec.background,
    startedAt: Date.now(),
  };
  mkdirSync(aside, { mode: 0o700 });
  try {
    writeFileSync(join(aside, 'output'), '', { mode: 0o600 });
    if (spec.background) mkdirSync(join(aside, 'input'), { mode: 0o700 });
    writeDurably(aside, 'owner.json', owner);
    renameSync(aside, folder);
  } catch (error) {
    rmSync(aside, { recursive: true, force: true });
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOTEMPTY' || code === 'EEXIST') return false;
    throw error;
  }
  syncFolder(spec.jobsDir);
  return true;
}

function superviseCommand(spec: JobSpec, folder: string): void {
  const out = openPipe(join(folder, '.out'));
  const inp = spec.background ? openPipe(join(folder, '.in')) : undefined;
  const file = openSync(join(folder, 'output'), 'a', 0o600);
  const output = keepOutput(file, spec.maxBytes);
  const reader = new Socket({ fd: out.readEnd, readable: true, writable: false });
  const drained = new Promise<void>((resolve) => {
    reader.on('data', output.add);
    reader.on('error', () => undefined);
    reader.on('close', resolve);
  });
  const state = { timedOut: false, ended: false };

  const child = spawn(spec.argv[0] ?? '', spec.argv.slice(1), {
    cwd: spec.cwd,
    env: { ...process.env, ...spec.env },
    detached: true,
    // One pipe for both, or their order would be lost.
    stdio: [inp ? inp.readEnd : 'ignore', out.writeEnd, out.writeEnd],
  });
  closeSync(out.writeEnd);
  if (inp) closeSync(inp.readEnd);
  const stdin = inp ? new Socket({ fd: inp.writeEnd, readable: false, writable: true }) : undefined;
  const stopInput = stdin ? serveInput(join(folder, 'input'), stdin) : () => undefined;

  const timer = spec.timeoutMs > 0 ? setTimeout(() => {
    state.timedOut = true;
    void endGroup(child.pid, TIMEOUT_GRACE_MS);
  }, spec.timeoutMs) : undefined;
  process.on('SIGTERM', () => void endGroup(child.pid, CANCEL_GRACE_MS));

  const finish = async (code: number | null, signal: string | null, error?: string): Promise<void> => {
    if (state.ended) return;
    state.ended = true;
    clearTimeout(timer);
    stopInput();
    await endGroup(child.pid, CANCEL_GRACE_MS);
    await Promise.race([drained, new Promise((resolve) => setTimeout(resolve, DRAIN_MS))]);
    const bytes = output.end();
    const exit: JobExit = {
      code, signal, timedOut: state.timedOut, cancelled: existsSync(join(folder, 'cancel')), endedAt: Date.now(), bytes,
      ...(error === undefined ? {} : { error }),
    };
    writeDurably(folder, 'exit.json', exit);
    process.exit(0);
  };
  child.on('error', (error) => void finish(127, null, error.message));
  child.on('exit', (code, signal) => void finish(code, signal));
  if (child.pid !== undefined) {
    const command = { pid: child.pid, startTime: processStartTime(child.pid) ?? '' };
    writeFileSync(join(folder, 'command.json'), JSON.stringify(command), { mode: 0o600 });
  }
}

/**
 * A real pipe (node's own are sockets, on which a script's `echo > /dev/stderr` fails). Only the supervisor's end is
 * non-blocking; the command's is a file description of its own.
 */
function openPipe(path: string): { readonly readEnd: number; readonly writeEnd: number } {
  execFileSync('mkfifo', ['-m', '600', path], { stdio: 'ignore' });
  // Opening one end waits for the other; this one is both.
  const anchor = openSync(path, constants.O_RDWR);
  const readEnd = openSync(path, constants.O_RDONLY);
  const writeEnd = openSync(path, constants.O_WRONLY);
  closeSync(anchor);
  unlinkSync(path);
  return { readEnd, writeEnd };
}

/** Keeps the first `maxBytes` and, of what went past them, the end. A full disk loses output, never the exit code. */
function keepOutput(file: number, maxBytes: number): { add(chunk: Buffer): void; end(): number } {
  let total = 0;
  let kept = 0;
  let tail = Buffer.alloc(0);
  const write = (data: Buffer | string): void => {
    try {
      writeSync(file, data as string);
    } catch {
      // Counted in `total`, so the reader sees that bytes are missing.
    }
  };
  return {
    add(chunk) {
      total += chunk.length;
      const room = Math.max(0, maxBytes - kept);
      if (room > 0) write(chunk.subarray(0, room));
      kept += Math.min(room, chunk.length);
      if (chunk.length > room) tail = Buffer.from(Buffer.concat([tail, chunk.subarray(room)]).subarray(-TAIL_BYTES));
    },
    end() {
      const lost = total - kept - tail.length;
      if (lost > 0) write(`\n[${lost} bytes of output were not kept]\n`);
      if (tail.length > 0) write(tail);
      try {
        fsyncSync(file);
      } finally {
        closeSync(file);
      }
      return total;
    },
  };
}

/** Hands the files of `input/` to the command, in their order, one per writer, until the closing marker. */
function serveInput(folder: string, stdin: Socket): () => void {
  const taken = new Set<string>();
  let ended = false;
  const opened = Date.now();
  stdin.on('error', () => {
    ended = true; // the command closed its input; what is written further is lost, as in a shell
  });
  const look = (): void => {
    if (ended) return;
    const names = readdirSync(folder).filter((name) => !name.startsWith('.')).sort();
    for (const name of names) {
      if (name === 'close') continue;
      const writer = name.slice(name.indexOf('-') + 1);
      if (taken.has(writer)) continue;
      taken.add(writer);
      stdin.write(readFileSync(join(folder, name)));
    }
    if (names.includes('close')) {
      ended = true;
      setTimeout(() => stdin.end(), Math.max(0, opened + OPEN_INPUT_MS - Date.now()));
    }
  };
  const watcher = watch(folder, look);
  // Notifications can be lost (network file systems); this is the upper limit then.
  const poll = setInterval(look, 250);
  look();
  return () => {
    ended = true;
    watcher.close();
    clearInterval(poll);
    stdin.destroy();
  };
}

/** SIGTERM to the whole group, SIGKILL after the grace; resolves when nothing of it is left. */
async function endGroup(pid: number | undefined, graceMs: number): Promise<void> {
  if (pid === undefined || !signalGroup(pid, 'SIGTERM')) return;
  const deadline = Date.now() + graceMs;
  while (Date.now() < deadline) {
    if (!groupLives(pid)) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  signalGroup(pid, 'SIGKILL');
}

/** In a container whose first process reaps nobody, dead members stay as zombies for ever: they do not count. */
function groupLives(pid: number): boolean {
  if (!signalGroup(pid, 0)) return false;
  if (process.platform !== 'linux') return true;
  return readdirSync('/proc').some((name) => {
    if (!/^\d+$/.test(name)) return false;
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
      // proc(5): after the name in parentheses come state, parent, process group.
      const [state, , group] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      return Number(group) === pid && state !== 'Z' && state !== 'X';
    } catch {
      return false; // ended while we looked
    }
  });
}

function signalGroup(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(-pid, signal);
  } catch {
    return false;
  }
}

/** All or nothing, also when the machine loses power: written aside, synced, renamed, the folder synced. */
function writeDurably(folder: string, name: string, value: JobOwner | JobExit): void {
  const aside = join(folder, `.${name}.${process.pid}`);
  const file = openSync(aside, 'wx', 0o600);
  try {
    writeSync(file, JSON.stringify(value));
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(aside, join(folder, name));
  syncFolder(folder);
}

function syncFolder(folder: string): void {
  const handle = openSync(folder, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}
