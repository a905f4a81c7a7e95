/**
 * Small builders for the config's schemas.
 * Invariant: every property carries a description, and either a default (then it is always there once loaded) or
 * `opt` (then it may be absent). Objects stay open: an unknown key is a warning, made by the loader.
 */
import { Type, type Static, type TSchema, type TUnsafe } from 'typebox';

/** Keywords of ours beside JSON Schema's; the loader reads them. */
export interface ConfigKeywords {
  /** An unknown value of this enum is a warning and the default is used: the peer knows more values. */
  readonly 'x-lenient'?: true;
  /** Shown as `__OPENCLAW_REDACTED__`. A string, or the peer's `{source: "env", id}`. */
  readonly 'x-secret'?: true;
  /** `${VAR}` stays as written: whoever uses the value resolves it, so that a missing variable stops only that use. */
  readonly 'x-lazy'?: true;
  /** The key's shape is final and its effect comes with a later version: setting it warns. */
  readonly 'x-later'?: true;
}

export const opt = <T extends TSchema>(schema: T) => Type.Optional(schema);

export const text = (description: string, more: { default?: string; minLength?: number; pattern?: string } & ConfigKeywords = {}) =>
  Type.String({ description, ...more });

export const flag = (description: string, byDefault: boolean, more: ConfigKeywords = {}) =>
  Type.Boolean({ description, default: byDefault, ...more });

export const whole = (description: string, more: { default?: number; minimum?: number; maximum?: number } & ConfigKeywords = {}) =>
  Type.Integer({ minimum: 0, description, ...more });

export const decimal = (description: string, more: { default?: number; minimum?: number } = {}) =>
  Type.Number({ minimum: 0, description, ...more });

export const port = (description: string, more: { default?: number } = {}) =>
  Type.Integer({ minimum: 1, maximum: 65535, description, ...more });

/** `Unsafe` gives the values as a union of literals; `Type.Enum` alone infers `string`. */
export const oneOf = <const V extends readonly [string, ...string[]]>(values: V, description: string, more: { default?: V[number] } & ConfigKeywords = {}): TUnsafe<V[number]> =>
  Type.Unsafe<V[number]>(Type.Enum([...values] as unknown as [...V], { description, ...more }));

export const texts = (description: string, byDefault: readonly string[] = []) =>
  Type.Array(Type.String(), { description, default: [...byDefault] });

export const table = <T extends TSchema>(value: T, description: string) =>
  Type.Record(Type.String(), value, { description, default: {} });

/** A group of keys; present with its own defaults even when the file does not name it. */
export const group = <P extends Record<string, TSchema>>(description: string, properties: P, more: ConfigKeywords = {}) =>
  Type.Object(properties, { description, default: {}, ...more });

/** A duration as the peer writes it: `30m`, `1h`, `0m`. */
export const duration = (description: string, more: { default?: string } & ConfigKeywords = {}) =>
  Type.String({ description, pattern: '^\\d+(ms|s|m|h|d)$', ...more });

const SECRET_REF = Type.Object({
  source: Type.Enum(['env'], { description: 'Where the secret is. Only the environment is supported.' }),
  provider: Type.Optional(Type.String({ description: 'The peer\'s name of the source; not used.' })),
  id: Type.String({ minLength: 1, description: 'Name of the environment variable.' }),
});

/** A secret: text, `${VAR}`, or the peer's `{source: "env", id: "VAR"}`, which the loader turns into `${VAR}`. */
export const secret = (description: string): TUnsafe<string> =>
  Type.Unsafe<string>({ ...Type.Union([Type.String(), SECRET_REF]), description, 'x-secret': true });

/** What a {@link lazySecret} may hold. */
export type SecretInput = string | { readonly source: string; readonly id?: string; readonly path?: string; readonly provider?: string };

/** A secret that stays as written: only who uses it can tell whether its source is there. Also knows the peer's `file`. */
export const lazySecret = (description: string): TUnsafe<SecretInput> =>
  Type.Unsafe<SecretInput>({
    ...Type.Union([
      Type.String(),
      Type.Object({
        source: Type.String({ minLength: 1, description: '`env` or `file`.' }),
        provider: Type.Optional(Type.String({ description: 'The peer\'s name of the source; not used.' })),
        id: Type.Optional(Type.String({ description: 'Name of the variable, or path of a file of mode 0600.' })),
        path: Type.Optional(Type.String({ description: 'Path of a file of mode 0600.' })),
      }),
    ]),
    description,
    'x-secret': true,
    'x-lazy': true,
  });

export type { Static };
