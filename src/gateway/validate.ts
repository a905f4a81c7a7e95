/**
 * Checks of what comes over the wire, with the peer's words for what is wrong.
 * Invariant: nothing is coerced, removed or defaulted: a value either is what its closed schema says, or is refused.
 */
import { formatValidationErrors } from '@openclaw/gateway-protocol';
import type { Static, TSchema } from 'typebox';
import { Compile } from 'typebox/compile';

import { invalidRequest } from '../core/errors.js';

/** The protocol package's shape, so that its validators and ours are the same thing here. */
export type Validator<T> = ((data: unknown) => data is T) & { errors?: Parameters<typeof formatValidationErrors>[0] };

/** A validator for a schema of ours; compiled on first use. */
export function validator<S extends TSchema>(schema: S): Validator<Static<S>> {
  let compiled: ReturnType<typeof Compile<S>> | undefined;
  const validate = ((data: unknown): data is Static<S> => {
    compiled ??= Compile(schema);
    const ok = compiled.Check(data);
    // `boolean` says again, less clearly, that a closed object has an unexpected property.
    const errors = ok ? null : [...compiled.Errors(data)].filter((error) => error.keyword !== 'boolean');
    validate.errors = errors as unknown as Validator<Static<S>>['errors'];
    return ok;
  }) as Validator<Static<S>>;
  return validate;
}

/** @throws CodedError INVALID_REQUEST `invalid <what> params: …` */
export function checkParams<T>(what: string, validate: Validator<T>, params: unknown): T {
  if (validate(params)) return params;
  throw invalidRequest(`invalid ${what} params: ${problems(validate)}`);
}

export const problems = (validate: Validator<unknown>): string => formatValidationErrors(validate.errors);
