/**
 * What the agent loop says to a model and hears back, in no provider's dialect. Pure.
 */

export type ThinkingLevel = 'off' | 'minimal' | 'low' | 'medium' | 'high';
export const THINKING_LEVELS: readonly ThinkingLevel[] = ['off', 'minimal', 'low', 'medium', 'high'];

/** `stop`: it finished; `length`: the output limit cut it; `refusal`: the provider's content policy ended it. */
export type StopReason = 'stop' | 'tool_calls' | 'length' | 'refusal';

export interface Usage {
  /** Tokens. `input` excludes cached ones. */
  readonly input: number;
  readonly output: number;
  readonly cacheRead: number;
  readonly cacheWrite: number;
}
/** Everything that was read and written. */
export const totalTokens = ({ input, output, cacheRead, cacheWrite }: Usage): number => input + output + cacheRead + cacheWrite;

export const NO_USAGE: Usage = { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 };

/** `provider/model`, e.g. `anthropic/claude-opus-4-6`; the model part may hold further slashes. */
export function splitModelRef(ref: string): { readonly provider: string; readonly model: string } | undefined {
  const slash = ref.indexOf('/');
  if (slash <= 0 || slash === ref.length - 1) return undefined;
  return { provider: ref.slice(0, slash), model: ref.slice(slash + 1) };
}

/** Reasoning a provider wants back, in its own shape: replayed only to the same provider. */
export interface Reasoning {
  readonly provider: string;
  readonly blocks: readonly unknown[];
  /** For people. */
  readonly text: string;
}

export interface ToolSpec {
  readonly name: string;
  readonly description: string;
  /** JSON schema of the arguments: an object. */
  readonly parameters: Readonly<Record<string, unknown>>;
}

export type PromptBlock =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'image'; readonly mime: string; readonly hash: string };

export interface PromptCall {
  readonly id: string;
  readonly name: string;
  readonly args: Readonly<Record<string, unknown>>;
}

/** Assembled by `core/context`; every call has exactly one result, ids are unique within the prompt. */
export type PromptMessage =
  | { readonly role: 'user'; readonly blocks: readonly PromptBlock[] }
  | {
      readonly role: 'assistant';
      readonly text: string;
      readonly calls: readonly PromptCall[];
      readonly reasoning?: Reasoning;
    }
  | {
      readonly role: 'tool';
      readonly callId: string;
      readonly name: string;
      readonly isError: boolean;
      readonly blocks: readonly PromptBlock[];
    };

export interface ModelRequest {
  /** The model's id at its provider, without the provider's name. */
  readonly model: string;
  /** Byte-identical from turn to turn, so that providers can cache it. */
  readonly system: string;
  readonly messages: readonly PromptMessage[];
  readonly tools: readonly ToolSpec[];
  /** Output limit in tokens. */
  readonly maxTokens: number;
  readonly thinking: ThinkingLevel;
}

export interface ModelCall {
  /** As the provider gave it; may be empty or repeated. */
  readonly id: string;
  readonly name: string;
  readonly args: Readonly<Record<string, unknown>>;
  /** The raw text when it is no JSON object. */
  readonly malformed?: string;
}

export interface ModelAnswer {
  readonly text: string;
  readonly calls: readonly ModelCall[];
  readonly reasoning?: Reasoning;
  readonly stop: StopReason;
  readonly usage: Usage;
}

/** What a provider tells while it streams. */
export type ModelEvent =
  | { readonly type: 'text'; readonly delta: string }
  | { readonly type: 'thinking'; readonly delta: string }
  /** Counted so far; a later one replaces it. */
  | { readonly type: 'usage'; readonly usage: Usage }
  /** Bytes arrived that say nothing yet: resets the silence watchdog. */
  | { readonly type: 'alive' };

/** US dollars per million tokens. */
export interface ModelPrice {
  readonly input: number;
  readonly output: number;
  readonly cacheRead?: number;
  readonly cacheWrite?: number;
}

export function costUsd(price: ModelPrice | undefined, usage: Usage): number | undefined {
  if (!price) return undefined;
  const total =
    usage.input * price.input +
    usage.output * price.output +
    usage.cacheRead * (price.cacheRead ?? price.input) +
    usage.cacheWrite * (price.cacheWrite ?? price.input);
  return total / 1_000_000;
}
