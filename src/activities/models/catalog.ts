/**
 * Built-in providers, their default models and what is known of models without asking anyone.
 * Invariant: every default model id of the project is in this file. Prices are list prices in US dollars per million
 * tokens as published in autumn 2026; a model without a published price has none, so its cost is shown as unknown.
 */
import type { ModelPrice } from '../../core/model.js';
import type { ModelFacts } from './types.js';

export type Wire = 'anthropic-messages' | 'openai-completions';

interface BuiltInProvider {
  readonly id: string;
  readonly label: string;
  readonly wire: Wire;
  readonly baseUrl: string;
  /** Variables that hold its key, best first. */
  readonly keyVars: readonly string[];
  /** Variable that replaces `baseUrl`. */
  readonly baseUrlVar?: string;
  readonly defaultModel: string;
}

/** In the order in which a key in the environment makes a provider the default. */
export const PROVIDERS: readonly BuiltInProvider[] = [
  { id: 'anthropic', label: 'Anthropic', wire: 'anthropic-messages', baseUrl: 'https://api.anthropic.com', keyVars: ['ANTHROPIC_API_KEY', 'ANTHROPIC_AUTH_TOKEN'], baseUrlVar: 'ANTHROPIC_BASE_URL', defaultModel: 'claude-opus-4-6' },
  { id: 'openai', label: 'OpenAI', wire: 'openai-completions', baseUrl: 'https://api.openai.com/v1', keyVars: ['OPENAI_API_KEY'], baseUrlVar: 'OPENAI_BASE_URL', defaultModel: 'gpt-5.5' },
  { id: 'gemini', label: 'Google Gemini', wire: 'openai-completions', baseUrl: 'https://generativelanguage.googleapis.com/v1beta/openai', keyVars: ['GEMINI_API_KEY'], defaultModel: 'gemini-3.5-flash' },
  { id: 'deepseek', label: 'DeepSeek', wire: 'openai-completions', baseUrl: 'https://api.deepseek.com', keyVars: ['DEEPSEEK_API_KEY'], defaultModel: 'deepseek-v4-pro' },
  { id: 'openrouter', label: 'OpenRouter', wire: 'openai-completions', baseUrl: 'https://openrouter.ai/api/v1', keyVars: ['OPENROUTER_API_KEY'], defaultModel: 'anthropic/claude-opus-4.6' },
];

/** Ollama has no key; it counts only when it answers on loopback, and its default is a model it has. */
export const OLLAMA = { id: 'ollama', label: 'Ollama', baseUrl: 'http://127.0.0.1:11434', suggestedModel: 'qwen3:8b' } as const;

export const OFFLINE = { id: 'offline', model: 'offline', ref: 'offline/offline' } as const;

/** Names under which other software knows the same provider. */
const PROVIDER_ALIASES: Readonly<Record<string, string>> = { google: 'gemini', claude: 'anthropic' };
export const canonicalProvider = (id: string): string => PROVIDER_ALIASES[id] ?? id;
export const builtIn = (id: string): BuiltInProvider | undefined => PROVIDERS.find((provider) => provider.id === id);

/** Asked for when nobody says more: enough for long answers with thinking, small enough to reserve against a budget. */
const OUTPUT = 32_000;
/** What a model nobody described can surely take. */
const UNKNOWN: ModelFacts = { contextWindow: 128_000, maxTokens: 8_192, images: false, reasoning: false };

const price = (input: number, output: number, cacheRead: number, cacheWrite?: number): ModelPrice => ({ input, output, cacheRead, ...(cacheWrite === undefined ? {} : { cacheWrite }) });
const facts = (contextWindow: number, maxTokens: number, images: boolean, reasoning: boolean, cost?: ModelPrice): ModelFacts => ({ contextWindow, maxTokens, images, reasoning, ...(cost ? { price: cost } : {}) });

/** Anthropic's write price is that of the 5-minute cache: 1.25 times input. */
const CLAUDE_OPUS = price(5, 25, 0.5, 6.25);
const CLAUDE_SONNET = price(3, 15, 0.3, 3.75);
const CLAUDE_HAIKU = price(1, 5, 0.1, 1.25);

/** First match wins; families, so that dated and newer versions of a line are known too. */
const FAMILIES: Readonly<Record<string, readonly (readonly [RegExp, ModelFacts])[]>> = {
  anthropic: [
    // The million-token window of 4.6 is metered apart; 200,000 is what every account has.
    [/^claude-opus-4-[5-9]|^claude-opus-[5-9]/, facts(200_000, OUTPUT, true, true, CLAUDE_OPUS)],
    [/^claude-sonnet-/, facts(200_000, OUTPUT, true, true, CLAUDE_SONNET)],
    [/^claude-haiku-/, facts(200_000, OUTPUT, true, true, CLAUDE_HAIKU)],
    [/^claude-/, facts(200_000, OUTPUT, true, true)],
  ],
  openai: [
    // 1,050,000 tokens are possible, but past 272,000 the whole request costs twice as much.
    [/^gpt-5\.5$|^gpt-5\.5-\d/, facts(272_000, OUTPUT, true, true, price(5, 30, 0.5))],
    [/^gpt-5\.4$|^gpt-5\.4-\d/, facts(272_000, OUTPUT, true, true, price(2.5, 15, 0.25))],
    [/^gpt-5\.2$|^gpt-5\.2-\d/, facts(272_000, OUTPUT, true, true, price(1.75, 14, 0.175))],
    [/^gpt-(?:5|[6-9])/, facts(272_000, OUTPUT, true, true)],
    [/^gpt-4\.1$/, facts(1_000_000, OUTPUT, true, false, price(2, 8, 0.5))],
    // Voice to text: audio tokens in, text tokens out.
    [/^gpt-4o-mini-transcribe/, facts(16_000, 2_000, false, false, price(3, 5, 3))],
    [/^gpt-4o-transcribe/, facts(16_000, 2_000, false, false, price(6, 10, 6))],
    [/^gpt-4o$/, facts(128_000, 16_384, true, false, price(2.5, 10, 1.25))],
    [/^o[1-9]/, facts(200_000, OUTPUT, true, true)],
  ],
  gemini: [
    [/^gemini-3\.5-flash$/, facts(1_000_000, OUTPUT, true, true, price(1.5, 9, 0.15))],
    [/^gemini-/, facts(1_000_000, OUTPUT, true, true)],
  ],
  deepseek: [
    [/^deepseek-v4-pro/, facts(1_000_000, OUTPUT, false, true, price(1.74, 3.48, 0.0145))],
    [/^deepseek-(?:v4-)?flash/, facts(1_000_000, OUTPUT, true, true)],
    [/^deepseek-/, facts(128_000, OUTPUT, false, true)],
  ],
  openrouter: [
    [/^anthropic\/claude-opus-4\.[5-9]/, facts(200_000, OUTPUT, true, true, CLAUDE_OPUS)],
    [/^anthropic\/claude-sonnet/, facts(200_000, OUTPUT, true, true, CLAUDE_SONNET)],
    [/^(?:anthropic|openai|google)\//, facts(200_000, OUTPUT, true, true)],
  ],
};

/**
 * Ollama cuts a prompt silently at the context it was started with; the OpenAI wire cannot ask for more. This is what
 * current versions give on a machine with an ordinary graphics card; `OLLAMA_CONTEXT_LENGTH` says otherwise.
 */
export const OLLAMA_CONTEXT = 32_768;

export function catalogFacts(provider: string, model: string): ModelFacts {
  const known = (FAMILIES[provider] ?? []).find(([pattern]) => pattern.test(model));
  return known?.[1] ?? UNKNOWN;
}

/** `gpt-5.5` alone is clear enough; anything else needs its provider's name. */
export function guessProvider(model: string): string | undefined {
  if (/^claude-/.test(model)) return 'anthropic';
  if (/^(?:gpt-|o[1-9](?:-|$))/.test(model)) return 'openai';
  if (/^gemini-/.test(model)) return 'gemini';
  if (/^deepseek-/.test(model)) return 'deepseek';
  return undefined;
}
