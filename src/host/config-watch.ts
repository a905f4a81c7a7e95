/**
 * Applies edits of the config file to the running gateway, whoever made them: an editor, `openclaw config set`.
 * Invariant: a broken file changes nothing; the gateway goes on with what it had and says what is wrong, once.
 */
import { unwatchFile, watchFile } from 'node:fs';
import { messageOf } from '../core/errors.js';
import type { Logger } from '../core/ports.js';
import type { Live } from './live.js';

/** Polled: editors replace the file, which ends a watch on its inode. */
const POLL_MS = 500;

/** @param applied what follows a change that took effect. @returns the function that ends it */
export function watchConfig(path: string, live: Live, log: Logger, applied: () => Promise<void> = async () => undefined): () => void {
  let reloading = Promise.resolve();
  const changed = (): void => {
    reloading = reloading
      .then(() => live.reload())
      .then(async (isNew) => {
        if (!isNew) return;
        log.info({ path }, 'config file read again');
        await applied().catch((error: unknown) => log.warn({ error: messageOf(error) }, 'what waited for the config is looked after at the next sweep'));
      })
      .catch((error: unknown) => log.warn({ error: messageOf(error) }, 'the config file has an error; the gateway goes on with the settings it had'));
  };
  watchFile(path, { interval: POLL_MS, persistent: false }, changed);
  return () => unwatchFile(path, changed);
}
