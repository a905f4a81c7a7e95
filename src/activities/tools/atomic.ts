/**
 * Changing a file as a whole.
 *
 * Invariant: a reader, or a start after a power cut, finds the old content or the new, never a part; and the file
 * changed is the one in the checked folder, even if somebody exchanges that folder for a symlink meanwhile (on Linux,
 * where a folder can be held by its descriptor).
 */
import { createHash, randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { checkOpened, type Roots } from './files.js';

/** Writes all of `content` to `real`, making its folder when absent. @param real from `resolveInside` */
export async function replaceFile(real: string, content: string | Uint8Array, where: Roots): Promise<void> {
  await mkdir(dirname(real), { recursive: true });
  const folder = await open(dirname(real), constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  try {
    await checkOpened(folder, dirname(real), where);
    const held = process.platform === 'linux' ? `/proc/self/fd/${folder.fd}` : dirname(real);
    const target = join(held, basename(real));
    const aside = join(held, `.${basename(real).slice(0, 100)}.${randomBytes(6).toString('hex')}.tmp`);
    const mode = await stat(target).then((found) => found.mode & 0o777, () => undefined);
    const file = await open(aside, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW, 0o666);
    try {
      await file.writeFile(content);
      // An executable script stays one.
      if (mode !== undefined) await file.chmod(mode);
      await file.sync();
      await file.close();
      await rename(aside, target);
    } catch (error) {
      await file.close().catch(() => undefined);
      await rm(aside, { force: true });
      throw error;
    }
    await folder.sync();
  } finally {
    await folder.close();
  }
}

export const sha256 = (content: string | Uint8Array): string => createHash('sha256').update(content).digest('hex');
