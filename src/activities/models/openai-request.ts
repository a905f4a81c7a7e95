/**
 * A prompt in Chat Completions format. Pure once images are loaded.
 * Invariants: every call is followed by its results before anything else; older messages come out byte-identical from
 * call to call (these providers cache prefixes by themselves).
 */
import type OpenAI from 'openai';
import type { ModelRequest, PromptMessage } from '../../core/model.js';
import { dialectOf, FOREIGN_SIGNATURE, type Dialect } from './openai-dialects.js';
import { loadedBlocks, wireName, type Images, type LoadedBlock } from './prompt.js';
import type { ModelFacts } from './types.js';

type Message = OpenAI.ChatCompletionMessageParam;
type Part = OpenAI.ChatCompletionContentPartText | OpenAI.ChatCompletionContentPartImage;
const CACHE = { type: 'ephemeral' } as const;

/** What `reasoning.blocks` holds for this wire. */
export type KeptReasoning =
  | { readonly type: 'from'; readonly model: string }
  /** OpenRouter's list, as it came. */
  | { readonly type: 'detail'; readonly detail: unknown }
  /** Opaque data of call `index`. */
  | { readonly type: 'call_extra'; readonly index: number; readonly extra: unknown };

export function openaiRequest(provider: string, request: ModelRequest, facts: ModelFacts, images: Images): OpenAI.ChatCompletionCreateParamsStreaming {
  const dialect = dialectOf(provider);
  const thinking = dialect.thinking(request, facts);
  const body = {
    model: request.model,
    stream: true as const,
    stream_options: { include_usage: true },
    [dialect.maxTokens]: request.maxTokens,
    messages: messages(provider, dialect, request, images),
    ...(request.tools.length === 0
      ? {}
      : { tools: request.tools.map((tool) => ({ type: 'function' as const, function: { name: tool.name, description: tool.description, parameters: { ...tool.parameters } } })) }),
    ...thinking,
  };
  return body;
}

function messages(provider: string, dialect: Dialect, request: ModelRequest, images: Images): Message[] {
  const out: Message[] = [];
  if (request.system !== '') out.push({ role: 'system', content: request.system });
  // Results are text only: their images follow as one user message after the batch.
  let shown: Part[] = [];
  const flush = (): void => {
    if (shown.length > 0) out.push({ role: 'user', content: shown });
    shown = [];
  };
  for (const message of request.messages) {
    if (message.role !== 'tool') flush();
    switch (message.role) {
      case 'user':
        out.push({ role: 'user', content: userContent(loadedBlocks(message.blocks, images)) });
        break;
      case 'assistant': {
        const said = assistant(provider, dialect, request, message);
        if (said) out.push(said);
        break;
      }
      case 'tool': {
        const blocks = loadedBlocks(message.blocks, images);
        const text = blocks.flatMap((block) => (block.type === 'text' ? [block.text] : [])).join('\n');
        const pictures = blocks.filter((block) => block.type === 'image');
        const body = text || (pictures.length > 0 ? '(see the image below)' : '(empty)');
        out.push({ role: 'tool', tool_call_id: message.callId, content: message.isError ? `Error: ${body}` : body });
        if (pictures.length > 0) shown.push({ type: 'text', text: `Image from ${wireName(message.name)} (${message.callId}):` }, ...pictures.map(part));
        break;
      }
    }
  }
  flush();
  if (dialect.cacheMarks(request.model)) mark(out);
  return out;
}

function assistant(provider: string, dialect: Dialect, request: ModelRequest, message: Extract<PromptMessage, { readonly role: 'assistant' }>): Message | undefined {
  if (message.text.trim() === '' && message.calls.length === 0) return undefined;
  const own = message.reasoning?.provider === provider ? message.reasoning : undefined;
  const kept = (own?.blocks ?? []) as readonly KeptReasoning[];
  const sameModel = kept.some((block) => block.type === 'from' && block.model === request.model);
  const calls = message.calls.map((call, index) => {
    const extra = sameModel ? kept.find((block) => block.type === 'call_extra' && block.index === index) : undefined;
    // Gemini checks the first call of each step only.
    const foreign = provider === 'gemini' && index === 0 && !extra ? { extra_content: FOREIGN_SIGNATURE } : {};
    return {
      id: call.id,
      type: 'function' as const,
      function: { name: wireName(call.name), arguments: JSON.stringify(call.args) },
      ...(dialect.extraContent && extra?.type === 'call_extra' ? { extra_content: extra.extra } : foreign),
    };
  });
  return {
    role: 'assistant',
    content: message.text.trim() === '' ? null : message.text,
    ...(calls.length > 0 ? { tool_calls: calls } : {}),
    ...reasoningFields(dialect, request, own, sameModel ? kept : [], calls.length > 0),
  };
}

function reasoningFields(
  dialect: Dialect,
  request: ModelRequest,
  own: { readonly text: string } | undefined,
  kept: readonly KeptReasoning[],
  hasCalls: boolean,
): Readonly<Record<string, unknown>> {
  if (dialect.reasoningBack === 'reasoning_details') {
    const details = kept.flatMap((block) => (block.type === 'detail' ? [block.detail] : []));
    return details.length > 0 ? { reasoning_details: details } : {};
  }
  if (dialect.reasoningBack === 'reasoning_content') {
    if (own && own.text !== '') return { reasoning_content: own.text };
    return dialect.reasoningRequired && hasCalls && request.thinking !== 'off' ? { reasoning_content: '' } : {};
  }
  return {};
}

/** Plain text stays a string: the form that every server takes. */
function userContent(blocks: readonly LoadedBlock[]): string | Part[] {
  if (blocks.length === 0) return '(empty)';
  if (blocks.every((block) => block.type === 'text')) return blocks.map((block) => block.text).join('\n\n');
  return blocks.map(part);
}

const part = (block: LoadedBlock): Part =>
  block.type === 'text' ? { type: 'text', text: block.text } : { type: 'image_url', image_url: { url: `data:${block.mime};base64,${block.base64}` } };

/** System prompt and newest user or tool message, as Anthropic's own format has it. */
function mark(out: Message[]): void {
  const marked = (text: string): OpenAI.ChatCompletionContentPartText[] => [{ type: 'text', text, cache_control: CACHE } as OpenAI.ChatCompletionContentPartText];
  const first = out[0];
  if (first?.role === 'system' && typeof first.content === 'string') out[0] = { ...first, content: marked(first.content) };
  const last = out.at(-1);
  if ((last?.role === 'user' || last?.role === 'tool') && typeof last.content === 'string') out[out.length - 1] = { ...last, content: marked(last.content) };
}
