/**
 * The content-addressed `media/` store: a file's name is its SHA-256. Written aside, synced, renamed; never changed.
 */
import { createHash, randomUUID } from 'node:crypto';
import { mkdir, open, readFile, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileTypeFromBuffer } from 'file-type';
import { CodedError } from '../core/errors.js';
import { LIMITS } from '../core/names.js';
import type { MediaStore } from '../core/ports.js';
import type { Db } from './sqlite.js';

const HASH = /^[0-9a-f]{64}$/;

export function createMediaStore(db: Db, dir: string, maxBytes: number = LIMITS.mediaBytes): MediaStore {
  // Two levels keep folders small.
  const pathOf = (hash: string): string => {
    if (!HASH.test(hash)) throw new CodedError('INVALID_REQUEST', 'a media reference is 64 hexadecimal digits');
    return join(dir, hash.slice(0, 2), hash);
  };
  return {
    path: (ref) => pathOf(ref.hash),

    async put(content, declaredMime) {
      if (content.byteLength > maxBytes) {
        throw new CodedError('MEDIA_TOO_LARGE', `the attachment has ${content.byteLength} bytes; the limit is ${maxBytes}`, 'Send a smaller file.');
      }
      const hash = createHash('sha256').update(content).digest('hex');
      // What the bytes are, not what the sender says; text has no signature, so there the declared type counts.
      const mime = (await fileTypeFromBuffer(content))?.mime ?? textMime(content, declaredMime);
      const file = pathOf(hash);
      const row = { hash, mime, size: content.byteLength, created_at: Date.now() };
      // Before the file: whoever deletes unused content sees that this is wanted again, or has deleted it before this looks.
      await db.insertInto('media').values({ ...row, used_at: null }).onConflict((c) => c.column('hash').doUpdateSet({ created_at: row.created_at })).execute();
      if (!(await exists(file))) {
        await mkdir(join(dir, hash.slice(0, 2)), { recursive: true, mode: 0o700 });
        const aside = `${file}.${randomUUID()}`;
        const handle = await open(aside, 'wx', 0o600);
        try {
          await handle.writeFile(content);
          await handle.sync();
        } finally {
          await handle.close();
        }
        await rename(aside, file);
      }
      return { hash, mime, size: content.byteLength };
    },

    async get(ref) {
      try {
        return await readFile(pathOf(ref.hash));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
        throw error;
      }
    },
  };
}

const exists = (file: string): Promise<boolean> => stat(file).then(() => true, () => false);

/** A declared image or archive whose bytes have no signature is not one. */
function textMime(content: Uint8Array, declared: string | undefined): string {
  if (content.subarray(0, 4096).includes(0)) return 'application/octet-stream';
  return declared !== undefined && /^(text\/[\w.+-]+|application\/(json|xml|x-yaml|yaml|toml))$/.test(declared) ? declared : 'text/plain';
}
