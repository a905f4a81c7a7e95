/** The core runs inside the workflow sandbox: it may name types of elsewhere, and load nothing but itself. */
import { readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const CORE = fileURLToPath(new URL('../../src/core/', import.meta.url));
/** These load nothing at all (DESIGN §2). */
const TYPES_ONLY = ['names', 'message', 'queue', 'session-key', 'budget', 'context', 'run', 'model', 'tool', 'transcript', 'events'] as const;

/** The source without comments, so that none of them can hide or fake an import. */
const source = (file: string): string => readFileSync(`${CORE}${file}`, 'utf8').replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '');

/** What a source loads when it runs: imports and re-exports that are not erased, dynamic imports, `require`. */
function loads(text: string): string[] {
  const found: string[] = [];
  for (const [, clause = '', from = ''] of text.matchAll(/^\s*(?:import|export)\b(?!\s*\()([^;]*?)\bfrom\s*['"]([^'"]+)['"]/gm)) {
    const names = clause.match(/\{([\s\S]*)\}/)?.[1]?.split(',').map((name) => name.trim()).filter((name) => name !== '');
    const erased = /^\s*type\b/.test(clause) || (names !== undefined && /^\s*\{/.test(clause) && names.length > 0 && names.every((name) => name.startsWith('type ')));
    if (!erased) found.push(from);
  }
  for (const [, from = ''] of text.matchAll(/^\s*import\s*['"]([^'"]+)['"]/gm)) found.push(from);
  for (const [, from = ''] of text.matchAll(/\b(?:import|require)\s*\(\s*['"]?([^'")]*)/g)) found.push(from);
  return found;
}

describe('the check itself', () => {
  it('sees every way to load a module, and forgives only types', () => {
    const sample = [
      "import type { A } from './a.js';", "import { type B, type C } from './b.js';", "export type { D } from './d.js';",
      "import { type E, f } from './e.js';", "import g from './g.js';", "import * as h from './h.js';", "import './i.js';", "export * from './j.js';", "export { k } from './k.js';",
      "const l = await import('./l.js');", "const m = require('./m.js');", 'import {\n  n,\n} from "./n.js";',
    ].join('\n');
    expect(loads(sample).toSorted()).toEqual(['./e.js', './g.js', './h.js', './i.js', './j.js', './k.js', './l.js', './m.js', './n.js']);
  });
});

describe('in the core', () => {
  it.each(TYPES_ONLY)('%s loads nothing', (name) => {
    expect(loads(source(`${name}.ts`))).toEqual([]);
  });

  it.each(TYPES_ONLY)('%s asks neither the clock, chance nor the process', (name) => {
    expect(source(`${name}.ts`)).not.toMatch(/\bDate\.now\b|\bnew Date\b|\bMath\.random\b|\bprocess\.|\bcrypto\b|\bsetTimeout\b|\bBuffer\b/);
  });

  it('every other file beside the schemas loads only the core', () => {
    const files = readdirSync(CORE).filter((file) => file.endsWith('.ts'));
    expect(files.length).toBeGreaterThanOrEqual(TYPES_ONLY.length);
    for (const file of files) for (const from of loads(source(file))) expect(from, `${file} loads ${from}`).toMatch(/^\.\/[a-z-]+\.js$/);
  });
});
