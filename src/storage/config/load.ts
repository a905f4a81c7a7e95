/**
 * Reads the config file: parse, check, fill in.
 * Invariant: either the whole file is understood and a complete config comes back, or every error in it is reported at
 * once with line and column. A missing file is the defaults.
 */
import { createHash } from 'node:crypto';
import { basename } from 'node:path';
import { CodedError } from '../../core/errors.js';
import { ConfigSchema, type Config } from '../../core/schema/config.js';
import { checkConfig, type Finding, type Schema } from './check.js';
import { fillConfig } from './fill.js';
import { findNode, parseJson5, showPath, type ParsedJson5, type Path } from './json5.js';
import { readRaw } from './load-raw.js';
import { resolvePaths, type PathOptions } from './paths.js';

export interface ConfigIssue {
  /** Dotted, e.g. `agents.defaults.maxSteps`. */
  readonly path: string;
  readonly message: string;
  readonly line: number;
  readonly column: number;
}

export interface LoadedConfig {
  readonly config: Config;
  readonly path: string;
  readonly exists: boolean;
  /** Unknown keys and values that have no effect; each a sentence with line and column. */
  readonly warnings: readonly ConfigIssue[];
  /** Hash of the file's text: the base of an edit. */
  readonly hash: string;
  /** The file's text, secrets and all; empty when there is none. */
  readonly raw: string;
}

export const configHash = (raw: string): string => createHash('sha256').update(raw).digest('hex');

/** @throws CodedError CONFIG_UNREADABLE, CONFIG_SYNTAX, CONFIG_INVALID (details.issues holds every {@link ConfigIssue}) */
export function loadConfig(options: PathOptions): LoadedConfig {
  const { configPath, port, defaultPort } = resolvePaths(options);
  const raw = readRaw(configPath);
  const { config, warnings, named } = parseConfig(raw ?? '', configPath, options.env);
  return {
    config: { ...config, gateway: { ...config.gateway, port: port ?? (named(['gateway', 'port']) ? config.gateway.port : defaultPort) } },
    path: configPath,
    exists: raw !== undefined,
    warnings,
    hash: configHash(raw ?? ''),
    raw: raw ?? '',
  };
}

export interface ParsedConfig {
  readonly config: Config;
  readonly warnings: readonly ConfigIssue[];
  /** Does the file itself name this key, or is its value a default? */
  named(path: Path): boolean;
}

/** Checks a whole file's text without touching any file. @throws as {@link loadConfig} */
export function parseConfig(raw: string, path: string, env: NodeJS.ProcessEnv): ParsedConfig {
  const file = basename(path);
  const parsed = parseJson5(raw, file);
  const schema = ConfigSchema as unknown as Schema;
  const found = checkConfig(schema, parsed.value);
  if (found.errors.length > 0) throw invalid(found.errors, parsed, file);
  const filled = fillConfig(schema, parsed.value, env);
  if (filled.errors.length > 0) throw invalid(filled.errors, parsed, file);
  return {
    config: filled.value as Config,
    warnings: found.warnings.map((finding) => issueOf(finding, parsed)),
    named: (key) => findNode(parsed.document.body, key) !== undefined,
  };
}

/** `openclaw.json:12:7 agents.defaults.maxSteps must be a number` */
export const showIssue = (issue: ConfigIssue, file: string): string => `${basename(file)}:${issue.line}:${issue.column} ${issue.message}`;

function issueOf(finding: Finding, parsed: ParsedJson5): ConfigIssue {
  const { line, column } = finding.key ? parsed.locateKey(finding.path) : parsed.locate(finding.path);
  return { path: showPath(finding.path), message: finding.message, line, column };
}

function invalid(errors: readonly Finding[], parsed: ParsedJson5, file: string): CodedError {
  const issues = errors.map((finding) => issueOf(finding, parsed));
  return new CodedError(
    'CONFIG_INVALID',
    issues.map((issue) => showIssue(issue, file)).join('\n'),
    'Correct the file, or run "openclaw config schema" to see what each key may hold.',
    { issues },
  );
}
