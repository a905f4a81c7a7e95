/**
 * Compares a config value with its schema: a wrong type or value is an error, an unknown key a warning that names the
 * nearest valid one. Reads the part of JSON Schema that `core/schema/config` uses; a test compares it with TypeBox.
 * Invariant: a value without errors, once defaults are filled in, is valid by the schema.
 */
import type { ConfigKeywords } from '../../core/schema/config/kit.js';
import { showPath, type Path } from './json5.js';

/** The schema as plain JSON Schema. */
export interface Schema extends ConfigKeywords {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly patternProperties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly enum?: readonly unknown[];
  readonly default?: unknown;
  readonly description?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly pattern?: string;
}

export interface Finding {
  readonly path: Path;
  readonly message: string;
  /** It is about the key, not its value. */
  readonly key?: true;
}
export interface Findings {
  readonly errors: readonly Finding[];
  readonly warnings: readonly Finding[];
}

/** Schema of the entries of a record, if `schema` is one. */
export const entrySchema = (schema: Schema): Schema | undefined => Object.values(schema.patternProperties ?? {})[0];

export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export function checkConfig(schema: Schema, value: unknown): Findings {
  const errors: Finding[] = [];
  const warnings: Finding[] = [];
  walk(schema, value, [], { errors, warnings });
  return { errors, warnings };
}

interface Sink {
  readonly errors: Finding[];
  readonly warnings: Finding[];
}

function walk(schema: Schema, value: unknown, path: Path, sink: Sink): void {
  const name = path.length === 0 ? 'the config' : showPath(path);
  const wrong = (what: string): void => void sink.errors.push({ path, message: `${name} must be ${what}` });

  if (schema['x-later']) sink.warnings.push({ path, key: true, message: `${name} has no effect in this version yet` });
  if (schema.anyOf) return walkUnion(schema.anyOf, value, path, sink, wrong);
  if (schema.enum) return checkEnum(schema, value, path, sink, wrong);
  switch (schema.type) {
    case 'object':
      return isRecord(value) ? walkObject(schema, value, path, sink) : wrong('an object');
    case 'array':
      if (!Array.isArray(value)) return wrong('a list');
      return value.forEach((item, index) => walk(schema.items ?? {}, item, [...path, String(index)], sink));
    case 'string':
      if (typeof value !== 'string') return wrong('text');
      if (schema.minLength !== undefined && value.length < schema.minLength) return wrong('text that is not empty');
      if (schema.pattern !== undefined && !value.includes('${') && !new RegExp(schema.pattern).test(value)) return wrong(patternWords(schema.pattern));
      return;
    case 'boolean':
      return typeof value === 'boolean' ? undefined : wrong('true or false');
    case 'integer':
    case 'number':
      return checkNumber(schema, value, wrong);
    default:
      return;
  }
}

function checkEnum(schema: Schema, value: unknown, path: Path, sink: Sink, wrong: (what: string) => void): void {
  const values = schema.enum ?? [];
  if (values.includes(value)) return;
  const list = values.map(String).join(', ');
  if (!schema['x-lenient'] || typeof value !== 'string') return wrong(values.length === 1 ? `"${list}"` : `one of ${list}`);
  const instead = schema.default === undefined ? 'it is ignored' : `"${String(schema.default)}" is used`;
  sink.warnings.push({ path, message: `${showPath(path)} does not know "${value}" (known: ${list}): ${instead}` });
}

function checkNumber(schema: Schema, value: unknown, wrong: (what: string) => void): void {
  if (typeof value !== 'number' || !Number.isFinite(value)) return wrong('a number');
  if (schema.type === 'integer' && !Number.isInteger(value)) return wrong('a whole number');
  const { minimum = -Infinity, maximum = Infinity } = schema;
  if (value >= minimum && value <= maximum) return;
  wrong(maximum === Infinity ? `at least ${minimum}` : `between ${minimum} and ${maximum}`);
}

function walkUnion(options: readonly Schema[], value: unknown, path: Path, sink: Sink, wrong: (what: string) => void): void {
  // The options differ in type, so the one whose type fits tells best what is wrong inside.
  const fitting = options.find((option) => (option.type === 'object' ? isRecord(value) : typeof value === option.type));
  if (fitting) return walk(fitting, value, path, sink);
  wrong(options.map((option) => (option.type === 'object' ? 'an object' : option.type === 'string' ? 'text' : `a ${option.type}`)).join(' or '));
}

function walkObject(schema: Schema, value: Record<string, unknown>, path: Path, sink: Sink): void {
  const entries = entrySchema(schema);
  const known = schema.properties ?? {};
  for (const [key, item] of Object.entries(value)) {
    const inner = Object.hasOwn(known, key) ? known[key] : entries;
    const at = [...path, key];
    if (inner) walk(inner, item, at, sink);
    else if (key === '$include') sink.errors.push({ path: at, key: true, message: '$include is not supported: put the included file\'s keys here' });
    else sink.warnings.push({ path: at, key: true, message: unknownKey(at, Object.keys(known)) });
  }
  for (const key of schema.required ?? []) {
    if (!Object.hasOwn(value, key) && known[key]?.default === undefined) sink.errors.push({ path, message: `${showPath([...path, key])} is missing` });
  }
}

function unknownKey(path: Path, known: readonly string[]): string {
  const near = nearestName(path.at(-1) ?? '', known);
  return `unknown key ${showPath(path)}${near === undefined ? ': it is ignored' : `: did you mean ${showPath([...path.slice(0, -1), near])}?`}`;
}

function patternWords(pattern: string): string {
  if (pattern.includes('ms|s|m|h|d')) return 'a duration such as 30m or 1h';
  if (pattern.includes('\\d\\d:\\d\\d')) return 'a time such as 08:30';
  return `text of the form ${pattern}`;
}

/** The known name with the fewest edits, if it is near enough to be a slip (a third of the letters, at least two edits). */
export function nearestName(name: string, known: readonly string[]): string | undefined {
  const allowed = Math.max(2, Math.floor(name.length / 3));
  let best: { readonly name: string; readonly distance: number } | undefined;
  for (const candidate of known) {
    const distance = editDistance(name.toLowerCase(), candidate.toLowerCase());
    // A name of two letters is two edits from any other.
    if (distance > allowed || distance >= candidate.length) continue;
    if (!best || distance < best.distance) best = { name: candidate, distance };
  }
  return best?.name;
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(change, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
