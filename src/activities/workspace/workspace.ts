/**
 * The agent's workspace: Markdown a person can edit. Starter files are written once and never overwritten, also not
 * when the person emptied or changed them.
 */
import { copyFile, mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const STARTER = fileURLToPath(new URL('./starter/', import.meta.url));

/**
 * Creates a missing workspace with its starter files. An existing folder gets no file it does not have: a person who
 * deleted one meant it.
 * @returns whether it was created
 */
export async function ensureWorkspace(dir: string): Promise<boolean> {
  await mkdir(dir, { recursive: true, mode: 0o700 });
  if ((await readdir(dir)).length > 0) return false;
  // Made whole beside it and put in its place, or a crash in between would leave a folder that looks like a person's.
  const aside = await mkdtemp(`${dir.replace(/\/+$/, '')}-new-`);
  try {
    await mkdir(join(aside, 'memory'), { mode: 0o700 });
    for (const name of await readdir(STARTER)) await copyFile(join(STARTER, name), join(aside, name));
    // Renaming onto a folder works only while that is empty.
    await rename(aside, dir);
    return true;
  } catch (error) {
    await rm(aside, { recursive: true, force: true });
    if (['ENOTEMPTY', 'EEXIST'].includes((error as NodeJS.ErrnoException).code ?? '')) return false;
    throw error;
  }
}
