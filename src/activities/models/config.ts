/**
 * The part of the configuration that models read. Structural, so that the schema's type fits without an import.
 * Names are those of the existing `openclaw`, whose files work unchanged.
 */

/** `${VAR}` or literal text; or a reference to a variable or to a file that only its owner can read. */
export type SecretConfig =
  | string
  | {
      readonly source: string;
      /** `env`: the variable's name. `file`: an absolute path or one under `~/`. */
      readonly id?: string;
      readonly path?: string;
      readonly provider?: string;
    };

export interface ModelEntryConfig {
  readonly id: string;
  readonly name?: string;
  /** Tokens. */
  readonly contextWindow?: number;
  /** Output limit in tokens. */
  readonly maxTokens?: number;
  readonly input?: readonly string[];
  readonly reasoning?: boolean;
  /** US dollars per million tokens. */
  readonly cost?: { readonly input?: number; readonly output?: number; readonly cacheRead?: number; readonly cacheWrite?: number };
}

export interface ModelProviderConfig {
  readonly baseUrl?: string;
  readonly apiKey?: SecretConfig;
  /** A file of mode 0600 that holds the key. */
  readonly apiKeyFile?: string;
  /** `openai-completions` (the default) or `anthropic-messages`. */
  readonly api?: string;
  readonly headers?: Readonly<Record<string, SecretConfig>>;
  readonly models?: readonly ModelEntryConfig[];
}

export interface ModelConfig {
  readonly agents?: {
    readonly defaults?: {
      /** `provider/model`, or the same with what to try next. */
      readonly model?: string | { readonly primary?: string; readonly fallbacks?: readonly string[] };
    };
  };
  readonly models?: { readonly providers?: Readonly<Record<string, ModelProviderConfig>> };
}
