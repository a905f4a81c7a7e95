/**
 * Does one more model call fit its budgets? Pure.
 * Invariant: what is granted fits every line on top of what was spent and what running attempts hold; only spending
 * itself sends anyone to the owner, for what others hold is given back by itself.
 */
import type { BudgetAmount, BudgetLimit, BudgetScope } from './budget.js';
import type { ModelPrice } from './model.js';

/** What one attempt may use at most. */
export interface Estimate {
  readonly input: number;
  readonly output: number;
  readonly price?: ModelPrice;
}

export interface LineState {
  readonly scope: BudgetScope;
  readonly line: string;
  /** As configured and raised. */
  readonly limit: BudgetLimit;
  readonly spent: BudgetAmount;
  readonly held: BudgetAmount;
}

export type Fit =
  | { readonly kind: 'fits'; readonly output: number }
  /** Running attempts hold too much of this line: they give back what they do not use. */
  | { readonly kind: 'held'; readonly line: LineState }
  /** `needs`: what this call takes of the line at least. */
  | { readonly kind: 'over'; readonly line: LineState; readonly unit: 'tokens' | 'usd'; readonly needs: number };

/** Fewer tokens than this are no answer worth paying the prompt for. */
const LEAST_OUTPUT = 1_024;
/** While others run, less than this is waited for: an answer should not be cut because of a neighbour. */
const EASY_OUTPUT = 4_096;

export function fit(lines: readonly LineState[], asked: Estimate): Fit {
  const least = Math.min(asked.output, LEAST_OUTPUT);
  let alone = asked.output;
  let now = asked.output;
  let tightest: LineState | undefined;
  for (const line of lines) {
    for (const unit of ['tokens', 'usd'] as const) {
      const room = roomFor(line, unit, line.spent, asked);
      if (room < least) return { kind: 'over', line, unit, needs: unit === 'tokens' ? asked.input + least : usdOf({ ...asked, output: least }) };
      alone = Math.min(alone, room);
      const left = roomFor(line, unit, { tokens: line.spent.tokens + line.held.tokens, usd: line.spent.usd + line.held.usd }, asked);
      if (left < now) {
        now = left;
        tightest = line;
      }
    }
  }
  const easy = Math.min(asked.output, EASY_OUTPUT);
  const wanted = alone >= easy ? easy : least;
  return now < wanted && tightest ? { kind: 'held', line: tightest } : { kind: 'fits', output: Math.floor(now) };
}

/** Output tokens that fit above `base`; negative when not even the input does. */
function roomFor({ limit }: LineState, unit: 'tokens' | 'usd', base: BudgetAmount, asked: Estimate): number {
  if (unit === 'tokens') return limit.tokens === undefined ? Infinity : limit.tokens - base.tokens - asked.input;
  // What costs nothing, or nobody knows the price of, cannot pass a limit in dollars.
  if (limit.usd === undefined || usdOf(asked) === 0) return Infinity;
  const left = limit.usd - base.usd - usdOf({ ...asked, output: 0 });
  const perToken = (asked.price?.output ?? 0) / 1_000_000;
  return perToken === 0 ? (left < 0 ? -1 : Infinity) : left / perToken;
}

/** Most that such a call can cost: whatever may be written to a cache is. */
export const usdOf = ({ input, output, price }: Estimate): number =>
  price ? (input * Math.max(price.input, price.cacheWrite ?? 0) + output * price.output) / 1_000_000 : 0;
