/** A real store in a folder of its own, and rows as the door and the activities write them. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach } from 'vitest';
import type { InboundMessage } from '../../src/core/message.js';
import type { Fence } from '../../src/core/steps.js';
import type { RowContent } from '../../src/core/transcript.js';
import { ensureSession, takeGeneration } from '../../src/storage/fence.js';
import { type Inbound, inboundById, insertInbound } from '../../src/storage/inbound.js';
import { type Db, openStore } from '../../src/storage/sqlite.js';
import type { NewRow } from '../../src/storage/transcript.js';

export const SESSION = 'agent:main:main';

const endings: (() => Promise<void> | void)[] = [];

afterEach(async () => {
  // Newest first: connections close before their folder goes.
  for (const end of endings.splice(0).toReversed()) await end();
});

export function makeFolder(): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'openclaw-store-')));
  endings.push(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));
  return folder;
}

export interface TestStore {
  readonly db: Db;
  readonly file: string;
  readonly folder: string;
}

export async function makeStore(folder = makeFolder()): Promise<TestStore> {
  const file = join(folder, 'openclaw.db');
  const db = await openStore(file);
  endings.push(() => db.destroy());
  return { db, file, folder };
}

/** A session whose generation was taken by a workflow chain. */
export const openSession = (db: Db, session = SESSION, chain = 'chain-1'): Promise<Fence> =>
  db.transaction().execute(async (tx) => {
    await ensureSession(tx, { key: session, agent: 'main', channel: 'rpc' });
    return { session, ...(await takeGeneration(tx, session, chain)) };
  });

export const messageOf = (text: string, over: Partial<InboundMessage> = {}): InboundMessage => ({
  channel: 'rpc', account: 'default', conversation: { kind: 'direct', id: SESSION }, sender: { id: 'owner' }, messageId: 'm', event: { type: 'message' }, time: 0, text, mentions: [], attachments: [], ...over,
});

type InboundValues = Parameters<typeof insertInbound>[1];

/** @returns whether it was new */
export const accept = (db: Db, id: string, over: Partial<InboundValues> = {}): Promise<boolean> =>
  db.transaction().execute((tx) =>
    insertInbound(tx, {
      id, message_key: `key of ${id}`, run: `run of ${id}`, run_id: id, session: SESSION, principal: 'owner', role: 'owner', rights: 'all', channel: 'rpc', mode: 'followup', priority: 2,
      state: 'accepted', payload_hash: 'hash', message: JSON.stringify(messageOf(`text of ${id}`)), request: '{}', accepted_at: 1_000, ...over,
    }),
  );

export async function rowOf(db: Db, id: string): Promise<Inbound> {
  const row = await inboundById(db, id);
  if (!row) throw new Error(`no row ${id}`);
  return row;
}

export const userRow = (seq: number, over: Partial<NewRow> = {}): NewRow => ({
  seq, run: 'run', step: 0, kind: 'user', content: { type: 'user', text: `text ${seq}`, sender: { id: 'owner' }, attachments: [] }, ...over,
});

export const answerContent = (text: string, over: Partial<Extract<RowContent, { readonly type: 'assistant' }>> = {}): RowContent => ({
  type: 'assistant', text, calls: [], provider: 'fake', model: 'one', stop: 'stop', usage: { input: 1, output: 1, cacheRead: 0, cacheWrite: 0 }, ...over,
});

export interface Child {
  readonly process: ChildProcess;
  /** The next line it prints. Rejects when it ends without one. */
  line(): Promise<string>;
  tell(line: string): void;
  /** SIGKILL; resolves once it is gone. */
  kill(): Promise<void>;
}

/** Starts `children/<name>.ts` in a process of its own. It is killed after the test. */
export function startChild(name: string, ...args: readonly string[]): Child {
  const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
  const loader = at('../activities/tools/helpers/typescript.mjs');
  const child = spawn(process.execPath, ['--experimental-transform-types', '--no-warnings', '--import', loader, at(`./children/${name}.ts`), ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL');
    await gone;
  };
  endings.push(kill);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    process: child,
    kill,
    tell: (line) => void child.stdin.write(`${line}\n`),
    async line() {
      const { value, done } = await lines.next();
      if (done === true) throw new Error(`${name} ended without a word`);
      return value;
    },
  };
}
