/**
 * Chat Completions: OpenAI and everyone who speaks like it.
 * Invariants: an answer is returned only after its `finish_reason`; the SDK retries nothing and logs nothing.
 */
import OpenAI from 'openai';
import { FAILURES } from '../../core/names.js';
import type { ModelAnswer, ModelRequest, StopReason } from '../../core/model.js';
import { openaiError } from './errors.js';
import { aliveTicker, onLine } from './line.js';
import { openaiRequest, type KeptReasoning } from './openai-request.js';
import { collect, type Chunk, type Collected } from './openai-stream.js';
import { estimateUsage, loadImages } from './prompt.js';
import { DEFAULT_TIMINGS, ModelError, type ModelFacts, type ModelProvider, type StreamTimings } from './types.js';

interface OpenAiOptions {
  readonly id: string;
  readonly baseUrl: string;
  /** Empty: the server wants none. */
  readonly key: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly facts: (model: string) => ModelFacts;
  readonly timings?: StreamTimings;
}

/** Never the SDK's own limit: silence is watched by `onLine`, and a long answer is no failure. */
const SDK_TIMEOUT_MS = 24 * 60 * 60_000;

const STOPS: Readonly<Record<string, StopReason>> = {
  stop: 'stop',
  tool_calls: 'tool_calls',
  function_call: 'tool_calls',
  length: 'length',
  content_filter: 'refusal',
};

export function createOpenAiProvider(options: OpenAiOptions): ModelProvider {
  const context = { provider: options.id, secrets: [options.key, ...Object.values(options.headers ?? {})] };
  return {
    id: options.id,
    facts: options.facts,
    async stream(request, { signal, onEvent, loadMedia }) {
      const body = openaiRequest(options.id, request, options.facts(request.model), await loadImages(request.messages, loadMedia));
      try {
        return await onLine({ provider: options.id, outer: signal, timings: patience(request, options.timings ?? DEFAULT_TIMINGS), alive: aliveTicker(onEvent) }, async (line) => {
          const stream = await openaiClient(options, line.fetch).chat.completions.create(body, { signal: line.signal });
          return answerOf(options.id, request, await collect(options.id, stream as AsyncIterable<Chunk>, onEvent));
        });
      } catch (error) {
        signal.throwIfAborted();
        throw openaiError(error, context);
      }
    },
  };
}

/** On this wire many providers say nothing at all while a model thinks. Twice the default stays below fetch's own 300 s. */
function patience(request: ModelRequest, timings: StreamTimings): StreamTimings {
  return request.thinking === 'medium' || request.thinking === 'high' ? { firstByteMs: timings.firstByteMs * 2, silenceMs: timings.silenceMs * 2 } : timings;
}

export function openaiClient(options: Pick<OpenAiOptions, 'id' | 'baseUrl' | 'key' | 'headers'>, fetch: typeof globalThis.fetch): OpenAI {
  return new OpenAI({
    // The SDK wants one; the header is taken out again where the server wants none.
    apiKey: options.key || 'none',
    adminAPIKey: null,
    baseURL: options.baseUrl.replace(/\/+$/, ''),
    defaultHeaders: { ...(options.key === '' ? { authorization: null } : {}), ...options.headers },
    // These belong to an account at OpenAI; other servers must not learn them.
    ...(options.id === 'openai' ? {} : { organization: null, project: null }),
    maxRetries: 0,
    timeout: SDK_TIMEOUT_MS,
    logLevel: 'off',
    fetch,
  });
}

function answerOf(provider: string, request: ModelRequest, said: Collected): ModelAnswer {
  // DeepSeek and OpenRouter end a stream they cannot finish in this way.
  if (said.finish === 'insufficient_system_resource' || said.finish === 'error') throw new ModelError(FAILURES.Overloaded, `${provider}: the provider broke off the answer`);
  const usage = said.usage ?? estimateUsage(request, said.text + said.thinking + JSON.stringify(said.calls));
  const stop = STOPS[said.finish] ?? 'stop';
  if (stop === 'refusal' || said.refusal !== '') {
    const text = said.text + said.refusal;
    if (text.trim() === '') throw new ModelError(FAILURES.ContentPolicy, `${provider}: the content filter ended the answer`);
    return { text, calls: [], stop: 'refusal', usage };
  }
  if (said.text.trim() === '' && said.calls.length === 0) {
    throw new ModelError(FAILURES.EmptyAnswer, stop === 'length' ? `${provider}: the output limit was used up before any answer` : `${provider}: the answer was empty`);
  }
  const reasoning = keepReasoning(provider, request.model, said);
  // Some servers say `stop` with calls, and some `tool_calls` without any.
  const real = stop === 'length' ? stop : said.calls.length > 0 ? 'tool_calls' : 'stop';
  return { text: said.text, calls: said.calls, ...(reasoning ? { reasoning } : {}), stop: real, usage };
}

function keepReasoning(provider: string, model: string, said: Collected): ModelAnswer['reasoning'] {
  if (said.thinking === '' && said.details.length === 0 && said.extras.size === 0) return undefined;
  const blocks: KeptReasoning[] = [{ type: 'from', model }];
  for (const detail of said.details) blocks.push({ type: 'detail', detail });
  for (const [index, extra] of said.extras) blocks.push({ type: 'call_extra', index, extra });
  return { provider, blocks, text: said.thinking };
}
