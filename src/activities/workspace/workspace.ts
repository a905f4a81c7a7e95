/**
 * The agent's workspace: Markdown a person can edit. Starter files are written once and never overwritten, also not
 * when the person emptied or changed them.
 */
import { copyFile, mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const STARTER = fileURLToPath(new URL('./starter/', import.meta.url));

/** A mount point, or a folder whose parent is not ours: nothing can be put in its place, so it is filled where it is. */
const IN_PLACE_CODES: readonly string[] = ['EBUSY', 'EXDEV', 'EACCES', 'EPERM', 'EROFS'];

/**
 * Creates a missing workspace with its starter files. An existing folder gets no file it does not have: a person who
 * deleted one meant it.
 * @returns whether it was created
 */
export async function ensureWorkspace(dir: string): Promise<boolean> {
  await mkdir(dir, { recursive: true, mode: 0o700 });
  if ((await readdir(dir)).length > 0) return false;
  // Made whole beside it and put in its place, or a crash in between would leave a folder that looks like a person's.
  let aside: string | undefined;
  try {
    aside = await mkdtemp(`${dir.replace(/\/+$/, '')}-new-`);
    await fill(aside);
    // Renaming onto a folder works only while that is empty.
    await rename(aside, dir);
    return true;
  } catch (error) {
    if (aside !== undefined) await rm(aside, { recursive: true, force: true });
    const code = (error as NodeJS.ErrnoException).code ?? '';
    if (['ENOTEMPTY', 'EEXIST'].includes(code)) return false;
    if (!IN_PLACE_CODES.includes(code)) throw error;
    await fill(dir);
    return true;
  }
}

async function fill(dir: string): Promise<void> {
  await mkdir(join(dir, 'memory'), { recursive: true, mode: 0o700 });
  for (const name of await readdir(STARTER)) await copyFile(join(STARTER, name), join(dir, name));
}
