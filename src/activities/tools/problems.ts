/**
 * Errors that are an answer for the model: a path refused, a file missing, a disk full.
 *
 * Invariant: everything else (a bug, an aborted attempt, a lost store) is thrown on, so that it is retried or seen.
 */
import { CodedError } from '../../core/errors.js';
import { textResult, type ToolResult } from './types.js';

/** What errno codes mean to somebody who asked for a file. */
const MEANINGS: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  ENOENT: 'it does not exist (any more)',
  ENOTDIR: 'a part of the path is a file',
  EISDIR: 'it is a folder',
  EROFS: 'the file system is read-only',
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is used up',
  ENAMETOOLONG: 'the name is too long',
  EFBIG: 'the file would be too large',
  ELOOP: 'it is a symlink',
};

/** @throws the error itself when it is no answer */
export function problemResult(error: unknown): ToolResult {
  if (error instanceof CodedError) return { ...textResult(error.message, true), outcome: 'error' };
  const code = error instanceof Error ? ((error as NodeJS.ErrnoException).code ?? '') : '';
  const meaning = MEANINGS[code];
  if (meaning === undefined) throw error;
  return { ...textResult(`That did not work: ${meaning} (${code}).`, true), outcome: 'error' };
}
