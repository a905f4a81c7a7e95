/**
 * Errors people and clients see: a code to act on, a sentence, and what to do next. Pure.
 */
export class CodedError extends Error {
  override readonly name = 'CodedError';
  constructor(
    /** Stable, upper case: `INVALID_REQUEST`, `PORT_BUSY`, … */
    readonly code: string,
    message: string,
    /** What to do next, one sentence. */
    readonly hint?: string,
    readonly details?: Readonly<Record<string, unknown>>,
  ) {
    super(message);
  }
}

export const invalidRequest = (message: string, details?: Readonly<Record<string, unknown>>): CodedError =>
  new CodedError('INVALID_REQUEST', message, undefined, details);

/** The message of anything thrown. */
export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
