/** `runs.list` and `runs.get` (ours): what the agent did, from rows alone, with the link to the Temporal Web UI. */
import { CodedError } from '../../core/errors.js';
import { NO_USAGE, type Usage } from '../../core/model.js';
import { clip } from '../../core/names.js';
import type { InboundState } from '../../core/run.js';
import { RunsGetParams, RunsListParams, type RUN_FILTERS } from '../../core/schema/rpc.js';
import type { GatewayDeps, RunRow, RunTimeline, UsageAttempt } from '../deps.js';
import { runStatus, tellOutcome, usageOf } from '../outcome.js';
import { validator } from '../validate.js';
import { waitsFor } from '../waits-for.js';
import { sessionOf } from './accept.js';
import { method } from './method.js';

const DEFAULT_LIMIT = 50;
/** A result in the timeline is a preview; `chat.history` has the whole. */
const PREVIEW = 2_000;

const STATES: Readonly<Record<(typeof RUN_FILTERS)[number], readonly InboundState[]>> = {
  queued: ['accepted', 'held', 'signalled'],
  running: ['taken'],
  ok: ['ok'],
  error: ['error'],
  aborted: ['aborted'],
  merged: ['merged'],
  dropped: ['dropped'],
};

export const runsList = method({
  name: 'runs.list',
  scope: 'operator.read',
  params: validator(RunsListParams),
  async handler(params, { deps, now }) {
    const limit = params.limit ?? DEFAULT_LIMIT;
    const offset = params.offset ?? 0;
    const page = await deps.rows.listRuns({
      limit,
      offset,
      ...(params.sessionKey === undefined ? {} : { session: sessionOf('runs.list', params.sessionKey, undefined) }),
      ...(params.state === undefined ? {} : { state: STATES[params.state] }),
    });
    const next = offset + page.runs.length;
    return {
      ts: now(),
      count: page.runs.length,
      totalCount: page.total,
      hasMore: next < page.total,
      nextOffset: next < page.total ? next : null,
      runs: await Promise.all(page.runs.map(async (row) => ({ ...(await runView(row, deps, now())), ...(row.state === 'taken' ? await waitsWord(deps, row) : {}) }))),
    };
  },
});

export const runsGet = method({
  name: 'runs.get',
  scope: 'operator.read',
  params: validator(RunsGetParams),
  async handler(params, { deps, now }) {
    const session = params.sessionKey === undefined ? undefined : sessionOf('runs.get', params.sessionKey, undefined);
    const row = await deps.rows.run(params.runId, session);
    if (!row) throw new CodedError('INVALID_REQUEST', `unknown run: ${params.runId}`, 'See the runs there are: openclaw runs list', { code: 'UNKNOWN_RUN', runId: params.runId });
    const timeline = await deps.rows.timeline(row.run);
    const question = row.endedAt === undefined ? await deps.budgets.waitOf(row.run) : undefined;
    const open = row.endedAt === undefined ? (await deps.approvals.list({ open: true, run: row.run, limit: 50 })).filter((approval) => approval.handedOnAt === undefined) : [];
    const asks = open.length > 0 ? { waitsForApproval: open.map(({ id, request }) => ({ id, command: request.command })) } : {};
    const waits = question ? { waitsForBudget: { id: question.id, scope: question.scope, unit: question.unit, limit: question.limit, spent: question.spent, ...(question.needs === undefined ? {} : { needs: question.needs }) } } : {};
    const { queuedBehind } = row.endedAt === undefined ? await waitsFor(deps, row) : {};
    return { run: { ...(await runView(row, deps, now())), ...asks, ...waits, ...(queuedBehind ? { queuedBehind } : {}) }, steps: steps(timeline), totals: totals(timeline) };
  },
});

async function waitsWord(deps: GatewayDeps, row: RunRow): Promise<{ readonly waitsFor?: string }> {
  const { waitingFor } = await waitsFor(deps, row);
  return waitingFor === undefined ? {} : { waitsFor: waitingFor };
}

/** The words that `runs.list` filters by. */
const stateName = (state: InboundState): string => Object.entries(STATES).find(([, states]) => states.includes(state))?.[0] ?? state;

async function runView(row: RunRow, deps: Pick<GatewayDeps, 'webUrl' | 'rows'>, now: number): Promise<Readonly<Record<string, unknown>>> {
  const ended = row.endedAt !== undefined;
  const told = ended ? tellOutcome({ row, final: row }) : undefined;
  const begun = row.takenAt ?? row.endedAt;
  const webUrl = deps.webUrl(row.session, row.run);
  const usage = row.outcome?.usage ?? row.usage;
  return {
    runId: row.runId,
    hash: row.run,
    sessionKey: row.session,
    principal: row.principal,
    state: stateName(row.state),
    status: runStatus(row),
    acceptedAt: row.acceptedAt,
    startedAt: row.takenAt ?? null,
    endedAt: row.endedAt ?? null,
    waitedMs: (begun ?? now) - row.acceptedAt,
    durationMs: row.takenAt === undefined ? null : (row.endedAt ?? now) - row.takenAt,
    provider: row.outcome?.provider ?? null,
    model: row.outcome?.model ?? null,
    ...(usage ? { usage: usageOf(usage, row.outcome?.costUsd ?? row.costUsd) } : {}),
    ...(told?.text ? { text: told.text } : {}),
    ...(told?.error === undefined ? {} : { error: told.error, code: told.code }),
    ...(row.mergedInto === undefined ? {} : { mergedInto: (await deps.rows.runByHash(row.mergedInto))?.runId ?? row.mergedInto }),
    ...(row.delivery ? { delivery: row.delivery } : {}),
    preview: clip(row.text),
    ...(webUrl === undefined ? {} : { webUrl }),
  };
}

/** One entry a step: the attempts of its model call, what it said, and its tool calls with their results. */
function steps(timeline: RunTimeline): readonly Readonly<Record<string, unknown>>[] {
  const numbers = new Set([...timeline.attempts, ...timeline.rows].map(({ step }) => step));
  return [...numbers].sort((a, b) => a - b).map((step) => {
    const rows = timeline.rows.filter((row) => row.step === step);
    const answer = rows.find((row) => row.content.type === 'assistant');
    const attempts = timeline.attempts.filter((attempt) => attempt.step === step).sort((a, b) => a.startedAt - b.startedAt);
    const calls = answer?.content.type === 'assistant' ? answer.content.calls : [];
    return {
      step,
      attempts: attempts.map(attemptView),
      ...(answer?.content.type === 'assistant' && answer.content.text !== '' ? { text: answer.content.text.slice(0, PREVIEW) } : {}),
      ...(answer === undefined ? {} : { answeredAt: answer.createdAt, seq: answer.seq }),
      tools: calls.map((call) => {
        const result = rows.find((row) => row.content.type === 'tool' && row.content.index === call.index);
        const content = result?.content.type === 'tool' ? result.content : undefined;
        const tries = timeline.tools.filter((attempt) => attempt.step === step && attempt.index === call.index).sort((a, b) => a.startedAt - b.startedAt);
        const startedAt = tries[0]?.startedAt ?? answer?.createdAt;
        const lastTry = Math.max(0, ...tries.map(({ attempt }) => attempt));
        return {
          index: call.index,
          tool: call.tool,
          args: call.args,
          state: content === undefined ? 'open' : content.isError ? 'error' : 'ok',
          ...(startedAt === undefined ? {} : { startedAt }),
          ...(result === undefined ? {} : { endedAt: result.createdAt, durationMs: durationOf(content?.details) ?? result.createdAt - (startedAt ?? result.createdAt) }),
          // The number counts: an attempt that was killed left no row of its own.
          ...(lastTry > 1 ? { attempts: lastTry } : {}),
          ...(content === undefined ? {} : { result: textOf(content.blocks).slice(0, PREVIEW), ...(content.details ? { details: content.details } : {}) }),
        };
      }),
      notes: rows.flatMap((row) => {
        if (row.content.type === 'error') return [{ kind: 'error', code: row.content.code, message: row.content.message, at: row.createdAt }];
        if (row.content.type === 'aborted') return [{ kind: 'aborted', message: row.content.reason, at: row.createdAt }];
        return [];
      }),
    };
  });
}

const attemptView = (attempt: UsageAttempt) => ({
  attempt: attempt.attempt,
  provider: attempt.provider,
  model: attempt.model,
  state: attempt.state,
  startedAt: attempt.startedAt,
  endedAt: attempt.endedAt,
  durationMs: attempt.endedAt - attempt.startedAt,
  ...(attempt.code === undefined ? {} : { code: attempt.code }),
  usage: usageOf(attempt.usage, attempt.costUsd),
});

function totals(timeline: RunTimeline) {
  const usage = timeline.attempts.reduce<Usage>((sum, { usage: more }) => ({
    input: sum.input + more.input,
    output: sum.output + more.output,
    cacheRead: sum.cacheRead + more.cacheRead,
    cacheWrite: sum.cacheWrite + more.cacheWrite,
  }), NO_USAGE);
  const costs = timeline.attempts.flatMap(({ costUsd }) => (costUsd === undefined ? [] : [costUsd]));
  const modelSteps = new Set(timeline.attempts.map(({ step }) => step)).size;
  const toolCalls = new Set(timeline.tools.map(({ step, index }) => `${step}.${index}`)).size;
  return {
    modelCalls: timeline.attempts.length,
    retries: timeline.attempts.length - modelSteps + timeline.tools.length - toolCalls,
    toolCalls: timeline.rows.filter((row) => row.content.type === 'tool').length,
    usage: usageOf(usage),
    ...(costs.length > 0 ? { costUsd: costs.reduce((sum, cost) => sum + cost, 0) } : {}),
  };
}

const durationOf = (details: Readonly<Record<string, unknown>> | undefined): number | undefined => (typeof details?.['durationMs'] === 'number' ? details['durationMs'] : undefined);
const textOf = (blocks: readonly { readonly type: string; readonly text?: string }[]): string => blocks.map((block) => block.text ?? `[${block.type}]`).join('\n');

export const runMethods = [runsList, runsGet];
