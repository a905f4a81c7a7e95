/**
 * The port of a model provider. Two wire formats implement it; the loop knows only this.
 */
import type { FailureType } from '../../core/names.js';
import type { ModelAnswer, ModelEvent, ModelPrice, ModelRequest } from '../../core/model.js';

export interface ModelFacts {
  /** Tokens the model reads and writes together. */
  readonly contextWindow: number;
  /** Output limit asked for, in tokens. */
  readonly maxTokens: number;
  readonly images: boolean;
  readonly reasoning: boolean;
  readonly price?: ModelPrice;
}

export interface StreamOptions {
  /** Fires when the workflow cancels the call or the worker stops. */
  readonly signal: AbortSignal;
  readonly onEvent: (event: ModelEvent) => void;
  /** Loads an image of the prompt. */
  readonly loadMedia: (hash: string) => Promise<Uint8Array | undefined>;
}

export interface ModelProvider {
  /** Its id in model references. */
  readonly id: string;
  facts(model: string): ModelFacts;
  /**
   * One call, streamed; resolves only with a complete answer.
   * @throws ModelError for everything the provider or the line said; the abort reason when `signal` fired
   */
  stream(request: ModelRequest, options: StreamOptions): Promise<ModelAnswer>;
}

/** What a provider or its line said, in our words. The message never holds a key. */
export class ModelError extends Error {
  override readonly name = 'ModelError';
  constructor(
    readonly type: FailureType,
    message: string,
    /** The server's own wish, in milliseconds. */
    readonly retryAfterMs?: number,
    readonly status?: number,
  ) {
    super(message);
  }
}

/** How long a line may stay silent. Milliseconds. */
export interface StreamTimings {
  /** Before the first byte of the answer: large prompts are read before anything is said. */
  readonly firstByteMs: number;
  /** Between two pieces of a running answer. */
  readonly silenceMs: number;
}
export const DEFAULT_TIMINGS: StreamTimings = { firstByteMs: 120_000, silenceMs: 60_000 };

export interface ModelStatus {
  /** `provider/model`. */
  readonly ref: string;
  readonly provider: string;
  readonly available: boolean;
  /** Where the key comes from: a variable's name or `config`; never the key. */
  readonly source?: string;
  readonly problem?: string;
}

export interface ModelRegistry {
  /** @throws ModelError ModelUnavailable with what to do when the provider or its key is missing */
  resolve(ref: string): { readonly provider: ModelProvider; readonly model: string; readonly ref: string };
  /** Primary first, then the configured fallbacks. Never empty: without any key it is `offline/offline`. */
  readonly chain: readonly string[];
  /** For the banner, `models status` and doctor. */
  status(): readonly ModelStatus[];
  /** Configured and default models, for `models.list`. */
  list(): readonly (ModelFacts & { readonly ref: string; readonly available: boolean })[];
}
