/**
 * Part of the build: packages of hundreds of small files, which cost most of a start's loading, each become one file in
 * `vendor/`, and the compiled files import that instead.
 *
 * Invariant: no package is in the process twice. Every import of a bundled package, deep ones too, leads to the one
 * bundling, whose common parts are files of their own; a compiled file that would still reach one fails the build.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';

import { rolldown } from 'rolldown';
import { parseAst } from 'rolldown/parseAst';

/** Worth it only for packages with many files that the gateway loads at every start, and that nothing outside of dist/ imports there. */
const PACKAGES = ['typebox', 'kysely', 'openai', '@anthropic-ai/sdk', '@openclaw/gateway-protocol', 'file-type', 'undici'];
/** Compiled workflow code goes to the sandbox's own bundler, which finds packages as they are. */
const UNTOUCHED = ['workflows'];

/** What builds the protocol's thousand schemas, of which the gateway checks a few: without a word nobody could know that an unused one may go. */
const PURE = ['closedObject', 'workerInferenceObject', 'workerLiveObject', 'correlatedObject', 'Type'];

/** Bundles what the compiled files in `dist` import of these packages into `dist/vendor` and points the imports there. */
export async function vendor(root, dist) {
  const imports = compiledFiles(dist).flatMap((file) => importsOf(file));
  const wanted = new Map();
  for (const { source, names } of imports) wanted.set(source, new Set([...(wanted.get(source) ?? []), ...names]));
  const into = join(dist, 'vendor');
  const bundled = await bundle(root, into, wanted);
  for (const [file, found] of Map.groupBy(imports, ({ file }) => file)) redirect(file, found, into);
  writeFileSync(join(into, 'LICENSES'), licences(bundled));
}

function compiledFiles(dist) {
  return readdirSync(dist, { recursive: true })
    .filter((path) => path.endsWith('.js') && !UNTOUCHED.includes(path.split(sep)[0]))
    .map((path) => join(dist, path));
}

/** Imports of bundled packages in one file: where they stand, and which names they take. */
function importsOf(file) {
  const text = readFileSync(file, 'utf8');
  if (!PACKAGES.some((name) => text.includes(name))) return [];
  const found = [];
  for (const node of parseAst(text).body) {
    if (node.source && isBundled(node.source.value)) found.push({ file, source: node.source.value, start: node.source.start, end: node.source.end, names: namesOf(node, file) });
  }
  return found;
}

const isBundled = (source) => PACKAGES.some((name) => source === name || source.startsWith(`${name}/`));

function namesOf(node, file) {
  if (node.type === 'ImportDeclaration') {
    return node.specifiers.map((each) => (each.type === 'ImportDefaultSpecifier' ? 'default' : (each.imported?.name ?? whole(node, file))));
  }
  return node.specifiers?.map((each) => each.local.name) ?? whole(node, file);
}

function whole(node, file) {
  throw new Error(`${file} takes all of ${node.source.value}: name what it needs, or the whole package is loaded at every start`);
}

/** @returns the folders of the packages that went in */
async function bundle(root, into, wanted) {
  const prefix = 'vendor:';
  const build = await rolldown({
    cwd: root,
    input: Object.fromEntries([...wanted.keys()].map((source) => [fileName(source), `${prefix}${source}`])),
    platform: 'node',
    treeshake: { manualPureFunctions: PURE },
    onLog: (level, log) => level === 'warn' && console.error(`vendor: ${log.message}`),
    plugins: [
      {
        name: 'entries',
        resolveId: (id) => (id.startsWith(prefix) ? id : undefined),
        load: (id) => (id.startsWith(prefix) ? `export { ${[...wanted.get(id.slice(prefix.length))].join(', ')} } from '${id.slice(prefix.length)}';` : undefined),
      },
      { name: 'from-root', resolveId: { order: 'pre', handler(id, importer) { return importer?.startsWith(prefix) ? this.resolve(id, join(root, 'package.json')) : undefined; } } },
    ],
  });
  mkdirSync(into);
  // Not minified: a stack trace names functions and lines that can be read.
  const { output } = await build.write({ dir: into, format: 'esm', minify: false, comments: { legal: false, jsdoc: false, annotation: false }, entryFileNames: '[name].js', chunkFileNames: 'common-[name]-[hash].js' });
  await build.close();
  const modules = output.flatMap((chunk) => chunk.moduleIds ?? []).filter((id) => id.includes('node_modules'));
  return [...new Set(modules.map(packageFolder))].sort();
}

const fileName = (source) => source.replace(/^@/, '').replaceAll('/', '-');

function packageFolder(module) {
  let folder = dirname(module);
  // A folder of a package may hold a package.json that says only "type": "module".
  while (!existsSync(join(folder, 'package.json')) || JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')).version === undefined) folder = dirname(folder);
  return folder;
}

function redirect(file, imports, into) {
  let text = readFileSync(file, 'utf8');
  for (const { source, start, end } of imports.toSorted((a, b) => b.start - a.start)) {
    const path = relative(dirname(file), join(into, `${fileName(source)}.js`)).replaceAll(sep, '/');
    text = `${text.slice(0, start)}'${path.startsWith('.') ? path : `./${path}`}'${text.slice(end)}`;
  }
  // An import() of one, or one in a form that was not understood, would bring a second copy.
  const left = [...text.matchAll(/(?:from|import)\s*\(?\s*['"]([^'"]+)['"]/g)].map(([, source]) => source).filter(isBundled);
  if (left.length > 0) throw new Error(`${file} still imports ${left.join(', ')}`);
  writeFileSync(file, text);
}

/** Their conditions: the text goes where the code goes. */
function licences(folders) {
  return folders.map((folder) => {
    const { name, version, license, author } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    const files = readdirSync(folder).filter((file) => /^(licen[cs]e|copying|notice)/i.test(file));
    const text = files.map((file) => readFileSync(join(folder, file), 'utf8').trim()).join('\n\n');
    return `${name} ${version} (${license})\n\n${text || `${author?.name ?? author ?? name}: ${license}, no text in the package`}\n`;
  }).join(`\n${'-'.repeat(80)}\n\n`);
}
