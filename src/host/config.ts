/**
 * The config file as the CLI's `config` commands use it. Thin: the work is in `storage/config`.
 * Invariant: nothing that leaves here holds a secret.
 */
import { dirname } from 'node:path';
import { CodedError } from '../core/errors.js';
import { appliesAtStart } from '../core/schema/config.js';
import {
  fileSchema, loadConfig, parsePath, redactConfig, redactRaw, resolvePaths, setConfig, showIssue, stateDirProblem, unsetConfig, type PathOptions,
} from '../storage/config/index.js';

export interface ConfigAnswer {
  /** The config file. */
  readonly path: string;
  /** Sentences with file, line and column. */
  readonly warnings: readonly string[];
}

/** When a running gateway uses a change of this key. */
export const appliesWhen = (path: string): string => (appliesAtStart(path) ? 'A running gateway uses it after a restart.' : 'A running gateway uses it within a second.');

/** One value of the effective config (file and defaults), or all of it. @throws CodedError CONFIG_NOT_FOUND, and as `loadConfig` */
export function configGet(options: PathOptions, path?: string): ConfigAnswer & { readonly value: unknown } {
  const { config, path: file, warnings } = loadConfig(options);
  const keys = path === undefined ? [] : parsePath(path);
  let value: unknown = redactConfig(config);
  for (const key of keys) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) {
      throw new CodedError('CONFIG_NOT_FOUND', `${path} is not set and has no default`, 'Run "openclaw config get" to see the whole config, or "openclaw config schema" for what there is.');
    }
    value = (value as Record<string, unknown>)[key];
  }
  return { path: file, value, warnings: warnings.map((issue) => showIssue(issue, file)) };
}

/** The config file, unless it lies in a folder that must not be written to. @throws CodedError STATE_DIR_… */
function writableConfig(options: PathOptions): string {
  const { stateDir, configPath } = resolvePaths(options);
  const problem = dirname(configPath) === stateDir ? stateDirProblem(stateDir) : undefined;
  if (problem) throw problem;
  return configPath;
}

/** @throws CodedError as `setConfig` of storage/config, STATE_DIR_… */
export function configSet(options: PathOptions, path: string, value: unknown): ConfigAnswer & { readonly changed: boolean } {
  const file = writableConfig(options);
  const written = setConfig({ path: file, env: options.env }, parsePath(path), value);
  return { path: file, changed: written.changed, warnings: written.warnings.filter((issue) => isWithin(issue.path, path) || isWithin(path, issue.path)).map((issue) => showIssue(issue, file)) };
}

/** Dotted paths: is one at or below the other? */
const isWithin = (path: string, above: string): boolean => path === above || path.startsWith(`${above}.`) || path.startsWith(`${above}[`);

export function configUnset(options: PathOptions, path: string): ConfigAnswer {
  const file = writableConfig(options);
  unsetConfig({ path: file, env: options.env }, parsePath(path));
  return { path: file, warnings: [] };
}

/** @throws CodedError CONFIG_INVALID, CONFIG_SYNTAX */
export function configValidate(options: PathOptions): ConfigAnswer & { readonly exists: boolean } {
  const { path, exists, warnings } = loadConfig(options);
  return { path, exists, warnings: warnings.map((issue) => showIssue(issue, path)) };
}

export function configFile(options: PathOptions): { readonly path: string; readonly exists: boolean; readonly raw: string } {
  const { path, exists, raw } = loadConfig(options);
  return { path, exists, raw: redactRaw(raw) };
}

export const configSchema = (): Readonly<Record<string, unknown>> => fileSchema();
