/**
 * How the speakers of Chat Completions differ. One entry each; an unknown server gets the plain dialect.
 * Invariant: a provider's peculiarities are here and nowhere else in the wire format.
 */
import type { ModelRequest } from '../../core/model.js';
import { geminiEffort, openaiEffort } from './thinking.js';
import type { ModelFacts } from './types.js';

/** How reasoning goes back: the text in a field, the provider's own list, or not at all. */
type ReasoningBack = 'reasoning_content' | 'reasoning_details' | 'none';

export interface Dialect {
  readonly maxTokens: 'max_tokens' | 'max_completion_tokens';
  readonly reasoningBack: ReasoningBack;
  /** An assistant message with calls must have `reasoning_content`, if only an empty one, while the model thinks. */
  readonly reasoningRequired: boolean;
  /** Calls carry opaque `extra_content` (Gemini's thought signatures) that must come back. */
  readonly extraContent: boolean;
  /** Cache marks in Anthropic's manner, for Claude behind this provider. */
  readonly cacheMarks: (model: string) => boolean;
  /** Parameters for the thinking level. */
  readonly thinking: (request: ModelRequest, facts: ModelFacts) => Readonly<Record<string, unknown>>;
}

const never = (): boolean => false;

const PLAIN: Dialect = {
  // The older name is the one that every compatible server knows.
  maxTokens: 'max_tokens',
  reasoningBack: 'reasoning_content',
  reasoningRequired: false,
  extraContent: true,
  cacheMarks: never,
  thinking: (request, facts) => (facts.reasoning && request.thinking !== 'off' ? { reasoning_effort: request.thinking === 'minimal' ? 'low' : request.thinking } : {}),
};

const DIALECTS: Readonly<Record<string, Dialect>> = {
  openai: {
    ...PLAIN,
    // Reasoning models refuse `max_tokens`.
    maxTokens: 'max_completion_tokens',
    reasoningBack: 'none',
    extraContent: false,
    thinking: (request) => {
      const effort = openaiEffort(request.model, request.thinking, request.tools.length > 0);
      return effort === undefined ? {} : { reasoning_effort: effort };
    },
  },
  deepseek: {
    ...PLAIN,
    // Thinking is on unless told otherwise; with it, calls without their reasoning are refused.
    reasoningRequired: true,
    extraContent: false,
    thinking: (request) =>
      request.thinking === 'off'
        ? { thinking: { type: 'disabled' } }
        : { thinking: { type: 'enabled' }, reasoning_effort: request.thinking === 'minimal' ? 'low' : request.thinking === 'medium' ? 'high' : request.thinking },
  },
  gemini: {
    ...PLAIN,
    reasoningBack: 'none',
    thinking: (request, facts) => (facts.reasoning ? { reasoning_effort: geminiEffort(request.model, request.thinking) } : {}),
  },
  openrouter: {
    ...PLAIN,
    reasoningBack: 'reasoning_details',
    cacheMarks: (model) => model.startsWith('anthropic/'),
    thinking: (request, facts) => (facts.reasoning && request.thinking !== 'off' ? { reasoning: { effort: request.thinking } } : {}),
  },
  ollama: { ...PLAIN, reasoningBack: 'none' },
};

export const dialectOf = (provider: string): Dialect => DIALECTS[provider] ?? PLAIN;

/** What Gemini takes in the place of a signature for calls that another model made. */
export const FOREIGN_SIGNATURE = { google: { thought_signature: 'skip_thought_signature_validator' } } as const;
