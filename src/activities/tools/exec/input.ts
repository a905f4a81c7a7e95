/**
 * Writing to the standard input of a background job.
 *
 * Invariant: what one call writes reaches the command once, whatever is retried: it is one file, linked into place whole
 * under the call's own key, and the supervisor takes one file per key.
 */
import { link, open, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { FILES, jobFolder, jobName } from './job-files.js';

/**
 * @param open the command can still read
 * @returns false when the input was closed before, and nothing was written
 */
export async function writeInput(jobsDir: string, job: string, writer: string, text: string, open: boolean): Promise<boolean> {
  const folder = join(jobFolder(jobsDir, job), FILES.input);
  const names = await readdir(folder);
  if (names.some((name) => !name.startsWith('.') && name.endsWith(`-${jobName(writer)}`))) return true;
  if (!open || names.includes(FILES.close)) return false;
  // Nine digits sort as text; writers of one session come one after the other.
  const order = String(names.filter((name) => !name.startsWith('.')).length).padStart(9, '0');
  await place(folder, `${order}-${jobName(writer)}`, text);
  return true;
}

export async function closeInput(jobsDir: string, job: string): Promise<void> {
  await place(join(jobFolder(jobsDir, job), FILES.input), FILES.close, '');
}

async function place(folder: string, name: string, text: string): Promise<void> {
  const aside = join(folder, `.${name}.${process.pid}.${process.hrtime.bigint()}`);
  const file = await open(aside, 'wx', 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  try {
    await link(aside, join(folder, name));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    await rm(aside, { force: true });
  }
}
