/**
 * The config as clients see and change it: redacted, with the hash of the text as the base of every write.
 * A change is applied at once where it can be; what only a start applies is said.
 */
import JSON5 from 'json5';
import type { ConfigChange, ConfigControl, ConfigSnapshot } from '../gateway/deps.js';
import { CodedError, invalidRequest } from '../core/errors.js';
import type { Logger } from '../core/ports.js';
import { appliesAtStart } from '../core/schema/config.js';
import { messageOf } from '../core/errors.js';
import { type ConfigIssue, configHash, fileSchema, parseConfig, redactConfig, redactRaw, replaceConfig } from '../storage/config/index.js';
import { readRaw } from '../storage/config/load-raw.js';
import type { Live } from './live.js';

export function createConfigControl(deps: { readonly live: Live; readonly path: string; readonly env: NodeJS.ProcessEnv; readonly log: Logger }): ConfigControl {
  return { get: snapshot, set: (raw, baseHash) => write(raw, baseHash), patch: (raw, baseHash) => write(merged(raw), baseHash), schema: () => fileSchema() };

  function snapshot(): ConfigSnapshot {
    const raw = readRaw(deps.path);
    const text = raw ?? '';
    const issues: ConfigIssue[] = [];
    let warnings: readonly ConfigIssue[] = [];
    let config: unknown = deps.live.loaded().config;
    try {
      const parsed = parseConfig(text, deps.path, deps.env);
      ({ warnings, config } = parsed);
    } catch (error) {
      issues.push(...issuesOf(error));
    }
    return {
      path: deps.path,
      exists: raw !== undefined,
      raw: issues.length > 0 ? '' : redactRaw(text),
      parsed: issues.length > 0 ? {} : redactConfig(text.trim() === '' ? {} : JSON5.parse(text)),
      config: redactConfig(config),
      valid: issues.length === 0,
      hash: configHash(text),
      appliedHash: deps.live.loaded().hash,
      issues,
      warnings,
    };
  }

  async function write(raw: string, baseHash: string): Promise<ConfigChange> {
    const before = parsedOrEmpty(readRaw(deps.path) ?? '');
    try {
      replaceConfig({ path: deps.path, env: deps.env, baseHash }, raw);
    } catch (error) {
      if (error instanceof CodedError) throw new CodedError('INVALID_REQUEST', error.message, error.hint, error.details);
      throw error;
    }
    const changedPaths = changes(before, parsedOrEmpty(readRaw(deps.path) ?? ''));
    await deps.live.reload();
    deps.log.info({ changedPaths }, 'config changed');
    return { snapshot: snapshot(), changedPaths, restartRequired: changedPaths.some(appliesAtStart) };
  }

  function merged(patch: string): string {
    let change: unknown;
    try {
      change = JSON5.parse(patch);
    } catch (error) {
      throw invalidRequest(`the patch is no JSON5: ${messageOf(error)}`);
    }
    return JSON.stringify(mergePatch(parsedOrEmpty(readRaw(deps.path) ?? ''), change), null, 2);
  }
}

function issuesOf(error: unknown): readonly ConfigIssue[] {
  const listed = error instanceof CodedError ? error.details?.['issues'] : undefined;
  return Array.isArray(listed) ? (listed as ConfigIssue[]) : [{ path: '', message: messageOf(error), line: 1, column: 1 }];
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);

function parsedOrEmpty(raw: string): unknown {
  try {
    return raw.trim() === '' ? {} : JSON5.parse(raw);
  } catch {
    return {};
  }
}

/** RFC 7386: `null` removes, objects merge, everything else replaces. */
function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch;
  const out: Record<string, unknown> = isObject(target) ? { ...target } : {};
  for (const [name, value] of Object.entries(patch)) {
    if (name === '__proto__') continue;
    if (value === null) delete out[name];
    else out[name] = mergePatch(out[name], value);
  }
  return out;
}

/** Dotted paths of leaves that differ. */
function changes(before: unknown, after: unknown, path = ''): string[] {
  if (isObject(before) && isObject(after)) {
    return [...new Set([...Object.keys(before), ...Object.keys(after)])].flatMap((name) => changes(before[name], after[name], path === '' ? name : `${path}.${name}`));
  }
  return JSON.stringify(before) === JSON.stringify(after) ? [] : [path];
}
