/**
 * Samples to figures to a table.
 * Invariant: a ratio is always against a baseline measured in the same run on the same machine; the peer's time
 * stands beside it and enters no ratio, because it was taken at another time. Sizes do not depend on the moment.
 */

export interface Plan {
  /** How many samples to take of a thing that deserves `many`. */
  rounds(many: number): number;
  say(line: string): void;
}

export interface Bench {
  readonly title: string;
  measure(plan: Plan): Promise<readonly Row[]>;
}

export type Unit = 'ms' | 'MB' | 'turns/s' | 'bytes' | 'tokens';

export interface Row {
  readonly what: string;
  readonly unit: Unit;
  readonly samples: readonly number[];
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

/** Of the row's median, so that one disturbed sample changes nothing. */
const ratio = ({ samples, baseline }: Row): string => (baseline === undefined ? '' : `${(median(samples) / baseline.value).toFixed(2)} × ${baseline.name}`);

const show = (value: number, unit: Unit): string => (unit === 'bytes' || unit === 'tokens' ? value.toLocaleString('en') : value.toFixed(unit === 'ms' && value >= 100 ? 0 : 1));

export function markdown(rows: readonly Row[]): string {
  const peer = rows.some((row) => row.peer !== undefined);
  const head = ['what', 'unit', 'n', 'min', 'median', 'p95', 'max', 'ratio', ...(peer ? ['peer, measured earlier, other machine state'] : [])];
  const lines = rows.map((row) => [
    row.what, row.unit, String(row.samples.length),
    ...[0, 0.5, 0.95, 1].map((q) => show(quantile(row.samples, Math.max(q, Number.EPSILON)), row.unit)),
    ratio(row), ...(peer ? [row.peer ?? ''] : []),
  ]);
  const table = [head, head.map((_, i) => (i >= 2 && i <= 6 ? '--:' : '---')), ...lines];
  return table.map((cells) => `| ${cells.join(' | ')} |\n`).join('');
}
