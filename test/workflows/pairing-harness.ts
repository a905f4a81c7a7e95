/** Pairing workflows on a real Temporal server with the real store, activities and release; sessions as in `pairing-deps.ts`. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from '@temporalio/worker';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { createPairingActivities } from '../../src/activities/pairing.js';
import { heartbeating } from '../../src/activities/heartbeat.js';
import { TASK_QUEUE, TIMINGS, pairingWorkflowId } from '../../src/core/names.js';
import { type Attachment, type InboundMessage, messageKey } from '../../src/core/message.js';
import { createPairing } from '../../src/sessions/pairing.js';
import { createPairingEngine } from '../../src/sessions/pairing-engine.js';
import { createPeople } from '../../src/sessions/people.js';
import { deliveryById, listDeliveries } from '../../src/storage/deliveries.js';
import { inboundById } from '../../src/storage/inbound.js';
import { openStore } from '../../src/storage/sqlite.js';
import { inboundIdOf } from '../../src/sessions/keys.js';
import { workflowBundle } from './harness.js';
import { LOG, type RawConfig, configOf, lobbyDeps } from './pairing-deps.js';

export type Lobby = Awaited<ReturnType<typeof buildLobby>>;

export async function buildLobby(env: TestWorkflowEnvironment, options: { /** Of its own, so that tests share a server. */ readonly account: string; readonly config?: RawConfig; /** The test starts the activities' worker. */ readonly away?: boolean }) {
  const dir = mkdtempSync(join(tmpdir(), 'openclaw-lobby-'));
  const [file, signals] = [join(dir, 'openclaw.db'), join(dir, 'signals')];
  const db = await openStore(file);
  const shared = { connection: env.nativeConnection, namespace: env.namespace!, maxHeartbeatThrottleInterval: TIMINGS.heartbeatThrottle, defaultHeartbeatThrottleInterval: TIMINGS.heartbeatThrottle };
  const running: { readonly worker: Worker; readonly run: Promise<void> }[] = [];
  const children: ChildProcess[] = [];
  const start = (worker: Worker): void => void running.push({ worker, run: worker.run() });
  const state: { config: RawConfig; engineAway: boolean; /** While a message is handed over. */ onSignal?: () => Promise<void> } = { config: options.config ?? {}, engineAway: false };
  const deps = lobbyDeps({ db, signals, config: () => state.config, away: () => state.engineAway, around: (when) => (when === 'before' ? state.onSignal?.() : undefined) });

  start(await Worker.create({ ...shared, taskQueue: TASK_QUEUE, workflowBundle: await workflowBundle(), stickyQueueScheduleToStartTimeout: TIMINGS.stickyScheduleToStart, maxCachedWorkflows: 0 }));
  let activities: (typeof running)[number] | undefined;
  async function startActivities(): Promise<void> {
    start(await Worker.create({ ...shared, taskQueue: TASK_QUEUE, activities: heartbeating(createPairingActivities(deps)) }));
    activities = running.at(-1);
  }
  if (!options.away) await startActivities();

  const engine = createPairingEngine(env.client);
  const people = createPeople({ db, config: () => configOf(state.config) });
  const pairing = createPairing({ db, engine, limits: () => deps.limits(), configOwners: () => [], log: LOG }, { lostAfterMs: 0 });
  const message = (sender: string, id: string, attachments: readonly Attachment[] = []): InboundMessage => ({
    channel: 'telegram', account: options.account, conversation: { kind: 'direct', id: sender }, sender: { id: sender, name: `Person ${sender}` }, messageId: id, event: { type: 'message' }, time: 0, text: `secret words of ${id}`, mentions: [], attachments,
  });
  const idOf = (sender: string, id: string): string => inboundIdOf(messageKey(message(sender, id)));

  return {
    db, file, signals, state, engine, people, pairing, message, idOf, startActivities,
    async stopActivities(): Promise<void> {
      activities?.worker.shutdown();
      await activities?.run;
    },
    say: (sender: string, id: string) => pairing.hold(message(sender, id)),
    row: async (sender: string, id: string) => (await inboundById(db, idOf(sender, id)))!,
    /** Who was signalled, in order, each the first time. */
    handed: (): readonly string[] => [...new Set(existsSync(signals) ? readFileSync(signals, 'utf8').split('\n').filter(Boolean) : [])],
    /** What the stranger was told. */
    async told(): Promise<readonly string[]> {
      const all = await listDeliveries(db, { limit: 100 });
      return Promise.all(all.toReversed().map(async ({ id }) => {
        const { source } = (await deliveryById(db, id))!;
        return source.type === 'text' ? source.markdown : '';
      }));
    },
    /** The code they were given, once they were. */
    async code(sender: string): Promise<string> {
      for (const limit = Date.now() + 20_000; ; ) {
        const found = (await pairing.list()).find((request) => request.sender === sender);
        if (found && found.code !== '') return found.code;
        if (Date.now() > limit) throw new Error('no code');
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    },
    handle: (sender: string) => env.client.workflow.getHandle(pairingWorkflowId('telegram', options.account, sender)),
    /** A worker of the activities that kills itself at that point. Resolves when it works; `gone` when it does not any more. */
    async startDoomed(point: string): Promise<{ readonly gone: Promise<unknown> }> {
      const loader = fileURLToPath(new URL('../activities/tools/helpers/typescript.mjs', import.meta.url));
      const script = fileURLToPath(new URL('./children/pairing-worker.ts', import.meta.url));
      const child = spawn(process.execPath, ['--experimental-transform-types', '--no-warnings', '--import', loader, script, env.address, env.namespace ?? 'default', file, signals, point], { stdio: ['ignore', 'pipe', 'ignore'] });
      children.push(child);
      const gone = once(child, 'exit');
      await Promise.race([once(child.stdout, 'data'), gone.then(() => Promise.reject(new Error('the worker ended before it began')))]);
      return { gone };
    },
    async close(): Promise<void> {
      for (const child of children) child.kill('SIGKILL');
      for (const { worker } of running) if (worker.getState() === 'RUNNING') worker.shutdown();
      await Promise.all(running.map(({ run }) => run));
      await db.destroy();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
