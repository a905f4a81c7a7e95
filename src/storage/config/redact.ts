/**
 * Hides secrets in whatever shows a config, and puts them back when the hidden text returns in an edit.
 * Invariant: a secret never leaves through a config command or RPC; saving what was shown loses no secret.
 * `${VAR}` is no secret: it names one.
 */
import type { ValueNode } from '@humanwhocodes/momoa';
import { CodedError } from '../../core/errors.js';
import { ConfigSchema } from '../../core/schema/config.js';
import { entrySchema, isRecord, type Schema } from './check.js';
import { memberName, parseJson5, showPath, type Path } from './json5.js';

export const REDACTED = '__OPENCLAW_REDACTED__';

/** Channels and unknown keys have no schema that says what is secret: their names do. */
const SECRET_NAME = /(token|secret|password|passwd|apikey|api_key|authorization|credential|credentials|privatekey|private_key)$/i;
const VARIABLE_ONLY = /^\$\{[A-Z_][A-Z0-9_]*\}$/;

/** A copy with every secret replaced. */
export function redactConfig(value: unknown, path: Path = []): unknown {
  if (typeof value === 'string') return isSecret(path) && hides(value) ? REDACTED : value;
  if (Array.isArray(value)) return value.map((item, index) => redactConfig(item, [...path, String(index)]));
  if (!isRecord(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, redactConfig(item, [...path, key])]));
}

/** The file's text with every secret replaced; comments stay. @throws CodedError CONFIG_SYNTAX */
export function redactRaw(raw: string, file = 'openclaw.json'): string {
  if (raw.trim() === '') return raw;
  const ranges: (readonly [number, number])[] = [];
  collect(parseJson5(raw, file).document.body, [], ranges);
  let text = raw;
  // From the end, so that earlier offsets stay right.
  for (const [start, end] of ranges.toReversed()) text = `${text.slice(0, start)}"${REDACTED}"${text.slice(end)}`;
  return text;
}

function collect(node: ValueNode, path: Path, ranges: (readonly [number, number])[]): void {
  if (node.type === 'String' && isSecret(path) && hides(node.value)) ranges.push([node.loc.start.offset, node.loc.end.offset]);
  if (node.type === 'Array') node.elements.forEach((element, index) => collect(element.value, [...path, String(index)], ranges));
  if (node.type === 'Object') for (const member of node.members) collect(member.value, [...path, memberName(member)], ranges);
}

/**
 * Replaces {@link REDACTED} in an incoming value by what stands at the same place now.
 * @throws CodedError CONFIG_REDACTED when nothing stands there
 */
export function restoreRedacted(value: unknown, current: unknown, path: Path = []): unknown {
  if (value === REDACTED) {
    if (typeof current === 'string') return current;
    throw new CodedError('CONFIG_REDACTED', `${showPath(path)} is the hidden form of a secret, and there is none to keep`, 'Give the secret itself, or ${VARIABLE}.');
  }
  if (Array.isArray(value)) {
    return value.map((item, index) => restoreRedacted(item, Array.isArray(current) ? current[index] : undefined, [...path, String(index)]));
  }
  if (!isRecord(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, restoreRedacted(item, isRecord(current) ? current[key] : undefined, [...path, key])]),
  );
}

const hides = (value: string): boolean => value !== '' && value !== REDACTED && !VARIABLE_ONLY.test(value);

function isSecret(path: Path): boolean {
  let schema: Schema | undefined = ConfigSchema as unknown as Schema;
  for (const part of path) {
    if (!schema) break;
    if (schema['x-secret']) return !path.at(-1)?.match(/^(source|provider|id|path)$/);
    const options: readonly Schema[] = schema.anyOf ?? [schema];
    const next: readonly (Schema | undefined)[] = options.map((option) => option.properties?.[part] ?? entrySchema(option) ?? option.items);
    schema = next.find((found) => found !== undefined);
  }
  return schema?.['x-secret'] === true || SECRET_NAME.test(path.findLast((part) => !/^\d+$/.test(part)) ?? '');
}
