/**
 * Samples to figures to a table.
 * Invariant: a ratio is always against a baseline measured in the same run on the same machine; the peer's time
 * stands beside it and enters no ratio, because it was taken at another time. Sizes do not depend on the moment.
 */

import type { Remote } from './flags.js';

export interface Plan {
  /** A gateway somebody else started is measured. */
  readonly remote?: Remote;
  /** How many samples to take of a thing that deserves `many`. */
  rounds(many: number): number;
  say(line: string): void;
}

export interface Bench {
  readonly title: string;
  /** Why it cannot be measured on a gateway given by `--url`. */
  readonly ownOnly?: string;
  measure(plan: Plan): Promise<readonly Row[]>;
}

export type Unit = 'ms' | 'MB' | 'turns/s' | 'bytes' | 'tokens' | '% of a core' | 'events' | 'packages';

export interface Row {
  readonly what: string;
  readonly unit: Unit;
  /** Empty when it cannot be told; then `missing` says why. */
  readonly samples: readonly number[];
  readonly missing?: string;
  /** Of two quiet cores, e.g. `< 35`. For reading: nothing fails on it. */
  readonly aim?: string;
  /** In the row's own unit, unless it says otherwise. */
  readonly baseline?: { readonly name: string; readonly value: number };
  /** As PEER.md has it: measured earlier, other machine state. */
  readonly peer?: string;
}

export function quantile(samples: readonly number[], q: number): number {
  const sorted = samples.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(q * sorted.length) - 1)] ?? Number.NaN;
}
export const median = (samples: readonly number[]): number => quantile(samples, 0.5);

export const missing = (what: string, unit: Unit, why: string): Row => ({ what, unit, samples: [], missing: why });

/** Of the row's median, so that one disturbed sample changes nothing. */
const ratio = ({ samples, baseline }: Row): string => (baseline === undefined ? '' : `${(median(samples) / baseline.value).toFixed(2)} × ${baseline.name}`);

const WHOLE: readonly Unit[] = ['bytes', 'tokens', 'packages'];
const show = (value: number, unit: Unit): string => (WHOLE.includes(unit) ? Math.round(value).toLocaleString('en') : value.toFixed(unit === 'ms' && value >= 100 ? 0 : 1));

/** A column that no row fills is left out. */
export function markdown(rows: readonly Row[]): string {
  const optional = ([['aim', (row: Row) => row.aim], ['peer, measured earlier, other machine state', (row: Row) => row.peer]] as const).filter(([, of]) => rows.some((row) => of(row) !== undefined));
  const head = ['what', 'unit', 'n', 'min', 'median', 'p95', 'max', 'ratio', ...optional.map(([name]) => name)];
  const figures = (row: Row): readonly string[] =>
    row.samples.length === 0
      ? ['-', '-', '-', '-', '-', `- (${row.missing ?? 'no samples'})`]
      : [String(row.samples.length), ...[0, 0.5, 0.95, 1].map((q) => show(quantile(row.samples, Math.max(q, Number.EPSILON)), row.unit)), ratio(row)];
  const lines = rows.map((row) => [row.what, row.unit, ...figures(row), ...optional.map(([, of]) => of(row) ?? '')]);
  const table = [head, head.map((_, i) => (i >= 2 && i <= 6 ? '--:' : '---')), ...lines];
  return table.map((cells) => `| ${cells.join(' | ')} |\n`).join('');
}
