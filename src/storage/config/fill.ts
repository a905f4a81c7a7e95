/**
 * From what the file says to what is in force: defaults filled in, `${VAR}` replaced, the peer's secret references read.
 * Invariant: the input is never changed, and unknown keys are not carried into the result.
 */
import type { Finding, Schema } from './check.js';
import { entrySchema, isRecord } from './check.js';
import { showPath, type Path } from './json5.js';

/** Capital letters as the shell has them; `$${X}` writes a literal `${X}`. */
const VARIABLE = /\$?\$\{([A-Z_][A-Z0-9_]*)\}/g;

export interface Filled {
  readonly value: unknown;
  /** Variables that are not set, and secret sources that are not supported. */
  readonly errors: readonly Finding[];
}

export function fillConfig(schema: Schema, value: unknown, env: NodeJS.ProcessEnv): Filled {
  const errors: Finding[] = [];
  return { value: fill(schema, value, [], { env, errors }), errors };
}

interface Context {
  readonly env: NodeJS.ProcessEnv;
  readonly errors: Finding[];
}

function fill(schema: Schema, value: unknown, path: Path, context: Context): unknown {
  if (schema['x-secret']) return fillSecret(schema, value, path, context);
  if (schema.enum) return schema.enum.includes(value) ? value : schema.default;
  const fitting = schema.anyOf?.find((option) => (option.type === 'object') === isRecord(value));
  if (fitting) return fill(fitting, value, path, context);
  if (isRecord(value) && schema.type === 'object') return fillObject(schema, value, path, context);
  if (Array.isArray(value)) return value.map((item, index) => fill(schema.items ?? {}, item, [...path, String(index)], context));
  return deepSubstitute(value, path, context);
}

function fillObject(schema: Schema, value: Readonly<Record<string, unknown>>, path: Path, context: Context): unknown {
  const entries = entrySchema(schema);
  const keys = entries ? Object.keys(value) : Object.keys(schema.properties ?? {});
  const result: [string, unknown][] = [];
  for (const key of keys) {
    const inner = entries ?? schema.properties?.[key] ?? {};
    const given = Object.hasOwn(value, key) ? value[key] : structuredClone(inner.default);
    if (given === undefined) continue;
    const filled = fill(inner, given, [...path, key], context);
    if (filled !== undefined) result.push([key, filled]);
  }
  return Object.fromEntries(result);
}

function fillSecret(schema: Schema, value: unknown, path: Path, context: Context): unknown {
  if (schema['x-lazy']) return value;
  let text = value;
  if (isRecord(value)) {
    if (value['source'] !== 'env') {
      context.errors.push({ path, message: `${showPath(path)} has a secret source that is not supported: use {source: "env", id: "NAME"} or "\${NAME}"` });
      return undefined;
    }
    text = `\${${String(value['id'])}}`;
  }
  return deepSubstitute(text, path, context);
}

function deepSubstitute(value: unknown, path: Path, context: Context): unknown {
  if (typeof value === 'string') return substitute(value, path, context);
  if (Array.isArray(value)) return value.map((item, index) => deepSubstitute(item, [...path, String(index)], context));
  if (!isRecord(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, deepSubstitute(item, [...path, key], context)]));
}

function substitute(text: string, path: Path, { env, errors }: Context): string {
  return text.replace(VARIABLE, (whole, name: string) => {
    if (whole.startsWith('$$')) return whole.slice(1);
    const found = env[name];
    if (found !== undefined && found !== '') return found;
    errors.push({ path, message: `${showPath(path)} needs the environment variable ${name}, which is not set` });
    return '';
  });
}
