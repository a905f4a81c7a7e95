/**
 * Anthropic's Messages API, also as other servers speak it (`api: "anthropic-messages"`).
 * Invariants: an answer is returned only after `message_stop`; the SDK retries nothing and logs nothing.
 */
import Anthropic from '@anthropic-ai/sdk';
import { FAILURES } from '../../core/names.js';
import { NO_USAGE, type ModelAnswer, type ModelCall, type ModelEvent, type ModelRequest, type StopReason, type Usage } from '../../core/model.js';
import { keepReasoning, type Piece } from './anthropic-reasoning.js';
import { anthropicRequest } from './anthropic-request.js';
import { anthropicError } from './errors.js';
import { aliveTicker, onLine } from './line.js';
import { loadImages, parseCall } from './prompt.js';
import { DEFAULT_TIMINGS, ModelError, type ModelFacts, type ModelProvider, type StreamTimings } from './types.js';

interface AnthropicOptions {
  readonly id: string;
  readonly baseUrl: string;
  readonly key: string;
  /** `bearer`: an OAuth or gateway token in `Authorization`. */
  readonly auth: 'api-key' | 'bearer';
  readonly headers?: Readonly<Record<string, string>>;
  readonly facts: (model: string) => ModelFacts;
  readonly timings?: StreamTimings;
}

/** Tokens of Anthropic's own sign-in are accepted only with this. */
const OAUTH_BETA = 'oauth-2025-04-20';
const OAUTH_TOKEN = /^sk-ant-oat/;
/** Never the SDK's own limit: silence is watched by `onLine`, and a long answer is no failure. */
const SDK_TIMEOUT_MS = 24 * 60 * 60_000;

const STOPS: Readonly<Record<string, StopReason>> = {
  end_turn: 'stop',
  stop_sequence: 'stop',
  pause_turn: 'stop',
  tool_use: 'tool_calls',
  max_tokens: 'length',
  model_context_window_exceeded: 'length',
  refusal: 'refusal',
};

export function createAnthropicProvider(options: AnthropicOptions): ModelProvider {
  const context = { provider: options.id, secrets: [options.key, ...Object.values(options.headers ?? {})] };
  return {
    id: options.id,
    facts: options.facts,
    async stream(request, { signal, onEvent, loadMedia }) {
      const body = anthropicRequest(options.id, request, await loadImages(request.messages, loadMedia));
      try {
        return await onLine({ provider: options.id, outer: signal, timings: options.timings ?? DEFAULT_TIMINGS, alive: aliveTicker(onEvent) }, async (line) => {
          const stream = await client(options, line.fetch).messages.create(body, { signal: line.signal });
          return answerOf(options.id, request, await collect(options.id, stream, onEvent));
        });
      } catch (error) {
        signal.throwIfAborted();
        throw anthropicError(error, context);
      }
    },
  };
}

function client(options: AnthropicOptions, fetch: typeof globalThis.fetch): Anthropic {
  const beta = options.auth === 'bearer' && OAUTH_TOKEN.test(options.key) ? { 'anthropic-beta': OAUTH_BETA } : {};
  return new Anthropic({
    ...(options.auth === 'bearer' ? { authToken: options.key } : { apiKey: options.key }),
    // The SDK adds `/v1` itself; addresses in config files often have it.
    baseURL: options.baseUrl.replace(/\/+$/, '').replace(/\/v1$/, ''),
    // The SDK would send a key as a bearer, which compatible servers do not all take; every one takes this header.
    defaultHeaders: { ...(options.auth === 'api-key' ? { authorization: null, ...(options.key === '' ? {} : { 'x-api-key': options.key }) } : {}), ...beta, ...options.headers },
    maxRetries: 0,
    timeout: SDK_TIMEOUT_MS,
    logLevel: 'off',
    openTelemetry: false,
    fetch,
  });
}

/** A content block under construction. */
type Open =
  | { readonly kind: 'text'; text: string }
  | { readonly kind: 'thinking'; text: string; signature: string }
  | { readonly kind: 'redacted'; readonly data: string }
  | { readonly kind: 'call'; readonly id: string; readonly name: string; json: string; readonly whole: unknown }
  | { readonly kind: 'other' };

interface Collected {
  readonly blocks: readonly Open[];
  readonly stop: string | undefined;
  readonly usage: Usage;
}

async function collect(provider: string, stream: AsyncIterable<Anthropic.RawMessageStreamEvent>, onEvent: (event: ModelEvent) => void): Promise<Collected> {
  const blocks = new Map<number, Open>();
  let stop: string | undefined;
  let usage: Usage = NO_USAGE;
  let closed = false;
  for await (const event of stream) {
    switch (event.type) {
      case 'message_start':
        usage = mergeUsage(usage, event.message.usage);
        onEvent({ type: 'usage', usage });
        break;
      case 'content_block_start':
        blocks.set(event.index, open(event.content_block));
        if (event.content_block.type === 'text' && event.content_block.text) onEvent({ type: 'text', delta: event.content_block.text });
        break;
      case 'content_block_delta':
        extend(blocks.get(event.index), event.delta, onEvent);
        break;
      case 'message_delta':
        stop = event.delta.stop_reason ?? stop;
        usage = mergeUsage(usage, event.usage);
        onEvent({ type: 'usage', usage });
        break;
      case 'message_stop':
        closed = true;
        break;
      default: // block ends and events of later API versions
        break;
    }
  }
  if (!closed) throw new ModelError(FAILURES.Network, `${provider}: the answer broke off before its end`);
  return { blocks: [...blocks.entries()].sort(([a], [b]) => a - b).map(([, block]) => block), stop, usage };
}

function open(block: Anthropic.ContentBlock): Open {
  switch (block.type) {
    case 'text':
      return { kind: 'text', text: block.text ?? '' };
    case 'thinking':
      return { kind: 'thinking', text: block.thinking ?? '', signature: block.signature ?? '' };
    case 'redacted_thinking':
      return { kind: 'redacted', data: block.data };
    case 'tool_use':
      return { kind: 'call', id: block.id ?? '', name: block.name ?? '', json: '', whole: block.input };
    default:
      return { kind: 'other' };
  }
}

function extend(block: Open | undefined, delta: Anthropic.RawContentBlockDelta, onEvent: (event: ModelEvent) => void): void {
  if (delta.type === 'text_delta' && block?.kind === 'text') {
    block.text += delta.text;
    if (delta.text !== '') onEvent({ type: 'text', delta: delta.text });
  } else if (delta.type === 'thinking_delta' && block?.kind === 'thinking') {
    block.text += delta.thinking;
    if (delta.thinking !== '') onEvent({ type: 'thinking', delta: delta.thinking });
  } else if (delta.type === 'signature_delta' && block?.kind === 'thinking') {
    block.signature += delta.signature;
  } else if (delta.type === 'input_json_delta' && block?.kind === 'call') {
    block.json += delta.partial_json;
  }
}

function mergeUsage(before: Usage, said: Partial<Anthropic.Usage | Anthropic.MessageDeltaUsage> | undefined): Usage {
  // Figures in `message_delta` are cumulative: they replace, and those left out stay.
  return {
    input: said?.input_tokens ?? before.input,
    output: said?.output_tokens ?? before.output,
    cacheRead: said?.cache_read_input_tokens ?? before.cacheRead,
    cacheWrite: said?.cache_creation_input_tokens ?? before.cacheWrite,
  };
}

function answerOf(provider: string, request: ModelRequest, { blocks, stop: said, usage }: Collected): ModelAnswer {
  const calls: ModelCall[] = [];
  const pieces: Piece[] = [];
  let text = '';
  for (const block of blocks) {
    if (block.kind === 'text') {
      text += block.text;
      pieces.push({ type: 'text', chars: block.text.length });
    } else if (block.kind === 'thinking') pieces.push({ type: 'thinking', thinking: block.text, signature: block.signature });
    else if (block.kind === 'redacted') pieces.push({ type: 'redacted_thinking', data: block.data });
    else if (block.kind === 'call') {
      pieces.push({ type: 'call', index: calls.length });
      // Some servers send the arguments whole in the block's start.
      calls.push(parseCall(block.id, block.name, block.json === '' && hasKeys(block.whole) ? JSON.stringify(block.whole) : block.json));
    }
  }
  const stop = STOPS[said ?? ''] ?? 'stop';
  if (stop === 'refusal') {
    if (text.trim() === '') throw new ModelError(FAILURES.ContentPolicy, `${provider}: the model refused to answer`);
    return { text, calls: [], stop, usage };
  }
  if (text.trim() === '' && calls.length === 0) {
    throw new ModelError(FAILURES.EmptyAnswer, stop === 'length' ? `${provider}: the output limit was used up before any answer` : `${provider}: the answer was empty`);
  }
  const reasoning = keepReasoning(provider, request.model, pieces);
  return { text, calls, ...(reasoning ? { reasoning } : {}), stop: calls.length > 0 && stop === 'stop' ? 'tool_calls' : stop, usage };
}

const hasKeys = (value: unknown): boolean => typeof value === 'object' && value !== null && Object.keys(value).length > 0;
