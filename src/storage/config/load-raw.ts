/** Reads the config file's text. Apart from `load.ts`, so that clients need not load the schema. */
import { readFileSync } from 'node:fs';
import { CodedError, messageOf } from '../../core/errors.js';

/** @returns undefined when there is no file */
export function readRaw(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new CodedError('CONFIG_UNREADABLE', `The config file ${path} cannot be read: ${messageOf(error)}`, 'Check its permissions, or point OPENCLAW_CONFIG_PATH elsewhere.');
  }
}
