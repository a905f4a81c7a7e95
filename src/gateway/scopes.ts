/**
 * Operator scopes and what they include.
 * Invariant: what was not requested is not granted, and every method names the one scope it needs.
 */
import { CodedError } from '../core/errors.js';

export const SCOPES = [
  'operator.read',
  'operator.write',
  'operator.admin',
  'operator.approvals',
  'operator.questions',
  'operator.pairing',
  'operator.talk',
  'operator.talk.secrets',
] as const;
export type Scope = (typeof SCOPES)[number];

export const grantScopes = (requested: readonly string[]): readonly Scope[] => SCOPES.filter((scope) => requested.includes(scope));

/** `admin` includes all, `write` includes `read`. */
export function hasScope(granted: readonly Scope[], wanted: Scope): boolean {
  return granted.includes('operator.admin') || granted.includes(wanted) || (wanted === 'operator.read' && granted.includes('operator.write'));
}

/** @throws CodedError FORBIDDEN, in the peer's words */
export function requireScope(granted: readonly Scope[], wanted: Scope): void {
  if (hasScope(granted, wanted)) return;
  throw new CodedError('FORBIDDEN', `missing scope: ${wanted}`, undefined, { code: 'MISSING_SCOPE', missingScope: wanted, requiredScopes: [wanted] });
}
