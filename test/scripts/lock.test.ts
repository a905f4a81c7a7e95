/** The lock file works on every platform, not only on that of whoever added the last dependency. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

interface Lock {
  readonly packages: Readonly<Record<string, { readonly resolved?: string }>>;
}

const root = new URL('../../', import.meta.url);
const lock = JSON.parse(readFileSync(new URL('package-lock.json', root), 'utf8')) as Lock;

test('holds the optional packages of every platform (else: node scripts/complete-lock.mjs)', async () => {
  const { missingEntries } = (await import(new URL('scripts/complete-lock.mjs', root).href)) as { missingEntries(lock: Lock): [string, object][] };
  expect(missingEntries(lock).map(([key]) => key)).toEqual([]);
});

test('names no registry', () => {
  const resolved = Object.values(lock.packages).flatMap((entry) => entry.resolved ?? []);
  expect(resolved).toEqual([]);
});
