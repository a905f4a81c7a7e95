/**
 * A Chromium for tests of pages: OPENCLAW_CHROMIUM, PATH, macOS's usual places, the tools folder, else (Linux x64) npm's
 * `@sparticuz/chromium`, which holds the binary itself.
 *
 * Run by itself it prints the path; a failure is one line on stderr.
 */
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

import { bringTool, toolsDir } from './cache.mjs';
import { bringNode, fetchProblem, runNpm } from './node.mjs';
import { gist, onPath, run } from './run.mjs';
import { main, Problem } from './say.mjs';

const VERSION = '153.0.0';
const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chrome', 'headless_shell'];
const MAC = ['/Applications/Google Chrome.app/Contents/MacOS/Google Chrome', '/Applications/Chromium.app/Contents/MacOS/Chromium'];
const HINT = 'install Chromium or Chrome, or set OPENCLAW_CHROMIUM to one';
const toolName = `chromium-${VERSION}-${process.platform}-${process.arch}`;

export function findChromium(env = process.env) {
  const named = env.OPENCLAW_CHROMIUM;
  if (named) {
    if (!existsSync(named)) throw new Problem(`OPENCLAW_CHROMIUM names ${named}, which does not exist.`, 'correct it, or unset it');
    return named;
  }
  const brought = join(toolsDir(env), toolName, 'chromium');
  return NAMES.map((name) => onPath(name, env)).find(Boolean) ?? [...MAC, brought].find((path) => existsSync(path));
}

export async function bringChromium(env = process.env) {
  const found = findChromium(env);
  if (found !== undefined) return found;
  if (process.platform !== 'linux' || process.arch !== 'x64') throw new Problem('There is no Chromium on this machine.', HINT);
  const node = await bringNode();
  const folder = await bringTool(toolName, {
    what: 'a Chromium for the tests of pages',
    fetch: async (into) => {
      const args = ['install', '--prefix', into, '--no-save', '--no-package-lock', '--ignore-scripts', '--no-audit', '--no-fund', `@sparticuz/chromium@${VERSION}`];
      const { code, out } = await runNpm(node, args, { cwd: into });
      if (code !== 0) throw fetchProblem('Chromium', out, HINT);
      // The package unpacks its compressed binary into TMPDIR on first use: done once, here, into our own folder.
      writeFileSync(join(into, 'unpack.mjs'), "import c from '@sparticuz/chromium';\nconsole.log(await c.executablePath());\n");
      const unpacked = await run(node, [join(into, 'unpack.mjs')], { cwd: into, env: { ...process.env, TMPDIR: into } });
      if (unpacked.code !== 0 || !existsSync(join(into, 'chromium'))) throw new Problem(`Chromium could not be unpacked: ${gist(unpacked.out)} (${readdirSync(into).join(' ')})`, HINT);
    },
    check: async (into) => {
      const { code, out } = await run(join(into, 'chromium'), ['--version', '--no-sandbox']);
      if (code !== 0) throw new Problem(`The fetched Chromium does not run here: ${gist(out)}`, HINT);
    },
  });
  return join(folder, 'chromium');
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  await main(async () => {
    process.stdout.write(`${await bringChromium()}\n`);
  });
}
