/**
 * What `doctor` finds out from inside the gateway: store, engine, workers, models, disk, open work. Each check says
 * what is wrong and what to do.
 */
import { statSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { join } from 'node:path';
import proto from '@temporalio/proto';
import { BUDGET_SCOPES } from '../core/budget.js';
import { isTimezone } from '../core/calendar.js';
import { messageOf } from '../core/errors.js';
import { SEARCH_ATTRIBUTES, TASK_QUEUE, TIMINGS, hostQueue } from '../core/names.js';
import type { ChannelControl, Check, Models } from '../gateway/deps.js';
import type { Deliveries } from '../sessions/deliveries.js';
import { listApprovals } from '../storage/approvals.js';
import { openQuestions } from '../storage/budget-questions.js';
import { readCondition } from '../sessions/condition.js';
import type { PairingControl } from '../sessions/pairing.js';
import { openNotices } from '../storage/notices.js';
import { storePragmas } from '../storage/sqlite.js';
import { sweepable } from '../storage/inbound.js';
import { channelsCheck, deliveriesCheck } from './doctor-channels.js';
import { pairingCheck } from './doctor-pairing.js';
import { speechCheck } from './doctor-speech.js';
import type { Runtime } from './runtime.js';
import type { Temporal } from './temporal.js';

/** Below this a busy day's histories may not fit. */
const LOW_DISK_BYTES = 1024 ** 3;
/** A question to the server each. */
const SESSIONS_LOOKED_AT = 50;
const QUEUE_TYPE = proto.temporal.api.enums.v1.TaskQueueType;

export interface DoctorDeps {
  readonly runtime: Runtime;
  readonly temporal: () => Temporal | undefined;
  readonly models: Models;
  readonly pairing: PairingControl;
  readonly channels: ChannelControl;
  readonly deliveries: Deliveries;
}

const APPROVALS_COUNTED = 200;

/** In the largest unit that says something: nobody acts on the minutes of two days. */
function ageOf(ms: number): string {
  const minutes = Math.floor(ms / 60_000);
  if (minutes < 1) return 'less than a minute';
  return minutes < 120 ? `${minutes} min` : minutes < 2_880 ? `${Math.floor(minutes / 60)} h` : `${Math.floor(minutes / 1_440)} d`;
}

type Finding = Omit<Check, 'id' | 'title'>;

export async function doctorChecks(deps: DoctorDeps, deep: boolean): Promise<readonly Check[]> {
  const { runtime, models } = deps;
  const check = async (id: string, title: string, look: () => Promise<Finding>): Promise<Check> => {
    try {
      return { id, title, ...(await look()) };
    } catch (error) {
      return { id, title, status: 'fail', detail: messageOf(error), remedy: 'See logs/openclaw.log in the state directory.' };
    }
  };
  const engine = async (look: (temporal: Temporal) => Promise<Finding>): Promise<Finding> => {
    const temporal = deps.temporal();
    return temporal ? look(temporal) : { status: 'fail', detail: 'the engine is not connected yet', remedy: 'Wait some seconds; then see logs/temporal.log in the state directory.' };
  };

  return Promise.all([
    check('store.mode', 'Store', async () => {
      const { journalMode, synchronous } = await storePragmas(runtime.db);
      const open = statSync(runtime.paths.db).mode & 0o077;
      if (open !== 0) return { status: 'warn', detail: `${runtime.paths.db} can be read by others`, remedy: `chmod 600 ${runtime.paths.db}` };
      return journalMode === 'wal' && synchronous === 2 ? { status: 'ok', detail: 'SQLite, WAL, synchronous=FULL' } : { status: 'fail', detail: `journal ${journalMode}, synchronous ${synchronous}`, remedy: 'Stop the gateway and start it again.' };
    }),
    check('disk', 'Disk', async () => {
      const disk = await statfs(runtime.paths.stateDir);
      const free = disk.bavail * disk.bsize;
      const text = `${(free / 1024 ** 3).toFixed(1)} GiB free`;
      return free < LOW_DISK_BYTES ? { status: 'warn', detail: text, remedy: 'Free some space: a full disk stops every session.' } : { status: 'ok', detail: text };
    }),
    check('engine.reachable', 'Engine', () =>
      engine(async (temporal) => {
        const { serverVersion } = await temporal.client.workflowService.getSystemInfo({});
        return { status: 'ok', detail: `Temporal ${serverVersion} at ${temporal.address}, namespace ${temporal.namespace}${temporal.engine ? '' : ' (not embedded)'}` };
      }),
    ),
    check('engine.attributes', 'Search attributes', () =>
      engine(async (temporal) => {
        const { customAttributes } = await temporal.connection.operatorService.listSearchAttributes({ namespace: temporal.namespace });
        const missing = Object.values(SEARCH_ATTRIBUTES).filter((name) => !(name in (customAttributes ?? {})));
        return missing.length === 0 ? { status: 'ok', detail: 'all there' } : { status: 'fail', detail: `missing: ${missing.join(', ')}`, remedy: 'Restart the gateway; on a server of your own add them with "temporal operator search-attribute create".' };
      }),
    ),
    check('workers.polling', 'Workers', () =>
      engine(async (temporal) => {
        const wanted = [
          [TASK_QUEUE, QUEUE_TYPE.TASK_QUEUE_TYPE_WORKFLOW],
          [TASK_QUEUE, QUEUE_TYPE.TASK_QUEUE_TYPE_ACTIVITY],
          [hostQueue(runtime.identity.hostId), QUEUE_TYPE.TASK_QUEUE_TYPE_ACTIVITY],
        ] as const;
        const idle: string[] = [];
        for (const [name, taskQueueType] of wanted) {
          const { pollers } = await temporal.client.workflowService.describeTaskQueue({ namespace: temporal.namespace, taskQueue: { name }, taskQueueType });
          if ((pollers ?? []).length === 0) idle.push(name);
        }
        return idle.length === 0 ? { status: 'ok', detail: 'every queue is polled' } : { status: 'fail', detail: `nobody polls ${idle.join(', ')}`, remedy: 'Restart the gateway; its log says why a worker stopped.' };
      }),
    ),
    check('models', 'Model', async () => {
      const { primary, configured } = await models.status();
      return configured ? { status: 'ok', detail: primary } : { status: 'warn', detail: 'no model key: the built-in offline provider answers', remedy: 'Set ANTHROPIC_API_KEY (or another provider’s key) and restart.' };
    }),
    check('media.audio', 'Transcription', () => speechCheck(runtime.live.speech())),
    check('channels', 'Messengers', async () => channelsCheck(deps.channels.list())),
    check('deliveries', 'Deliveries', () => deliveriesCheck(deps.channels.list(), deps.deliveries)),
    check('budgets', 'Budgets', async () => {
      const { limits } = runtime.live.budgets();
      const wanted = runtime.live.loaded().config.agents.defaults.userTimezone;
      if (wanted !== undefined && !isTimezone(wanted)) return { status: 'warn', detail: `agents.defaults.userTimezone is no time zone: ${wanted}`, remedy: 'Name one as Europe/Vienna; until then days are those of this machine.' };
      const set = BUDGET_SCOPES.flatMap((scope) => {
        const { tokens, usd } = limits[scope] ?? {};
        return [...(tokens === undefined ? [] : [`${tokens} tokens a ${scope}`]), ...(usd === undefined ? [] : [`$${usd} a ${scope}`])];
      });
      if (set.length === 0) return { status: 'ok', detail: 'no limits are set' };
      const chain = runtime.live.models().chain;
      const unpriced = Object.values(limits).some(({ usd }) => usd !== undefined) ? chain.filter((ref) => models.price(ref) === undefined) : [];
      const open = await openQuestions(runtime.db);
      if (unpriced.length === 0 && open.length === 0) return { status: 'ok', detail: set.join(', ') };
      return {
        status: 'warn',
        detail: [set.join(', '), ...(open.length > 0 ? [`${open.length} reached, runs wait for your answer`] : []), ...unpriced.map((ref) => `${ref} has no known price and counts $0`)].join('; '),
        remedy: [...(open.length > 0 ? ['Answer: openclaw budgets list.'] : []), ...(unpriced.length > 0 ? ['Set its cost in models.providers.<name>.models, or a limit in tokens.'] : [])].join(' '),
      };
    }),
    check('pairing', 'Strangers', () => pairingCheck(deps.pairing)),
    check('approvals', 'Approvals', async () => {
      const open = await listApprovals(runtime.db, { open: true, limit: APPROVALS_COUNTED });
      const oldest = open.at(-1);
      if (!oldest) return { status: 'ok', detail: 'none is open' };
      const age = ageOf(Date.now() - oldest.createdAt);
      return { status: 'warn', detail: open.length === 1 ? `1 waits for your answer, for ${age}` : `${open.length} wait for your answer, the oldest for ${age}`, remedy: 'openclaw approvals list' };
    }),
    check('models.answer', 'Model answers', async () => {
      if (!deep) return { status: 'skip', detail: 'not asked', remedy: 'openclaw doctor --deep' };
      const failed = (await models.test()).filter((test) => !test.ok);
      return failed.length === 0 ? { status: 'ok', detail: 'every model of the chain answered' } : { status: 'fail', detail: failed.map((test) => `${test.ref}: ${test.error}`).join('; '), remedy: 'Check the key and the model’s name: openclaw models status' };
    }),
    check('work.open', 'Open work', async () => {
      const stale = await sweepable(runtime.db, Date.now() - 2 * TIMINGS.sweepEvery);
      const forgotten = stale.filter((row) => row.state === 'accepted');
      return forgotten.length === 0 ? { status: 'ok', detail: stale.length === 0 ? 'nothing waits' : `${stale.length} in work` } : { status: 'warn', detail: `${forgotten.length} accepted, not yet signalled`, remedy: 'The sweeper signals them within a minute once the engine answers.' };
    }),
    check('notices', 'Notices', async () => {
      const notices = await openNotices(runtime.db);
      const [worst] = notices;
      if (!worst) return { status: 'ok', detail: 'nothing needs attention' };
      const more = notices.length === 1 ? '' : ` (and ${notices.length - 1} more: openclaw notices list)`;
      return { status: worst.level === 'error' ? 'fail' : worst.level === 'warn' ? 'warn' : 'ok', detail: `${worst.text}${more}`, remedy: worst.hint ?? 'openclaw notices list' };
    }),
    check('sessions.tasks', 'Sessions go on', () =>
      engine(async (temporal) => {
        const sessions = [...new Set((await sweepable(runtime.db, Date.now())).map((row) => row.session))].slice(0, SESSIONS_LOOKED_AT);
        const stuck: string[] = [];
        for (const session of sessions) {
          const condition = await readCondition(temporal.client, session).catch(() => undefined);
          if (condition?.state === 'failing') stuck.push(`${session} (${condition.message})`);
        }
        return stuck.length === 0 ? { status: 'ok', detail: sessions.length === 0 ? 'none is at work' : `${sessions.length} at work` } : { status: 'fail', detail: `stuck: ${stuck.join(', ')}`, remedy: 'openclaw sessions recover <session>' };
      }),
    ),
    check('run.socket', 'Event socket', async () => {
      const socket = statSync(join(runtime.paths.stateDir, 'run.sock'), { throwIfNoEntry: false });
      return socket && (socket.mode & 0o077) !== 0 ? { status: 'warn', detail: 'run.sock is open to others', remedy: 'Restart the gateway.' } : { status: 'ok', detail: 'private' };
    }),
  ]);
}
