/**
 * Shows approvals and grants. Pure text.
 * Invariant: a person sees exactly what will run: whole, and with everything that does not show written out.
 */
import { DECIDED_WORDS } from '../../core/approval.js';
import { approvalWays, revokeHint, showRunHint } from './hints.js';
import { ago, oneLine, paint, visible } from './terminal.js';
import type { ApprovalAnswer, ApprovalEntry, ApprovalInfo, GrantInfo, StatusAnswer } from './wire.js';

const DECIDED: Readonly<Record<string, string>> = DECIDED_WORDS;

/** What does not fit a line, in one line. */
const flat = (text: string): string => visible(text).replaceAll('\n', '\\n');

/** A command in a table or a sentence: shortened, and seen to be. */
export const commandLine = (command: string, max = 60): string => oneLine(flat(command), max);

/** Marked line by line, so that no line of a command can pass for one of ours. */
const commandLines = (command: string): readonly string[] => visible(command).split('\n').map((line, index) => `  ${paint('cyan', index === 0 ? '$' : '>')} ${line}`);

function facts({ cwd, env, why, background }: { readonly background?: boolean; readonly cwd?: string | null; readonly env?: Readonly<Record<string, string>>; readonly why?: string }): readonly string[] {
  const variables = Object.entries(env ?? {}).map(([name, value]) => `${flat(name)}=${flat(value)}`);
  return [
    ...(cwd == null ? [] : [`  folder     ${flat(cwd)}`]),
    ...variables.map((variable, index) => `  ${index === 0 ? 'variables ' : '          '} ${variable}`),
    ...(background === true ? ['  runs on    in the background, without a time limit'] : []),
    ...(why === undefined ? [] : [`  asked for  ${flat(why)}`]),
  ];
}

/** @param entry an open one, or one with its end */
export function showApproval(entry: ApprovalEntry | ApprovalInfo): string {
  const { id, request, createdAtMs } = entry;
  const whose = [request.runId == null ? 'by a client' : `by run ${flat(request.runId)}`, request.sessionKey == null ? '' : `in ${flat(request.sessionKey)}`].filter((part) => part !== '').join(' ');
  const ended = endOf(entry);
  const isOpen = ended === undefined;
  return [
    `${paint('yellow', flat(id))}  asked ${ago(createdAtMs)} ${whose}${isOpen ? '' : `, ${ended}`}`,
    ...commandLines(request.command),
    ...facts(request),
    ...(isOpen && 'handedOn' in entry && entry.handedOn === true ? ['  handed on  its run went on without it; your answer starts a run of its own'] : []),
  ].join('\n');
}

/** @returns undefined while it is open */
export function endOf(entry: ApprovalEntry | ApprovalInfo): string | undefined {
  if (!('status' in entry) || entry.status === 'pending') return undefined;
  const word = (entry.decision === undefined ? undefined : DECIDED[entry.decision]) ?? flat(entry.status);
  const by = entry.decidedBy === undefined ? '' : ` by ${flat(entry.decidedBy)}`;
  const when = entry.resolvedAtMs === undefined ? '' : ` ${ago(entry.resolvedAtMs)}`;
  return `${word}${by}${when}${entry.reason === undefined ? '' : ` (${flat(entry.reason)})`}`;
}

export const decidedWord = (decision: string): string => DECIDED[decision] ?? flat(decision);

export function showApprovals(approvals: readonly ApprovalInfo[]): string {
  return approvals
    .map((approval) => [showApproval(approval), ...(endOf(approval) === undefined ? approvalWays(flat(approval.id)).map((way) => `  ${way.command}`) : [])].join('\n'))
    .join('\n\n');
}

/** What a decision did, and for one that came late, where to see it; of one that was made before, what holds and what can still be done. */
export function showAnswer(answer: ApprovalAnswer, reason = ''): string {
  if (answer.repeated === true) return repeatedText(answer, reason);
  const word = decidedWord(answer.decision);
  const done = `${word[0]?.toUpperCase()}${word.slice(1)}: ${answer.id}`;
  if (answer.followOnRunId === undefined) return `${done}.`;
  const follow = showRunHint(answer.followOnRunId);
  return answer.decision === 'deny'
    ? `${done}. Its run had gone on without it; the agent is told in run ${answer.followOnRunId}: ${follow}`
    : `${done}. Its run had gone on without it, so it runs now as run ${answer.followOnRunId}: ${follow}`;
}

function repeatedText({ id, decision, decidedBy, resolvedAtMs, reason: said, grant }: ApprovalAnswer, reason: string): string {
  const by = decidedBy == null ? '' : ` by ${flat(decidedBy)}`;
  const when = resolvedAtMs == null ? '' : ` ${ago(resolvedAtMs)}`;
  const was = `${id} was ${decidedWord(decision)}${by}${when} already${said === undefined ? '' : ` (${flat(said)})`}`;
  if (grant) return `${was}; the same is allowed always from now on. Take that back: ${revokeHint(grant.id)}`;
  if (decision !== 'deny') return `${was}; nothing was changed.`;
  const unheard = reason === '' || reason === said ? '' : ' The reason you gave now reaches nobody.';
  return `${was}; nothing was changed.${unheard} Ask the agent to try again, and you are asked anew.`;
}

export const showGrants = (grants: readonly GrantInfo[]): string => grants.map(showGrant).join('\n\n');

export function showGrant(grant: GrantInfo): string {
  const by = grant.grantedBy === undefined ? '' : ` by ${flat(grant.grantedBy)}`;
  const whom = grant.agentId === undefined ? '' : ` to agent ${flat(grant.agentId)}`;
  return [`${paint('yellow', flat(grant.id))}  allowed always${whom}${by} ${ago(grant.createdAtMs)}`, ...commandLines(grant.command), ...facts(grant)].join('\n');
}

/** One line for `status`. */
export function approvalsLine({ open, oldestAtMs }: NonNullable<StatusAnswer['approvals']>): string {
  const oldest = oldestAtMs === undefined ? '' : `${open === 1 ? ', asked' : ', the oldest asked'} ${ago(oldestAtMs)}`;
  return paint('yellow', `${open} ${open === 1 ? 'waits' : 'wait'} for your answer${oldest}: openclaw approvals list`);
}
