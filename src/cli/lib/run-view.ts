/** Shows runs: the list, and one run's timeline. Pure text; what the model wrote is made safe to print. */
import { commandLine } from './approval-view.js';
import { noRoom } from './budget-view.js';
import { approvalWays, budgetWays, inLine } from './hints.js';
import { toolLine } from './tool-line.js';
import { ago, amount, clock, columns, duration, money, oneLine, paint, printable, type Style } from './terminal.js';
import { behindText } from './waiting.js';
import type { RunAnswer, RunAttempt, RunStep, RunSummary, RunTool } from './wire.js';

const STATE_STYLE: Readonly<Record<string, Style>> = { ok: 'green', error: 'red', aborted: 'yellow', dropped: 'yellow', running: 'cyan' };
const paintState = (state: string): string => paint(STATE_STYLE[state] ?? 'dim', state);

export function showRuns(runs: readonly RunSummary[]): string {
  if (runs.length === 0) return 'No runs. Start one: openclaw agent -m "hello"';
  const rows = runs.map((run) => [
    run.runId,
    oneLine(run.sessionKey, 40),
    run.waitsFor === undefined ? paintState(run.state) : `${paintState(run.state)} ${paint('yellow', `(waits for ${run.waitsFor === 'approval' ? 'an approval' : 'a budget'})`)}`,
    ago(run.startedAt ?? run.acceptedAt),
    run.durationMs == null ? '-' : duration(run.durationMs),
    amount(run.usage?.totalTokens),
    money(run.usage?.cost?.total),
    oneLine(run.preview ?? run.text ?? run.error ?? '', 48),
  ]);
  return columns([['RUN', 'SESSION', 'STATE', 'STARTED', 'TOOK', 'TOKENS', 'COST', ''], ...rows]);
}

export function showRun({ run, steps, totals }: RunAnswer): string {
  const usage = totals?.usage ?? run.usage;
  const facts: readonly (readonly [string, string | undefined])[] = [
    ['Run', run.runId],
    ['Session', run.sessionKey],
    ['Message', run.preview && oneLine(run.preview, 120)],
    ['State', paintState(run.state) + (run.code === undefined ? '' : ` (${run.code})`)],
    ...(run.waitsForApproval ?? []).map(({ id, command }): readonly [string, string] => ['Waits for', paint('yellow', `approval ${id} of ${commandLine(command)}. ${inLine(approvalWays(id))}`)]),
    ['Waits for', run.waitsForBudget && paint('yellow', `the budget of this ${run.waitsForBudget.scope} (${noRoom(run.waitsForBudget)}). ${inLine(budgetWays(run.waitsForBudget.id))}`)],
    ['Waits for', run.queuedBehind && paint('yellow', behindText(run.queuedBehind))],
    ['Error', run.error && paint('red', oneLine(run.error, 300))],
    ['Merged into', run.mergedInto],
    ['Delivery', run.delivery && `${run.delivery.state} · ${run.delivery.channel} (${run.delivery.account})${run.delivery.reason === undefined ? '' : `: ${oneLine(run.delivery.reason, 200)}`}`],
    ['Model', run.model ? [run.provider, run.model].filter(Boolean).join('/') : undefined],
    ['Waited', run.waitedMs === undefined ? undefined : duration(run.waitedMs)],
    ['Took', run.durationMs == null ? undefined : duration(run.durationMs)],
    ['Calls', totals && `${totals.modelCalls ?? 0} model, ${totals.toolCalls ?? 0} tool${totals.retries ? `, ${totals.retries} retries` : ''}`],
    ['Tokens', usage && amount(usage.totalTokens)],
    ['Cost', totals?.costUsd === undefined ? undefined : money(totals.costUsd)],
    ['Web UI', run.webUrl && `${run.webUrl}${run.hash === undefined ? '' : `  (takeRun · run ${run.hash.slice(0, 12)})`}`],
  ];
  const head = columns(facts.flatMap(([name, value]) => (value ? [[paint('dim', name), value]] : [])));
  const lines = timeline(run, steps).map(({ at, cells }) => [at === undefined ? '' : clock(at), ...cells]);
  return `${head}\n\n${columns(lines)}${run.text ? `\n\n${paint('dim', 'Answer')}\n${printable(run.text)}` : ''}`;
}

interface Line {
  readonly at: number | undefined;
  readonly cells: readonly string[];
}

function timeline(run: RunSummary, steps: readonly RunStep[]): readonly Line[] {
  const lines: Line[] = [{ at: run.acceptedAt, cells: ['', 'accepted'] }];
  if (run.startedAt !== null) lines.push({ at: run.startedAt, cells: ['', 'started', '', '', run.waitedMs !== undefined && run.waitedMs >= 1_000 ? `after ${duration(run.waitedMs)} in the queue` : ''] });
  for (const step of steps) lines.push(...stepLines(step));
  if (run.endedAt !== null) lines.push({ at: run.endedAt, cells: ['', 'ended', '', '', paintState(run.state)] });
  return lines;
}

function stepLines(step: RunStep): readonly Line[] {
  const name = `step ${step.step}`;
  return [
    ...step.attempts.map((attempt, index) => ({ at: attempt.startedAt, cells: [name, ...attemptCells(attempt, step.attempts[index - 1])] })),
    ...step.tools.map((tool) => ({ at: tool.endedAt, cells: [name, ...toolCells(tool)] })),
    ...(step.notes ?? []).map((note) => ({ at: note.at, cells: [name, note.kind, '', '', paint('red', oneLine([note.code, note.message].filter(Boolean).join(': '), 160))] })),
  ];
}

function attemptCells(attempt: RunAttempt, before: RunAttempt | undefined): readonly string[] {
  const model = `${attempt.provider}/${attempt.model}`;
  // The same model again is a retry; another one in the same step took over.
  const kind = before === undefined ? 'model' : before.provider === attempt.provider && before.model === attempt.model ? 'retry' : 'failover';
  const facts = [
    attempt.usage?.totalTokens === undefined ? undefined : `${amount(attempt.usage.totalTokens)} tokens`,
    attempt.usage?.cost?.total === undefined ? undefined : money(attempt.usage.cost.total),
    attempt.state === 'ok' ? undefined : paintState(attempt.state === 'open' ? 'cut off' : attempt.state),
    attempt.code === 'lost' ? 'lost: counted at its estimate' : attempt.code,
  ];
  return [kind, model, attempt.durationMs === undefined ? '' : duration(attempt.durationMs), facts.filter(Boolean).join(', ')];
}

function toolCells(tool: RunTool): readonly string[] {
  const facts = [tool.state === 'ok' ? undefined : paintState(tool.state), tool.attempts === undefined ? undefined : `taken up again, attempt ${tool.attempts}`];
  return ['tool', oneLine(toolLine(tool.tool, tool.args), 60), tool.durationMs === undefined ? '' : duration(tool.durationMs), facts.filter(Boolean).join(', ')];
}
