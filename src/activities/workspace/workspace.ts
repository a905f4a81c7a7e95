/**
 * The agent's workspace: Markdown a person can edit. Starter files are written once and never overwritten, also not
 * when the person emptied or changed them.
 */
import { constants } from 'node:fs';
import { copyFile, mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const STARTER = fileURLToPath(new URL('./starter/', import.meta.url));

/**
 * Creates a missing workspace with its starter files. An existing folder gets no file it does not have: a person who
 * deleted one meant it.
 * @returns whether it was created
 */
export async function ensureWorkspace(dir: string): Promise<boolean> {
  const created = await mkdir(dir, { recursive: true, mode: 0o700 });
  if (created === undefined && (await readdir(dir)).length > 0) return false;
  await mkdir(join(dir, 'memory'), { recursive: true, mode: 0o700 });
  for (const name of await readdir(STARTER)) {
    await copyFile(join(STARTER, name), join(dir, name), constants.COPYFILE_EXCL).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
  }
  return true;
}
