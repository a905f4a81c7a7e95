/**
 * Failures of starting and composing the gateway's processes: each is one sentence and one next step.
 *
 * Invariant: whatever keeps `openclaw gateway` from starting reaches the person as a `HostError`, never as a stack.
 */
import { CodedError } from '../core/errors.js';

/** Codes are stable: scripts and `doctor` act on them. */
export type HostErrorCode =
  | 'ENGINE_CLI_MISSING'
  | 'ENGINE_START_FAILED'
  | 'ENGINE_UNREACHABLE'
  | 'NAMESPACE_OWNED'
  | 'NAMESPACE_UNUSABLE'
  | 'TEMPORAL_CONFIG';

export class HostError extends CodedError {
  constructor(code: HostErrorCode, message: string, hint: string, details?: Readonly<Record<string, unknown>>) {
    super(code, message, hint, details);
  }
}
