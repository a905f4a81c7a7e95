/** What a method is given; what it returns is the `result` of the answer, what it throws as `Refusal` the error. */
import type { Body } from '../body.js';
import type { Params } from '../schema.js';
import type { Updates } from '../updates.js';
import type { World } from '../world.js';

export interface MethodContext {
  readonly world: World;
  readonly updates: Updates;
  readonly params: Params;
  readonly files: Body['files'];
  /** Aborted when the client hangs up. */
  readonly gone: AbortSignal;
}

export type Method = (context: MethodContext) => unknown;
export type Methods = Readonly<Record<string, Method>>;

export const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');
