/**
 * How much a model thinks: our levels in each provider's parameters. Pure.
 */
import type { ModelRequest, PromptMessage, ThinkingLevel } from '../../core/model.js';

type AnthropicThinking =
  | { readonly mode: 'off' }
  /** The model decides how long; effort guides it. */
  | { readonly mode: 'adaptive'; readonly effort: 'low' | 'medium' | 'high' }
  | { readonly mode: 'budget'; readonly tokens: number };

/** Since 4.6; from 4.7 on a fixed budget is refused. */
const ADAPTIVE = /^claude-(?:opus-4-[6-9]|sonnet-4-[6-9]|[a-z]+-[5-9]|mythos)/;
const BUDGET: Readonly<Record<Exclude<ThinkingLevel, 'off'>, number>> = { minimal: 1_024, low: 2_048, medium: 8_192, high: 16_384 };
/** Anthropic's least budget. */
const LEAST = 1_024;

/** @param own the assistant messages' thinking is this provider's and can be passed back */
export function anthropicThinking(request: ModelRequest, own: (message: PromptMessage) => boolean): AnthropicThinking {
  if (request.thinking === 'off') return { mode: 'off' };
  if (ADAPTIVE.test(request.model)) return { mode: 'adaptive', effort: request.thinking === 'minimal' ? 'low' : request.thinking };
  // A budget demands that the running tool loop began with thinking; after a failover it did not.
  if (!loopHasThinking(request.messages, own)) return { mode: 'off' };
  const tokens = Math.min(BUDGET[request.thinking], request.maxTokens - LEAST);
  return tokens < LEAST ? { mode: 'off' } : { mode: 'budget', tokens };
}

function loopHasThinking(messages: readonly PromptMessage[], own: (message: PromptMessage) => boolean): boolean {
  for (let i = messages.length - 1; i >= 0; i -= 1) {
    const message = messages[i]!;
    if (message.role === 'user') return true;
    if (message.role === 'assistant' && message.calls.length > 0 && !own(message)) return false;
  }
  return true;
}

type Effort = 'none' | 'minimal' | 'low' | 'medium' | 'high';

/**
 * `reasoning_effort` for OpenAI's own models.
 * @returns undefined: leave the parameter out
 */
export function openaiEffort(model: string, level: ThinkingLevel, hasTools: boolean): Effort | undefined {
  const version = /^gpt-(\d+)(?:\.(\d+))?/.exec(model);
  const major = Number(version?.[1] ?? 0);
  const minor = Number(version?.[2] ?? 0);
  if (version && major >= 5) {
    if (/-chat/.test(model)) return undefined;
    // From 5.2 on Chat Completions refuses tools with any effort but `none`, newer ones even when it is left out.
    if (hasTools && (major > 5 || minor >= 2)) return 'none';
    const newer = major > 5 || minor >= 1;
    if (level === 'off') return newer ? 'none' : 'minimal';
    return newer && level === 'minimal' ? 'low' : level;
  }
  if (/^o[1-9]/.test(model)) return level === 'off' || level === 'minimal' ? 'low' : level;
  return undefined;
}

/** Gemini 3 always thinks; only 2.5 Flash can be told not to. */
export function geminiEffort(model: string, level: ThinkingLevel): Effort {
  if (level !== 'off') return level;
  if (/^gemini-2\.5-flash/.test(model)) return 'none';
  return /flash/.test(model) ? 'minimal' : 'low';
}
