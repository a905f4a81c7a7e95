/** The lint rules bite: forbidden imports and floating promises, planted in a copy of the sources, are found. */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));
let copy: string;

beforeAll(() => {
  copy = mkdtempSync(join(tmpdir(), 'openclaw-arrows-'));
  for (const name of ['src', 'tsconfig.json', '.dependency-cruiser.cjs', '.oxlintrc.json', 'package.json']) cpSync(join(root, name), join(copy, name), { recursive: true });
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
});

afterAll(() => rmSync(copy, { recursive: true, force: true }));

function run(script: string, ...args: string[]): { readonly code: number | null; readonly out: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(root, 'node_modules', script), ...args], { cwd: copy, encoding: 'utf8' });
  return { code: status, out: stdout + stderr };
}

const cruise = () => run('dependency-cruiser/bin/dependency-cruiser.mjs', '--config', '.dependency-cruiser.cjs', '--output-type', 'err', 'src');

/** Plants a file, looks, and takes it away again. */
function planted(path: string, text: string, look: () => { readonly code: number | null; readonly out: string }): { readonly code: number | null; readonly out: string } {
  const file = join(copy, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  try {
    return look();
  } finally {
    rmSync(file);
  }
}

test('the sources as they are keep to the arrows', () => {
  const { code, out } = cruise();
  expect(out).not.toMatch(/^\s*error /m);
  expect(code).toBe(0);
});

test.each([
  ['src/core/planted.ts', `import '../storage/process.js';\n`, 'arrow-core'],
  ['src/storage/planted.ts', `import '../host/errors.js';\n`, 'arrow-storage'],
  ['src/activities/planted.ts', `import type { HostError } from '../host/errors.js';\nexport type X = HostError;\n`, 'arrow-activities'],
  ['src/cli/planted.ts', `export { bootId } from '../storage/process.js';\n`, 'arrow-cli'],
  ['src/workflows/planted.ts', `import { readFileSync } from 'node:fs';\nexport const x = readFileSync;\n`, 'workflows-are-sandboxed'],
  ['src/gateway/planted.ts', `export const late = () => import('../host/errors.js');\n`, 'arrow-gateway'],
  ['src/newroom/planted.ts', `import '../core/names.js';\n`, 'unknown-room'],
])('%s with a forbidden import fails the lint', (path, text, rule) => {
  const { code, out } = planted(path, text, cruise);
  expect(out).toContain(rule);
  expect(out).toContain(path);
  expect(code).toBeGreaterThan(0);
});

test('a floating promise fails the lint', () => {
  const text = `const work = async (): Promise<void> => undefined;\nexport function start(): void {\n  work();\n}\n`;
  const { code, out } = planted('src/core/planted.ts', text, () => run('oxlint/bin/oxlint', '--type-aware', 'src/core/planted.ts'));
  expect(out).toContain('no-floating-promises');
  expect(code).toBe(1);
});
