/**
 * `usage.cost` (the peer's) and `usage.summary` (ours): tokens and dollars by day, model and session, from usage rows.
 * A breakdown of a cost by kind of token is made with today's prices and sums up to what was recorded.
 */
import { endOfDay, dayIn, isTimezone, shiftDay, startOfDay } from '../../core/calendar.js';
import { invalidRequest } from '../../core/errors.js';
import type { ModelPrice } from '../../core/model.js';
import { DEFAULT_AGENT } from '../../core/names.js';
import { UsageCostParams, UsageSummaryParams } from '../../core/schema/rpc.js';
import type { SessionSum, UsageSum } from '../../storage/spending.js';
import { validator } from '../validate.js';
import { method } from './method.js';

/** As the peer's. */
const DEFAULT_DAYS = 30;
const RANGES: Readonly<Record<string, number>> = { '7d': 7, '30d': 30, '90d': 90, '1y': 365 };
const TOP_SESSIONS = 10;

export const usageCost = method({
  name: 'usage.cost',
  scope: 'operator.read',
  params: validator(UsageCostParams),
  async handler(params, { deps, now }) {
    const zone = zoneOf(params, deps.budgets.timezone());
    const { first, last } = daysOf(params, dayIn(zone, now()));
    const none = params.agentId !== undefined && params.agentScope !== 'all' && params.agentId !== DEFAULT_AGENT;
    const sums = none ? [] : await deps.budgets.sums(first === undefined ? 0 : startOfDay(zone, first), endOfDay(zone, last));
    const daily = dailyOf(sums, zone, deps.models.price);
    return { updatedAt: now(), days: daysBetween(first ?? daily[0]?.date ?? last, last), daily, totals: total(sums, deps.models.price) };
  },
});

export const usageSummary = method({
  name: 'usage.summary',
  scope: 'operator.read',
  params: validator(UsageSummaryParams),
  async handler(params, { deps, now }) {
    const timezone = deps.budgets.timezone();
    const today = dayIn(timezone, now());
    const days = params.days ?? DEFAULT_DAYS;
    const first = shiftDay(today, 1 - days);
    const monthStart = startOfDay(timezone, `${today.slice(0, 7)}-01`);
    const [from, to] = [startOfDay(timezone, first), endOfDay(timezone, today)];
    const all = await deps.budgets.sums(Math.min(from, monthStart), to);
    const sums = all.filter(({ at }) => at >= from);
    const { price } = deps.models;
    const since = (start: number) => total(all.filter(({ at }) => at >= start), price);
    return {
      updatedAt: now(), timezone, days,
      today: since(startOfDay(timezone, today)),
      month: since(monthStart),
      totals: total(sums, price),
      daily: dailyOf(sums, timezone, price),
      models: [...Map.groupBy(sums, ({ provider, model }) => `${provider}/${model}`).values()]
        .map((group) => ({ provider: group[0]!.provider, model: group[0]!.model, count: group.reduce((sum, { attempts }) => sum + attempts, 0), totals: total(group, price) }))
        .toSorted((a, b) => b.totals.totalTokens - a.totals.totalTokens),
      sessions: (await deps.budgets.topSessions(from, to, TOP_SESSIONS)).map((sum) => ({ key: sum.session, count: sum.attempts, totals: total([sum], () => undefined) })),
    };
  },
});

function zoneOf({ mode, timeZone, utcOffset }: UsageCostParams, owner: string): string {
  if (mode === 'gateway') return owner;
  if (mode !== 'specific') return 'UTC';
  if (timeZone !== undefined) {
    if (!isTimezone(timeZone)) throw invalidRequest(`usage.cost: unknown timeZone ${timeZone}`);
    return timeZone;
  }
  const [, sign = '+', hours = '0', minutes = '0'] = /^UTC([+-])(\d{1,2})(?::(\d\d))?$/.exec(utcOffset ?? '') ?? [];
  const zone = `${sign}${hours.padStart(2, '0')}:${minutes.padStart(2, '0')}`;
  if (!isTimezone(zone)) throw invalidRequest(`usage.cost: unknown utcOffset ${utcOffset}`);
  return zone;
}

/** First and last day asked for; without a first, from the beginning. */
function daysOf({ startDate, endDate, range, days }: UsageCostParams, today: string): { readonly first: string | undefined; readonly last: string } {
  if (startDate !== undefined && endDate !== undefined) {
    for (const day of [startDate, endDate]) if (Number.isNaN(Date.parse(day))) throw invalidRequest(`usage.cost: there is no day ${day}`);
    if (endDate < startDate) throw invalidRequest('usage.cost: endDate lies before startDate');
    return { first: startDate, last: endDate };
  }
  if (range === 'all') return { first: undefined, last: today };
  return { first: shiftDay(today, 1 - (RANGES[range ?? ''] ?? days ?? DEFAULT_DAYS)), last: today };
}

const daysBetween = (first: string, last: string): number => Math.round((Date.parse(last) - Date.parse(first)) / 86_400_000) + 1;

type Price = (ref: string) => ModelPrice | undefined;

/** Days on which something was used, oldest first. */
const dailyOf = (sums: readonly UsageSum[], zone: string, price: Price) =>
  [...Map.groupBy(sums, ({ at }) => dayIn(zone, at))].map(([date, group]) => ({ date, ...total(group, price) })).toSorted((a, b) => (a.date < b.date ? -1 : 1));

/** The peer's totals. */
function total(sums: readonly (UsageSum | SessionSum)[], price: Price) {
  const out = { input: 0, output: 0, cacheRead: 0, cacheWrite: 0, totalTokens: 0, totalCost: 0, inputCost: 0, outputCost: 0, cacheReadCost: 0, cacheWriteCost: 0, missingCostEntries: 0 };
  for (const sum of sums) {
    const { usage, costUsd, unpriced } = sum;
    out.input += usage.input;
    out.output += usage.output;
    out.cacheRead += usage.cacheRead;
    out.cacheWrite += usage.cacheWrite;
    out.totalTokens += usage.input + usage.output + usage.cacheRead + usage.cacheWrite;
    out.totalCost += costUsd;
    out.missingCostEntries += unpriced;
    const rates = 'provider' in sum ? price(`${sum.provider}/${sum.model}`) : undefined;
    if (!rates) continue;
    const parts = { inputCost: usage.input * rates.input, outputCost: usage.output * rates.output, cacheReadCost: usage.cacheRead * (rates.cacheRead ?? rates.input), cacheWriteCost: usage.cacheWrite * (rates.cacheWrite ?? rates.input) };
    const whole = Object.values(parts).reduce((a, b) => a + b, 0);
    if (whole > 0) for (const kind of ['inputCost', 'outputCost', 'cacheReadCost', 'cacheWriteCost'] as const) out[kind] += (parts[kind] / whole) * costUsd;
  }
  return out;
}

export const usageMethods = [usageCost, usageSummary];
