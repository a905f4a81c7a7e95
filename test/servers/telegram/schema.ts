/**
 * The parameters of every Bot API method, checked against schema.json (made by scripts/telegram-schema.mjs from
 * @grammyjs/types).
 *
 * Invariant: a parameter the API does not know, or of another type, is named here, never let through: the real server
 * ignores the first and guesses at the second, which is how such mistakes live for years.
 */
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';

import schema from './schema.json' with { type: 'json' };

export type Params = Readonly<Record<string, unknown>>;

const ajv = new Ajv({ strict: false, allErrors: false, verbose: false });
ajv.addSchema({ $id: 'telegram', definitions: schema.definitions });

const names = new Map(Object.keys(schema.methods).map((name) => [name.toLowerCase(), name]));
const validators = new Map<string, ValidateFunction>();
const properties = schema.methods as Readonly<Record<string, { readonly properties?: Readonly<Record<string, unknown>> }>>;

/** The method as the documentation spells it; Telegram takes any case. */
export const canonicalMethod = (name: string): string | undefined => names.get(name.toLowerCase());

/** What is wrong with these parameters, or undefined. */
export function parameterProblem(method: string, params: Params): string | undefined {
  const validate = validatorOf(method, properties[method]);
  return validate(params) ? undefined : describe(validate.errors ?? []);
}

/**
 * A form field is text only; what it stands for is known by the parameter's type. Text that happens to look like JSON
 * stays text where the method wants text.
 */
export function fromForm(method: string, name: string, raw: string): unknown {
  const property = properties[method]?.properties?.[name];
  if (property === undefined) return raw;
  const parsed = parse(raw);
  if (parsed === undefined || typeof parsed === 'string') return raw;
  return validatorOf(`${method}.${name}`, property)(parsed) ? parsed : raw;
}

function validatorOf(key: string, part: unknown): ValidateFunction {
  const known = validators.get(key);
  if (known) return known;
  const absolute = JSON.parse(JSON.stringify(part ?? {}).replaceAll('"#/definitions/', '"telegram#/definitions/')) as object;
  const validate = ajv.compile(absolute);
  validators.set(key, validate);
  return validate;
}

/** The deepest mistake says most: a union lists one mistake for each of its members. */
function describe(errors: readonly ErrorObject[]): string {
  const worst = errors.toSorted((a, b) => b.instancePath.length - a.instancePath.length)[0];
  if (worst === undefined) return 'invalid parameters';
  const where = worst.instancePath === '' ? 'parameters' : worst.instancePath.slice(1).replaceAll('/', '.');
  const extra = worst.keyword === 'additionalProperties' ? ` (${String(worst.params.additionalProperty)})` : worst.keyword === 'enum' ? ` (${JSON.stringify(worst.params.allowedValues).slice(0, 120)})` : '';
  return `${where} ${worst.message ?? 'invalid'}${extra}`;
}

function parse(raw: string): unknown {
  try {
    return JSON.parse(raw) as unknown;
  } catch {
    return undefined;
  }
}
