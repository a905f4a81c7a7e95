/**
 * Completes package-lock.json with the optional packages of other platforms. npm leaves out those that it did not see
 * while it resolved (a registry mirror without them, or an existing node_modules), and then `npm ci` refuses the lock
 * on every machine. Run it after adding a dependency; a test fails when it is needed.
 *
 * Invariant: it only adds entries, and only such as a package in the lock names as optional, at the version named there.
 * An added entry has no hash: npm checks that package against the registry's own.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const path = fileURLToPath(new URL('../package-lock.json', import.meta.url));
const OS = ['aix', 'android', 'darwin', 'freebsd', 'linux', 'netbsd', 'openbsd', 'openharmony', 'sunos', 'win32'];
const CPU = ['arm64', 'arm', 'ia32', 'loong64', 'mips64el', 'ppc64', 'riscv64', 's390x', 'wasm32', 'x64'];

/** Optional packages that the lock names and does not hold: `[key, entry][]`. */
export function missingEntries(lock) {
  const found = [];
  for (const [parent, { optionalDependencies = {}, dev }] of Object.entries(lock.packages)) {
    for (const [name, version] of Object.entries(optionalDependencies)) {
      const keys = [`${parent}/node_modules/${name}`, `node_modules/${name}`];
      if (keys.some((key) => lock.packages[key] !== undefined)) continue;
      // Only exact versions: those are the per-platform binaries of one release.
      if (/^\d/.test(version)) found.push([keys[1], entry(name, version, dev)]);
    }
  }
  return found;
}

function entry(name, version, dev) {
  const words = name.replace(/^@[^/]+\//, '').split('-');
  const os = OS.find((each) => words.includes(each));
  const cpu = CPU.find((each) => words.includes(each));
  const libc = /-musl/.test(name) ? 'musl' : /-gnu/.test(name) ? 'glibc' : undefined;
  return { version, ...(cpu && { cpu: [cpu] }), ...(dev && { dev }), ...(libc && { libc: [libc] }), optional: true, ...(os && { os: [os] }) };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const lock = JSON.parse(readFileSync(path, 'utf8'));
  const added = missingEntries(lock);
  const packages = Object.entries({ ...lock.packages, ...Object.fromEntries(added) });
  lock.packages = Object.fromEntries(packages.sort(([a], [b]) => a.localeCompare(b, 'en')));
  writeFileSync(path, `${JSON.stringify(lock, null, 2)}\n`);
  process.stdout.write(`${added.length} entries added to package-lock.json\n`);
}
