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
import { setInText, unsetInText } from '../storage/config/text-edit.js';
import type { Live } from './live.js';

export function createConfigControl(deps: { readonly live: Live; readonly path: string; readonly env: NodeJS.ProcessEnv; readonly log: Logger; /** Follows a change that took effect. */ readonly applied?: () => Promise<void> }): ConfigControl {
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
      throw asRequest(error);
    }
    const changedPaths = changes(before, parsedOrEmpty(readRaw(deps.path) ?? ''));
    await deps.live.reload();
    await deps.applied?.();
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
    if (!isObject(change)) throw invalidRequest('the patch must be an object');
    try {
      return patchText(readRaw(deps.path) ?? '', change);
    } catch (error) {
      throw asRequest(error);
    }
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

/** What is wrong with the text is the request's fault. */
const asRequest = (error: unknown): unknown =>
  error instanceof CodedError ? new CodedError('INVALID_REQUEST', error.message, error.hint, error.details) : error;

/** RFC 7386: `null` removes, objects merge, everything else replaces. The rest of a person's text stays, comments too. */
function patchText(raw: string, patch: Readonly<Record<string, unknown>>, path: readonly string[] = []): string {
  let text = raw;
  for (const [name, value] of Object.entries(patch)) {
    if (name === '__proto__') continue;
    const at = [...path, name];
    if (value === null) text = unsetInText(text, at);
    else if (isObject(value) && isObject(valueAt(text, at))) text = patchText(text, value, at);
    else text = setInText(text, at, withoutNulls(value));
  }
  return text;
}

const valueAt = (raw: string, path: readonly string[]): unknown => path.reduce<unknown>((value, name) => (isObject(value) ? value[name] : undefined), parsedOrEmpty(raw));

/** A new part has nothing to remove. */
const withoutNulls = (value: unknown): unknown =>
  isObject(value) ? Object.fromEntries(Object.entries(value).flatMap(([name, inner]) => (inner === null ? [] : [[name, withoutNulls(inner)]]))) : value;

/** Dotted paths of leaves that differ; a part that is new or gone counts with all its leaves. */
function changes(before: unknown, after: unknown, path = ''): string[] {
  if ((isObject(before) || isObject(after)) && [before, after].every((side) => side === undefined || isObject(side))) {
    const [old, now] = [before, after].map((side) => (isObject(side) ? side : {}));
    return [...new Set([...Object.keys(old!), ...Object.keys(now!)])].flatMap((name) => changes(old![name], now![name], path === '' ? name : `${path}.${name}`));
  }
  return JSON.stringify(before) === JSON.stringify(after) ? [] : [path];
}
