/**
 * A host for tools in a folder of its own, and contexts like the activity wrapper makes them. Claims are kept as the
 * store keeps them: by key, with the facts of the attempt that began.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach } from 'vitest';
import { jobState, killJob } from '../../../../src/activities/tools/exec/jobs.js';
import type { NewDelivery } from '../../../../src/core/channel.js';
import type { Claims, ToolConfig, ToolContext, ToolEnv, ToolResult } from '../../../../src/activities/tools/types.js';

const folders: string[] = [];
const pids: number[] = [];

afterEach(async () => {
  // A failed test leaves its jobs running, each with a supervisor meant to outlive this process.
  for (const folder of folders) {
    const jobs = join(folder, 'state', 'jobs');
    const names = existsSync(jobs) ? readdirSync(jobs).filter((name) => !name.startsWith('.')) : [];
    for (const name of names) if (jobState(jobs, name).state === 'running') await killJob(jobs, name);
  }
  for (const pid of pids.splice(0)) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // ended by itself
    }
  }
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
});

/** Ended after the test, whatever becomes of it. */
export const endLater = (pid: number): void => void pids.push(pid);

export function makeFolder(): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'openclaw-tools-')));
  folders.push(folder);
  return folder;
}

export interface TestHost extends ToolEnv {
  readonly root: string;
  readonly media: ToolEnv['media'] & { readonly stored: Map<string, Uint8Array> };
}

export function makeHost(config: Partial<ToolConfig> = {}, root = makeFolder()): TestHost {
  const workspace = join(root, 'state', 'workspace');
  const stateDir = join(root, 'state');
  for (const folder of [workspace, join(stateDir, 'jobs')]) mkdirSync(folder, { recursive: true });
  const stored = new Map<string, Uint8Array>();
  const quiet = (): void => undefined;
  return {
    root,
    workspace,
    stateDir,
    jobsDir: join(stateDir, 'jobs'),
    media: {
      stored,
      put: async (content, mime) => {
        const hash = createHash('sha256').update(content).digest('hex');
        stored.set(hash, content);
        return { hash, mime: mime ?? 'application/octet-stream', size: content.length };
      },
      get: async (ref) => stored.get((ref as unknown as { hash: string }).hash),
      path: () => '',
    },
    log: { debug: quiet, info: quiet, warn: quiet, error: quiet },
    config: {
      exec: { mode: 'full', allow: ['echo', 'pwd', 'ls', 'cat', 'head', 'tail', 'wc', 'date', 'grep', 'sleep'], timeoutSeconds: 60 },
      fs: { roots: [] },
      web: {},
      ...config,
    },
    env: process.env,
  };
}

export interface TestContext extends ToolContext {
  readonly deltas: string[];
  readonly delivered: NewDelivery[];
  /** As the workflow does it. */
  cancel(): void;
  /** As a stopping worker or a lost attempt does it. */
  lose(): void;
}

export function makeContext(key: string, claims: Claims = makeClaims(), session = 'agent:main:main'): TestContext {
  const controller = new AbortController();
  const deltas: string[] = [];
  const delivered: NewDelivery[] = [];
  let cancelled = false;
  return {
    key,
    session,
    attempt: 1,
    signal: controller.signal,
    cancelled: () => cancelled,
    emit: (delta) => void deltas.push(delta),
    approved: false,
    claims,
    attachments: async () => [],
    delivered,
    deliver: async (delivery) => void delivered.push(delivery),
    deltas,
    cancel: () => {
      cancelled = true;
      controller.abort(new Error('cancelled'));
    },
    lose: () => controller.abort(new Error('worker is stopping')),
  };
}

/** One store; every `begin` after the first is a retry whose earlier attempt is gone. */
export function makeClaims(): Claims {
  const rows = new Map<string, { facts: Readonly<Record<string, unknown>> | undefined; result?: ToolResult }>();
  return {
    begin: async (key, facts) => {
      const row = rows.get(key);
      if (!row) {
        rows.set(key, { facts });
        return { state: 'begun' };
      }
      if (row.result) return { state: 'done', result: row.result };
      return { state: 'unknown', ...(row.facts ? { facts: row.facts } : {}) };
    },
    finish: async (key, result) => {
      const row = rows.get(key);
      rows.set(key, { facts: row?.facts, result });
    },
  };
}

/** A store whose process dies before the result is kept: the effect happened, the row does not say so. */
export const forgetful = (claims: Claims): Claims => ({ begin: (key, facts) => claims.begin(key, facts), finish: async () => undefined });

export const textOf = (result: ToolResult): string => result.blocks.map((block) => (block.type === 'text' ? block.text : `<${block.mime}>`)).join('\n');

export function processLives(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return !/^[ZX]/.test(stat.slice(stat.lastIndexOf(')') + 2));
  } catch {
    if (process.platform === 'linux') return false;
  }
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

export async function until<T>(look: () => T | undefined | false, what: string, ms = 15_000): Promise<T> {
  const deadline = Date.now() + ms;
  for (;;) {
    const found = look();
    if (found !== undefined && found !== false) return found;
    if (Date.now() > deadline) throw new Error(`not within ${ms} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
