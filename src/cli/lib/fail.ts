/**
 * From anything thrown to what a person or a script is told, and the exit code.
 * Invariant: codes are 0 done, 1 failed, 2 used wrongly, 3 out of time or waiting for a person, 130 stopped by
 * Ctrl-C.
 */
import { CodedError, messageOf } from '../../core/errors.js';
import { visible } from './terminal.js';

export const EXIT = { ok: 0, failed: 1, usage: 2, timeout: 3, interrupted: 130 } as const;

export interface Failure {
  readonly type: 'cli_error' | 'usage_error' | 'timeout' | 'rpc_error';
  readonly code: string;
  readonly message: string;
  readonly hint?: string;
  readonly details?: unknown;
  readonly exit: number;
}

/** The person stopped waiting: no answer, so no success either. */
const INTERRUPT_CODES: ReadonlySet<string> = new Set(['DETACHED', 'STOPPED']);
const TIMEOUT_CODES: ReadonlySet<string> = new Set(['WAIT_TIMEOUT', 'GATEWAY_TIMEOUT', 'CLIENT_TIMEOUT']);

export const usageError = (message: string, hint = 'Run the command with --help.'): CodedError => new CodedError('USAGE', message, hint);

export function failureOf(error: unknown): Failure {
  if (error instanceof CodedError) {
    const type = error.code === 'USAGE' ? 'usage_error' : TIMEOUT_CODES.has(error.code) ? 'timeout' : error.details?.['rpc'] === true ? 'rpc_error' : 'cli_error';
    const exit = type === 'usage_error' ? EXIT.usage : type === 'timeout' ? EXIT.timeout : INTERRUPT_CODES.has(error.code) ? EXIT.interrupted : EXIT.failed;
    const details = error.details && Object.fromEntries(Object.entries(error.details).filter(([key]) => key !== 'rpc'));
    return {
      type,
      code: error.code,
      message: error.message,
      exit,
      ...(error.hint === undefined ? {} : { hint: error.hint }),
      ...(details && Object.keys(details).length > 0 ? { details } : {}),
    };
  }
  // oclif's own errors are about how the command was written; they carry their exit code under `oclif`.
  const oclif = (error as { readonly oclif?: { readonly exit?: number } } | undefined)?.oclif;
  if (oclif) {
    const [message = 'bad usage', ...rest] = messageOf(error).split('\n');
    const hint = rest.find((line) => line.trim() !== '' && !line.startsWith('See more help'));
    return { type: 'usage_error', code: 'USAGE', message, hint: hint?.trim() ?? 'Run the command with --help.', exit: EXIT.usage };
  }
  return { type: 'cli_error', code: 'INTERNAL', message: messageOf(error), exit: EXIT.failed };
}

/** The one document on stdout under `--json`. */
export const failureDocument = ({ exit: _exit, ...error }: Failure): unknown => ({ ok: false, error });

/** One line: what happened → what to do. */
export function failureText(failure: Failure): string {
  return `Error: ${oneLine(failure.message)} (${failure.code})${failure.hint === undefined ? '' : ` → ${oneLine(failure.hint)}`}\n`;
}

/** A config's findings, a server's last words: one behind the other. */
const oneLine = (text: string): string =>
  visible(text).split('\n').map((line) => line.trim()).filter((line) => line !== '').join('; ');
