/**
 * Commands that hints name.
 * Invariant: each can be pasted into a shell as it stands; what else can be answered is a command of its own.
 */
import { shellWord } from '../../core/shell-word.js';

const command = (...words: readonly string[]): string => `openclaw ${words.map(shellWord).join(' ')}`;

/** One thing to do: in words, and how. */
export interface Way {
  readonly what: string;
  readonly command: string;
}

export const exportHint = (session: string): string => command('sessions', 'export', session);
export const comeBack = (runId: string): string => command('runs', 'wait', runId);
export const showRunHint = (runId: string): string => command('runs', 'show', runId);
export const abortHint = (runId: string): string => command('runs', 'abort', runId);
export const dismissHint = (key: string): string => command('notices', 'dismiss', key);
export const revokeHint = (grant: string): string => command('approvals', 'revoke', grant);

export const approvalWays = (id: string): readonly Way[] => [
  { what: 'Allow it', command: command('approvals', 'approve', id) },
  { what: 'or deny it', command: command('approvals', 'deny', id) },
];

export const budgetWays = (id: string): readonly Way[] => [
  { what: 'Raise the limit', command: command('budgets', 'answer', id, 'raise') },
  { what: 'or let the waiting runs pass it', command: command('budgets', 'answer', id, 'once') },
  { what: 'or end them', command: command('budgets', 'answer', id, 'stop') },
];

/** In one line; the last command is at its end. */
export const inLine = (ways: readonly Way[]): string => ways.map(({ what, command: how }) => `${what}: ${how}`).join('; ');
