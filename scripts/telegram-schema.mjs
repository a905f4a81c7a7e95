/**
 * Makes test/servers/telegram/schema.json: what every Bot API method accepts, as JSON schema, from the types of
 * @grammyjs/types. `node scripts/telegram-schema.mjs` after that package was updated; the result is committed.
 *
 * Invariant: nothing is written by hand; the file is the published types and says which version. A file to upload is a
 * string here (`attach://<part>`), as it is on the wire. The generator brings its own TypeScript 5 through npx, because
 * TypeScript 7 has no compiler API; it is no dependency of the project.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const GENERATOR = ['ts-json-schema-generator@2.10.0', 'typescript@5.9.3'];
const root = fileURLToPath(new URL('..', import.meta.url));
const types = join(root, 'node_modules/@grammyjs/types');
const target = join(root, 'test/servers/telegram/schema.json');

const folder = mkdtempSync(join(tmpdir(), 'telegram-schema-'));
try {
  for (const name of readdirSync(types).filter((file) => file.endsWith('.d.ts'))) {
    const source = withoutFileType(readFileSync(join(types, name), 'utf8'));
    writeFileSync(join(folder, name), name === 'methods.d.ts' ? parametersOf(source) : source);
  }
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions: { strict: true, module: 'nodenext', moduleResolution: 'nodenext', skipLibCheck: true, types: [] }, include: ['methods.d.ts'] }));
  const made = execFileSync(
    'npx',
    ['--yes', ...GENERATOR.flatMap((name) => ['--package', name]), 'ts-json-schema-generator', '--path', 'methods.d.ts', '--type', 'Methods', '--tsconfig', 'tsconfig.json', '--jsDoc', 'none', '--no-type-check'],
    { cwd: folder, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024, stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const schema = JSON.parse(made);
  const { version } = JSON.parse(readFileSync(join(types, 'package.json'), 'utf8'));
  const { Methods: methods, ...definitions } = schema.definitions;
  // One definition or method a line: a new version of the types then shows as a readable difference.
  const lines = (object) => Object.keys(object).toSorted().map((name) => `    ${JSON.stringify(name)}: ${JSON.stringify(object[name])}`).join(',\n');
  writeFileSync(target, `{\n  "from": ${JSON.stringify(`@grammyjs/types ${version}`)},\n  "methods": {\n${lines(methods.properties)}\n  },\n  "definitions": {\n${lines(definitions)}\n  }\n}\n`);
  process.stdout.write(`test/servers/telegram/schema.json: ${Object.keys(methods.properties).length} methods\n`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** The generator mixes up one generic type used under two names; the parameter stands for an upload, on the wire a string. */
function withoutFileType(source) {
  return source.replace(/<(?:F|never)>/g, '').replace(/([:|]) F\b/g, '$1 string');
}

/** The methods as an interface of their parameters: the results are of no interest and would drag in every type. */
function parametersOf(source) {
  const head = source.slice(0, source.indexOf('/** Extracts the parameters'));
  const body = source.slice(source.indexOf('export type ApiMethods = {'));
  return (
    head +
    body
      .replace('export type ApiMethods = {', 'export interface Methods {')
      .replace(/^ {4}(\w+)\(args\??: \{$/gm, '    $1: {')
      .replace(/^ {4}(\w+)\(\): .*;$/gm, '    $1: {};')
      .replace(/^ {4}\}\): .*;$/gm, '    };')
      .replace(/ApiMethods\["/g, 'Methods["')
  );
}
