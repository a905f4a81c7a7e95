/**
 * What an RPC method is: a name, the scope it needs, the closed schema of its parameters, and a handler.
 * Invariant: a handler runs only with parameters its schema passed and a caller who holds its scope.
 */
import type { ApprovalWatch } from '../approval-watch.js';
import type { GatewayDeps } from '../deps.js';
import { requireScope, type Scope } from '../scopes.js';
import { checkParams, type Validator } from '../validate.js';
import type { RunWatcher } from '../wait.js';

export interface CallContext {
  readonly deps: GatewayDeps;
  readonly watcher: RunWatcher;
  readonly approvalWatch: ApprovalWatch;
  readonly principal: string;
  /** Fires when the caller's connection is gone. */
  readonly signal: AbortSignal;
  /** An earlier response with the same id (`agent` answers twice). */
  readonly respond: (payload: unknown) => void;
  readonly now: () => number;
}

export interface Method {
  readonly name: string;
  readonly scope: Scope;
  /** Checks scope, then parameters, then runs. @throws CodedError */
  call(params: unknown, granted: readonly Scope[], context: CallContext): Promise<unknown>;
}

export function method<T>(spec: {
  readonly name: string;
  readonly scope: Scope;
  readonly params: Validator<T>;
  /** Makes what tolerant servers accept into what the schema wants, before the check. */
  readonly tolerate?: (params: Readonly<Record<string, unknown>>) => unknown;
  /** A further scope that these parameters need. */
  readonly alsoScope?: (params: T) => Scope | undefined;
  readonly handler: (params: T, context: CallContext) => unknown;
}): Method {
  return {
    name: spec.name,
    scope: spec.scope,
    async call(params, granted, context) {
      requireScope(granted, spec.scope);
      const given = params ?? {};
      const asked = spec.tolerate && typeof given === 'object' && !Array.isArray(given) ? spec.tolerate(given as Readonly<Record<string, unknown>>) : given;
      const checked = checkParams(spec.name, spec.params, asked);
      const also = spec.alsoScope?.(checked);
      if (also !== undefined) requireScope(granted, also);
      return spec.handler(checked, context);
    },
  };
}
