/** What `npm start` and `npm test` have in common: a Node 24, the packages, the build. Each only when it is missing. */
import { accessSync, constants } from 'node:fs';

import { buildIfChanged } from './build.mjs';
import { installPackages } from './install.mjs';
import { bringNode } from './node.mjs';
import { Problem } from './say.mjs';

/** Resolves with the path of the Node to go on with. */
export async function prepare(root) {
  if (process.platform === 'win32') throw new Problem('OpenClaw on Temporal runs on Linux and macOS.', 'on Windows run it inside WSL 2');
  try {
    accessSync(root, constants.W_OK);
  } catch {
    throw new Problem(`The clone ${root} is not writable, so nothing can be installed into it.`, 'clone it into a folder of yours');
  }
  const node = await bringNode();
  await installPackages(root, node);
  await buildIfChanged(root, node);
  return node;
}
