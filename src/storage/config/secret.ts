/**
 * Secrets that stay in the config as written (`lazySecret`), read by who uses them.
 * Invariant: a secret leaves this file only inside {@link Key}; every message names its source, never the secret.
 */
import { readFileSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import type { SecretInput } from '../../core/schema/config/kit.js';

export type Key =
  | { readonly ok: true; readonly value: string; readonly source: string }
  | { readonly ok: false; readonly problem: string };

/** Any bit for group or others. */
const SHARED_BITS = 0o077;

/** @param where the config path, for messages */
export function readSecret(secret: SecretInput, env: NodeJS.ProcessEnv, where: string): Key {
  if (typeof secret === 'string') return expand(secret, env, where);
  switch (secret.source) {
    case 'env': {
      const name = secret.id ?? '';
      const value = env[name]?.trim();
      return value ? { ok: true, value, source: name } : { ok: false, problem: `${where} names the variable ${name || '(none)'}, which is not set` };
    }
    case 'file':
      return readKeyFile(secret.path ?? secret.id ?? '');
    default:
      return { ok: false, problem: `${where} has source "${secret.source}"; known are "env" and "file"` };
  }
}

function expand(text: string, env: NodeJS.ProcessEnv, where: string): Key {
  const missing: string[] = [];
  const used: string[] = [];
  const value = text.replace(/\$\{([A-Za-z_][A-Za-z0-9_]*)\}/g, (_, name: string) => {
    used.push(name);
    const found = env[name]?.trim();
    if (!found) missing.push(name);
    return found ?? '';
  });
  if (missing.length > 0) return { ok: false, problem: `${where} needs ${missing.join(', ')}, which ${missing.length === 1 ? 'is' : 'are'} not set` };
  return { ok: true, value, source: used.length > 0 ? used.join(', ') : 'config' };
}

export function readKeyFile(given: string): Key {
  const path = given.startsWith('~/') ? join(homedir(), given.slice(2)) : given;
  if (!isAbsolute(path)) return { ok: false, problem: `key file "${given}": give an absolute path or one under ~/` };
  try {
    const mode = statSync(path).mode & 0o777;
    if ((mode & SHARED_BITS) !== 0) return { ok: false, problem: `key file ${path} can be read by others (mode ${mode.toString(8).padStart(4, '0')}): chmod 600 ${path}` };
    const value = readFileSync(path, 'utf8').trim();
    return value === '' ? { ok: false, problem: `key file ${path} is empty` } : { ok: true, value, source: `file ${path}` };
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    return { ok: false, problem: `key file ${path} cannot be read (${code ?? 'unknown error'})` };
  }
}
