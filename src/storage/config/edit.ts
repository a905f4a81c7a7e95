/**
 * Changes the config file.
 * Invariant: the file is replaced whole (mode 0600) and only by text that was checked, and only if it still is what the
 * caller had seen; a crash leaves the old file or the new one.
 */
import { closeSync, fsyncSync, mkdirSync, openSync, realpathSync, renameSync, rmSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { CodedError } from '../../core/errors.js';
import type { Config } from '../../core/schema/config.js';
import { isRecord } from './check.js';
import { parseJson5, showPath, type Path } from './json5.js';
import { configHash, parseConfig, type ConfigIssue } from './load.js';
import { readRaw } from './load-raw.js';
import { restoreRedacted } from './redact.js';
import { setInText, unsetInText } from './text-edit.js';

export interface ConfigTarget {
  /** The config file. */
  readonly path: string;
  readonly env: NodeJS.ProcessEnv;
  /** Hash the caller read; omitted, the file as it is now is changed. */
  readonly baseHash?: string | undefined;
}

export interface ConfigWritten {
  readonly config: Config;
  readonly hash: string;
  readonly warnings: readonly ConfigIssue[];
  readonly changed: boolean;
}

/** @throws CodedError CONFIG_INVALID, CONFIG_SYNTAX, CONFIG_PATH, CONFIG_REDACTED, CONFIG_CHANGED */
export function setConfig(target: ConfigTarget, path: Path, value: unknown): ConfigWritten {
  return change(target, (raw) => setInText(raw, path, restoreRedacted(value, valueAt(raw, path), path)));
}

/** @throws CodedError CONFIG_NOT_SET and as {@link setConfig} */
export function unsetConfig(target: ConfigTarget, path: Path): ConfigWritten {
  return change(target, (raw) => {
    const next = unsetInText(raw, path);
    if (next === raw) throw new CodedError('CONFIG_NOT_SET', `${showPath(path)} is not set in the config file`, 'Run "openclaw config get" to see what is.');
    return next;
  });
}

/** Replaces the whole text; secrets that come back hidden are kept. @throws as {@link setConfig} */
export function replaceConfig(target: ConfigTarget, raw: string): ConfigWritten {
  return change(target, (current) => {
    let next = raw;
    for (const [path, secret] of hiddenSecrets(parseJson5(raw, 'openclaw.json').value, valueAt(current, []))) next = setInText(next, path, secret);
    return next;
  });
}

function change(target: ConfigTarget, edit: (raw: string) => string): ConfigWritten {
  const raw = readRaw(target.path) ?? '';
  if (target.baseHash !== undefined && target.baseHash !== configHash(raw)) {
    throw new CodedError('CONFIG_CHANGED', 'The config file was changed by someone else', 'Read it again, then repeat the change.');
  }
  const next = edit(raw);
  const { config, warnings } = parseConfig(next, target.path, target.env);
  if (next !== raw) writeWhole(target.path, next);
  return { config, warnings, hash: configHash(next), changed: next !== raw };
}

function valueAt(raw: string, path: Path): unknown {
  let value: unknown = parseJson5(raw, 'openclaw.json').value;
  for (const key of path) value = Array.isArray(value) ? value[Number(key)] : isRecord(value) ? value[key] : undefined;
  return value;
}

/** Paths whose incoming value is hidden, with what to put there. */
function hiddenSecrets(value: unknown, current: unknown, path: Path = []): readonly (readonly [Path, unknown])[] {
  if (typeof value === 'string') {
    const kept = restoreRedacted(value, current, path);
    return kept === value ? [] : [[path, kept]];
  }
  if (Array.isArray(value)) return value.flatMap((item, index) => hiddenSecrets(item, Array.isArray(current) ? current[index] : undefined, [...path, String(index)]));
  if (!isRecord(value)) return [];
  return Object.entries(value).flatMap(([key, item]) => hiddenSecrets(item, isRecord(current) ? current[key] : undefined, [...path, key]));
}

function writeWhole(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const real = realPath(path);
  const aside = `${real}.${process.pid}.tmp`;
  try {
    const file = openSync(aside, 'w', 0o600);
    try {
      writeSync(file, text);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(aside, real);
  } catch (error) {
    rmSync(aside, { force: true });
    throw error;
  }
}

/** A config that is a link into a dotfiles repository stays a link. */
function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}
