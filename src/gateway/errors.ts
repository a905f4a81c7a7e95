/**
 * Turns anything thrown into the wire's error shape.
 * Invariant: only a CodedError's own words reach a client; of any other error the client learns a reference, the log the rest.
 */
import { randomUUID } from 'node:crypto';

import { CodedError, messageOf } from '../core/errors.js';
import type { Logger } from '../core/ports.js';

export interface WireError {
  readonly code: string;
  readonly message: string;
  readonly details?: unknown;
  readonly retryable?: boolean;
  readonly retryAfterMs?: number;
}

/** Codes the protocol knows; a CodedError with another one is sent as the nearest of them, its own code in `details`. */
const WIRE_CODES: ReadonlySet<string> = new Set(['INVALID_REQUEST', 'FORBIDDEN', 'UNAVAILABLE', 'NOT_PAIRED', 'APPROVAL_NOT_FOUND']);
/** Codes of ours that are the caller's to mend. */
const CALLER_CODES: ReadonlySet<string> = new Set(['MEDIA_TOO_LARGE', 'CONFIG_INVALID', 'CONFIG_CONFLICT', 'UNKNOWN_MODEL', 'NOT_FOUND', 'AMBIGUOUS', 'PAIRING_UNKNOWN']);

/** A failed answer that bears a payload too, such as the end of a failed run. */
export class FailedAnswer extends Error {
  override readonly name = 'FailedAnswer';
  constructor(
    readonly error: WireError,
    readonly payload: unknown,
  ) {
    super(error.message);
  }
}

export function wireError(error: unknown, context: { readonly log: Logger; readonly method: string; readonly connId: string }): WireError {
  if (error instanceof FailedAnswer) return error.error;
  if (error instanceof CodedError) return codedError(error);
  const ref = randomUUID().slice(0, 8);
  // The stack says where; messages of foreign errors may hold what a user wrote, so they stay out of info lines.
  context.log.error({ ref, method: context.method, conn: context.connId, error: messageOf(error), stack: error instanceof Error ? error.stack : undefined }, 'a request failed unexpectedly');
  return { code: 'UNAVAILABLE', message: `${context.method} failed inside the gateway; its log has the reason under ${ref}`, details: { ref }, retryable: true };
}

function codedError(error: CodedError): WireError {
  const known = WIRE_CODES.has(error.code);
  const code = known ? error.code : CALLER_CODES.has(error.code) ? 'INVALID_REQUEST' : 'UNAVAILABLE';
  const details = {
    ...(known ? {} : { code: error.code }),
    ...error.details,
    ...(error.hint === undefined ? {} : { hint: error.hint }),
  };
  return {
    code,
    message: error.message === '' ? code : error.message,
    ...(Object.keys(details).length > 0 ? { details } : {}),
    ...(code === 'UNAVAILABLE' ? { retryable: true } : {}),
    ...(typeof error.details?.['retryAfterMs'] === 'number' ? { retryAfterMs: error.details['retryAfterMs'] } : {}),
  };
}
