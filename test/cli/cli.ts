/** Runs the compiled `openclaw` in an installation of its own. */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const BIN = fileURLToPath(new URL('../../bin/openclaw.mjs', import.meta.url));

export interface CliResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly ms: number;
}

export interface RunningCli {
  readonly child: ChildProcess;
  readonly done: Promise<CliResult>;
  /** Resolves when stderr holds the text. */
  stderrHas(text: string): Promise<void>;
}

export interface Installation {
  readonly home: string;
  readonly stateDir: string;
  readonly env: NodeJS.ProcessEnv;
  run(args: readonly string[], more?: { readonly env?: NodeJS.ProcessEnv; readonly input?: string }): Promise<CliResult>;
  start(args: readonly string[], more?: { readonly env?: NodeJS.ProcessEnv; readonly input?: string }): RunningCli;
  remove(): void;
}

export function makeInstallation(base: NodeJS.ProcessEnv = {}): Installation {
  const home = mkdtempSync(join(tmpdir(), 'openclaw-cli-'));
  const stateDir = join(home, '.openclaw');
  const env: NodeJS.ProcessEnv = { ...process.env, HOME: home, ...base };
  for (const name of ['OPENCLAW_STATE_DIR', 'OPENCLAW_CONFIG_PATH', 'OPENCLAW_PROFILE', 'OPENCLAW_GATEWAY_PORT', 'OPENCLAW_GATEWAY_TOKEN', 'OPENCLAW_WORKSPACE_DIR', 'FORCE_COLOR']) {
    if (base[name] === undefined) delete env[name];
  }

  const start: Installation['start'] = (args, more = {}) => {
    const began = performance.now();
    const child = spawn(process.execPath, [BIN, ...args], { env: { ...env, ...more.env }, stdio: ['pipe', 'pipe', 'pipe'] });
    let stdout = '';
    let stderr = '';
    const waiting: (() => void)[] = [];
    child.stdout.on('data', (data: Buffer) => (stdout += data.toString('utf8')));
    child.stderr.on('data', (data: Buffer) => {
      stderr += data.toString('utf8');
      for (const check of waiting) check();
    });
    child.stdin.on('error', () => undefined);
    child.stdin.end(more.input ?? '');
    const done = new Promise<CliResult>((resolve) => child.on('close', (code) => resolve({ code, stdout, stderr, ms: performance.now() - began })));
    return {
      child,
      done,
      stderrHas: (text) =>
        new Promise((resolve) => {
          const check = (): void => {
            if (stderr.includes(text)) resolve();
          };
          waiting.push(check);
          check();
        }),
    };
  };
  return {
    home,
    stateDir,
    env,
    start,
    run: (args, more) => start(args, more).done,
    remove: () => rmSync(home, { recursive: true, force: true }),
  };
}
