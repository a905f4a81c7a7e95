/** `health` and `status`, in the peer's fields; what has no engine here yet is there and empty. */
import { DEFAULT_AGENT } from '../../core/names.js';
import { HealthParams, StatusParams } from '../../core/schema/rpc.js';
import type { GatewayDeps } from '../deps.js';
import { validator } from '../validate.js';
import { channelViews } from './channels.js';
import { sessionEntry } from '../session-view.js';
import { method } from './method.js';

const RECENT = 10;
const MOST_APPROVALS = 200;
/** The peer's shape for an agent without heartbeats. */
const NO_HEARTBEAT = { enabled: false, every: 'off', everyMs: null, prompt: '', target: 'none', ackMaxChars: 300 } as const;

export const health = method({
  name: 'health',
  scope: 'operator.read',
  params: validator(HealthParams),
  async handler(_params, { deps, now }) {
    const began = now();
    const sessions = await recentSessions(deps, began);
    return { ...healthPayload(deps, sessions, began), durationMs: now() - began, gateway: gatewayFacts(deps, began) };
  },
});

export const status = method({
  name: 'status',
  scope: 'operator.read',
  params: validator(StatusParams),
  async handler(params, { deps, now }) {
    const at = now();
    const [models, page, running, queued, failed, budgets, notices, approvals, openApprovals, asking, channels, strangers] = await Promise.all([
      deps.models.status(),
      deps.rows.listSessions({ limit: RECENT }),
      deps.rows.listRuns({ state: ['taken'], limit: 1 }),
      deps.rows.listRuns({ state: ['accepted', 'held', 'signalled'], limit: 1 }),
      deps.rows.listRuns({ state: ['error'], limit: 1 }),
      deps.budgets.overview(),
      deps.notices.open(),
      deps.approvals.list({ open: true, limit: MOST_APPROVALS }),
      deps.approvals.count({ open: true }),
      deps.approvals.runsThatAsk(),
      channelViews(deps),
      deps.pairing.list(),
    ]);
    const oldest = openApprovals > approvals.length ? (await deps.approvals.list({ open: true, limit: 1, offset: openApprovals - 1 }))[0] : approvals.at(-1);
    const overBudget = new Set(budgets.questions.flatMap(({ waiting }) => waiting.map(({ run }) => run)));
    const today = budgets.lines.find(({ scope }) => scope === 'day');
    const recent = page.sessions.map((row) => sessionEntry(row, at));
    const memory = process.memoryUsage();
    return {
      runtimeVersion: deps.version,
      heartbeat: { defaultAgentId: DEFAULT_AGENT, agents: [{ agentId: DEFAULT_AGENT, enabled: false, every: NO_HEARTBEAT.every, everyMs: null, waitingForRoute: false }] },
      channelSummary: params.includeChannelSummary ? deps.channels.list().map(({ status: { channel, account, state } }) => `${channel} (${account}): ${state}`) : [],
      channels,
      queuedSystemEvents: [],
      tasks: { total: running.total + queued.total, active: running.total, terminal: 0, failures: failed.total, byStatus: { running: running.total, queued: queued.total }, byRuntime: {} },
      taskAudit: {},
      sessions: {
        paths: [deps.stateDir],
        count: page.total,
        defaults: { model: models.primary, contextTokens: models.contextTokens },
        recent,
        byAgent: [{ agentId: DEFAULT_AGENT, path: deps.stateDir, count: page.total, recent }],
      },
      processMemory: { rss: memory.rss, heapUsed: memory.heapUsed, heapTotal: memory.heapTotal },
      pid: process.pid,
      models,
      // Those that wait for a person are among the running ones.
      runs: { running: running.total, queued: queued.total, failed: failed.total, waitForApproval: asking.length, waitForBudget: overBudget.size },
      budgets: { day: budgets.day, ...(today ? { spent: today.spent, limit: today.limit } : {}), questions: budgets.questions.map(({ id, scope }) => ({ id, scope })) },
      notices,
      approvals: { open: openApprovals, ids: approvals.map(({ id }) => id), ...(oldest ? { oldestAtMs: oldest.createdAt } : {}) },
      pairing: { waiting: strangers.length, held: strangers.reduce((sum, { held }) => sum + held, 0), ...(strangers.length > 0 ? { oldestAtMs: Math.min(...strangers.map(({ requestedAt }) => requestedAt)) } : {}) },
      gateway: gatewayFacts(deps, at),
    };
  },
});

function gatewayFacts(deps: GatewayDeps, at: number): Readonly<Record<string, unknown>> {
  const report = deps.health();
  return {
    version: deps.version,
    pid: process.pid,
    startedAt: deps.startedAt,
    uptimeMs: Math.max(0, at - deps.startedAt),
    stateDir: deps.stateDir,
    ready: report.ready,
    failing: report.failing,
    ...(report.details ? { details: report.details } : {}),
  };
}

export interface HealthSessions {
  readonly path: string;
  readonly count: number;
  readonly recent: readonly { readonly key: string; readonly updatedAt: number | null; readonly age: number | null }[];
}

async function recentSessions(deps: GatewayDeps, at: number): Promise<HealthSessions> {
  const page = await deps.rows.listSessions({ limit: RECENT });
  return { path: deps.stateDir, count: page.total, recent: page.sessions.map((row) => ({ key: row.key, updatedAt: row.updatedAt, age: Math.max(0, at - row.updatedAt) })) };
}

/** Also the snapshot in hello, whose schema is closed. */
export function healthPayload(deps: Pick<GatewayDeps, 'stateDir'>, sessions: HealthSessions, at: number) {
  return {
    ok: true as const,
    ts: at,
    channels: {},
    channelOrder: [],
    channelLabels: {},
    heartbeatSeconds: 0,
    defaultAgentId: DEFAULT_AGENT,
    agents: [{ agentId: DEFAULT_AGENT, isDefault: true, heartbeat: NO_HEARTBEAT, sessions }],
    sessions,
  };
}

export const systemMethods = [health, status];
