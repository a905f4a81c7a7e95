/**
 * A prompt in Anthropic's Messages format. Pure once images are loaded.
 * Invariants: system prompt, tools and older messages come out byte-identical from call to call (only the cache marks
 * at the newest end move, and Anthropic does not count marks as content); roles alternate; each tool result stands at
 * the head of the user message after its call.
 */
import type Anthropic from '@anthropic-ai/sdk';
import type { ModelRequest, PromptMessage } from '../../core/model.js';
import { replayable, replayContent } from './anthropic-reasoning.js';
import { loadedBlocks, wireName, type Images } from './prompt.js';
import { anthropicThinking } from './thinking.js';

type UserBlock = Anthropic.TextBlockParam | Anthropic.ImageBlockParam | Anthropic.ToolResultBlockParam;
const CACHE = { type: 'ephemeral' } as const;
/**
 * Marks on the newest user messages. Two, because the look-back for an older entry covers 20 blocks and a wide batch of
 * results is longer; with system and tools that makes four, Anthropic's limit.
 */
const MARKED_MESSAGES = 2;

export function anthropicRequest(provider: string, request: ModelRequest, images: Images): Anthropic.MessageCreateParamsStreaming {
  const own = (message: PromptMessage): boolean => replayable(message, provider, request.model) !== undefined;
  const thinking = anthropicThinking(request, own);
  return {
    model: request.model,
    max_tokens: request.maxTokens,
    stream: true,
    ...(request.system === '' ? {} : { system: [{ type: 'text', text: request.system, cache_control: CACHE }] }),
    ...(request.tools.length === 0 ? {} : { tools: tools(request) }),
    messages: messages(provider, request, images),
    ...(thinking.mode === 'adaptive' ? { thinking: { type: 'adaptive', display: 'summarized' }, output_config: { effort: thinking.effort } } : {}),
    ...(thinking.mode === 'budget' ? { thinking: { type: 'enabled', budget_tokens: thinking.tokens } } : {}),
  };
}

function tools(request: ModelRequest): Anthropic.Tool[] {
  const last = request.tools.length - 1;
  return request.tools.map((tool, i) => ({
    name: tool.name,
    description: tool.description,
    input_schema: { ...tool.parameters, type: 'object' },
    ...(i === last ? { cache_control: CACHE } : {}),
  }));
}

function messages(provider: string, request: ModelRequest, images: Images): Anthropic.MessageParam[] {
  const out: Anthropic.MessageParam[] = [];
  const pushUser = (blocks: readonly UserBlock[]): void => {
    const last = out.at(-1);
    if (last?.role === 'user') (last.content as UserBlock[]).push(...blocks);
    else out.push({ role: 'user', content: [...blocks] });
  };
  for (const message of request.messages) {
    switch (message.role) {
      case 'user':
        pushUser(content(message, images));
        break;
      case 'tool':
        pushUser([{ type: 'tool_result', tool_use_id: message.callId, content: content(message, images), ...(message.isError ? { is_error: true } : {}) }]);
        break;
      case 'assistant': {
        const blocks = replayContent(message, replayable(message, provider, request.model), (call) => ({ type: 'tool_use', id: call.id, name: wireName(call.name), input: call.args }));
        // An answer that was all blank: its neighbours become one user message.
        if (blocks.length > 0) {
          if (out.length === 0) pushUser([{ type: 'text', text: '(the conversation goes on)' }]);
          out.push({ role: 'assistant', content: blocks });
        }
        break;
      }
    }
  }
  mark(out);
  return out;
}

function content(message: Extract<PromptMessage, { readonly role: 'user' | 'tool' }>, images: Images): (Anthropic.TextBlockParam | Anthropic.ImageBlockParam)[] {
  const blocks = loadedBlocks(message.blocks, images).map((block): Anthropic.TextBlockParam | Anthropic.ImageBlockParam =>
    block.type === 'text' ? { type: 'text', text: block.text } : { type: 'image', source: { type: 'base64', media_type: block.mime, data: block.base64 } },
  );
  return blocks.length > 0 ? blocks : [{ type: 'text', text: '(empty)' }];
}

function mark(out: readonly Anthropic.MessageParam[]): void {
  let left = MARKED_MESSAGES;
  for (let i = out.length - 1; i >= 0 && left > 0; i -= 1) {
    const message = out[i]!;
    if (message.role !== 'user' || typeof message.content === 'string') continue;
    const last = message.content.at(-1) as UserBlock | undefined;
    if (last) last.cache_control = CACHE;
    left -= 1;
  }
}
