/** Files of `--attach` as the wire wants them. */
import { readFileSync, statSync } from 'node:fs';
import { basename, extname } from 'node:path';
import { LIMITS } from '../../core/names.js';
import { messageOf } from '../../core/errors.js';
import { usageError } from './fail.js';

export interface WireAttachment {
  readonly fileName: string;
  readonly mimeType?: string;
  /** Base64. */
  readonly content: string;
}

/** The gateway tells types by content; text has none to tell by. */
const TEXT_TYPES: Readonly<Record<string, string>> = { '.txt': 'text/plain', '.md': 'text/markdown', '.csv': 'text/csv', '.json': 'application/json', '.html': 'text/html', '.log': 'text/plain' };

/** @throws CodedError USAGE */
export function readAttachment(path: string): WireAttachment {
  try {
    const { size } = statSync(path);
    if (size > LIMITS.mediaBytes) throw usageError(`${path} is larger than ${LIMITS.mediaBytes / 1024 ** 2} MB`, 'Attach a smaller file.');
    const mimeType = TEXT_TYPES[extname(path).toLowerCase()];
    return { fileName: basename(path), content: readFileSync(path).toString('base64'), ...(mimeType === undefined ? {} : { mimeType }) };
  } catch (error) {
    if ((error as { readonly code?: string }).code === 'USAGE') throw error;
    throw usageError(`--attach ${path}: ${messageOf(error)}`, 'Give the path of a file that can be read.');
  }
}
