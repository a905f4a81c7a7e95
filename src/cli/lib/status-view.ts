/**
 * `openclaw status`: gathers and shows.
 * Invariant: answers also without a gateway, from the files alone, and then says how to start one.
 */
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { CodedError } from '../../core/errors.js';
import type { Gateway } from './client.js';
import { approvalsLine } from './approval-view.js';
import { budgetLine } from './budget-view.js';
import { channelsLine } from './channel-view.js';
import { strangersLine } from './people-view.js';
import type { EngineFacts, StatusAnswer } from './wire.js';
import { showNotices } from './notice-view.js';
import { ago, amount, box, columns, duration, oneLine, paint, size } from './terminal.js';

export interface Status {
  readonly gateway: { readonly url: string; readonly reachable: boolean; readonly version?: string; readonly uptimeMs?: number; readonly problem?: { readonly code: string; readonly message: string; readonly hint?: string } };
  readonly stateDir: string;
  readonly configPath: string;
  readonly databaseBytes?: number;
  readonly status?: StatusAnswer;
}

export interface Place {
  readonly url: string;
  readonly stateDir: string;
  readonly configPath: string;
}

export async function askStatus(gateway: Gateway, place: Place): Promise<Status> {
  const status = await gateway.request<StatusAnswer>('status', { includeChannelSummary: false });
  const { server, snapshot } = gateway.hello;
  return { ...files(place), gateway: { url: place.url, reachable: true, version: server.version, uptimeMs: status.gateway?.uptimeMs ?? snapshot.uptimeMs }, status };
}

/** What can be said when no gateway answers. Anything but a {@link CodedError} is thrown again. */
export function statusWithout(error: unknown, place: Place): Status {
  if (!(error instanceof CodedError)) throw error;
  const { code, message, hint } = error;
  return { ...files(place), gateway: { url: place.url, reachable: false, problem: { code, message, ...(hint === undefined ? {} : { hint }) } } };
}

function files(place: Place): Omit<Status, 'gateway'> {
  const { stateDir, configPath } = place;
  // The newest rows are in the write-ahead log until a checkpoint.
  const sizes = ['openclaw.db', 'openclaw.db-wal'].map((name) => statSync(join(stateDir, name), { throwIfNoEntry: false })?.size);
  return { stateDir, configPath, ...(sizes[0] === undefined ? {} : { databaseBytes: sizes.reduce<number>((sum, bytes = 0) => sum + bytes, 0) }) };
}

export function showStatus(status: Status): string {
  const { gateway, status: answer } = status;
  const rows: [string, string][] = [['Gateway', gatewayLine(gateway)]];
  if (answer) {
    rows.push(['Engine', engineLine(answer)]);
    const { uiUrl } = engineOf(answer);
    if (uiUrl) rows.push(['Web UI', uiUrl]);
    if (answer.models?.primary) rows.push(['Model', modelLine(answer.models)]);
    rows.push(['Runs', runsLine(answer.runs)]);
    if (answer.pairing && answer.pairing.waiting > 0) rows.push(['Strangers', strangersLine(answer.pairing)]);
    if (answer.approvals && answer.approvals.open > 0) rows.push(['Approvals', approvalsLine(answer.approvals)]);
    if (answer.channels) rows.push(['Messengers', channelsLine(answer.channels)]);
    if (answer.budgets) rows.push(['Budgets', budgetLine(answer.budgets)]);
    rows.push(['Sessions', String(answer.sessions?.count ?? 0)]);
  }
  rows.push(['Storage', storageLine(status)], ['Config', existsSync(status.configPath) ? status.configPath : `${status.configPath} (none: defaults)`]);
  const parts = [box(rows)];
  const notices = answer?.notices ?? [];
  if (notices.length > 0) parts.push(`${showNotices(notices)}\n    put away what you have seen: openclaw notices list`);
  const recent = answer?.sessions?.recent ?? [];
  if (recent.length > 0) {
    parts.push(columns([['SESSION', 'STATE', 'UPDATED', 'TOKENS'], ...recent.slice(0, 5).map((row) => [oneLine(row.key, 48), row.status ?? '-', ago(row.updatedAt ?? undefined), amount(row.totalTokens)])]));
  }
  parts.push(`Next steps:\n${nextSteps(status).map((step) => `  ${step}`).join('\n')}`);
  return parts.join('\n\n');
}

function gatewayLine({ reachable, url, version, uptimeMs, problem }: Status['gateway']): string {
  if (!reachable) return `${paint('red', problem?.code === 'GATEWAY_DOWN' ? 'not running' : 'not usable')} ${url}${problem && problem.code !== 'GATEWAY_DOWN' ? ` (${problem.message})` : ''}`;
  return `${paint('green', 'running')} ${url}, version ${version ?? '?'}, up ${duration(uptimeMs ?? 0)}`;
}

/** Those that wait for a person do nothing meanwhile: they are not counted as running here. */
function runsLine({ running = 0, queued = 0, waitForApproval = 0, waitForBudget = 0 }: NonNullable<StatusAnswer['runs']> = {}): string {
  const waits = [[waitForApproval, 'waiting for approval'], [waitForBudget, 'waiting for a budget']] as const;
  const asking = waits.flatMap(([count, word]) => (count > 0 ? [paint('yellow', `${count} ${word}`)] : []));
  return [`${Math.max(0, running - waitForApproval - waitForBudget)} running`, ...asking, `${queued} queued`].join(', ');
}

const engineOf = (answer: StatusAnswer): EngineFacts => answer.gateway?.details?.engine ?? {};

function engineLine(answer: StatusAnswer): string {
  const engine = engineOf(answer);
  const down = engine.up === false || answer.gateway?.failing?.includes('engine');
  const facts = [engine.address, engine.namespace && `namespace ${engine.namespace}`, engine.problem].filter(Boolean);
  return `Temporal ${down ? paint('red', 'down') : paint('green', 'up')} ${facts.join(', ')}`.trimEnd();
}

function modelLine({ primary = '', fallbacks = [], configured }: NonNullable<StatusAnswer['models']>): string {
  const chain = [primary, ...fallbacks].join(', then ');
  return configured === false ? `${chain} ${paint('yellow', '(no model is set up: answers come without one)')}` : chain;
}

function storageLine({ stateDir, databaseBytes }: Status): string {
  if (databaseBytes === undefined) return `${stateDir} (empty)`;
  return `${stateDir} (database ${size(databaseBytes)})`;
}

function nextSteps({ gateway }: Status): readonly string[] {
  if (!gateway.reachable) return [gateway.problem?.code === 'GATEWAY_DOWN' ? 'Start the gateway:  openclaw gateway' : (gateway.problem?.hint ?? 'openclaw doctor')];
  return ['Ask something:      openclaw agent -m "hello"', 'See what it did:    openclaw runs list', 'Check everything:   openclaw doctor'];
}
