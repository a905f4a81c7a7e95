/** What the model tests share: prompts, both wires' providers, and a call that records its events. */
import type { ModelAnswer, ModelEvent, ModelRequest, PromptMessage, ToolSpec } from '../../../src/core/model.js';
import { createAnthropicProvider } from '../../../src/activities/models/anthropic.js';
import { catalogFacts } from '../../../src/activities/models/catalog.js';
import { createOpenAiProvider } from '../../../src/activities/models/openai.js';
import { ModelError, type ModelProvider, type StreamTimings } from '../../../src/activities/models/types.js';
import { DEFAULT_KEY, type Wire } from '../../servers/model-server.js';

export const WIRES: readonly Wire[] = ['anthropic', 'openai'];
export const KEY = DEFAULT_KEY;
export const MODELS: Readonly<Record<Wire, string>> = { anthropic: 'claude-opus-4-6', openai: 'gpt-5.5' };

export interface ProviderOptions {
  readonly key?: string;
  readonly id?: string;
  readonly timings?: StreamTimings;
  readonly headers?: Readonly<Record<string, string>>;
}

export function provider(wire: Wire, baseUrl: string, options: ProviderOptions = {}): ModelProvider {
  const id = options.id ?? wire;
  const common = {
    id,
    baseUrl,
    key: options.key ?? KEY,
    facts: (model: string) => catalogFacts(id, model),
    ...(options.timings ? { timings: options.timings } : {}),
    ...(options.headers ? { headers: options.headers } : {}),
  };
  return wire === 'anthropic' ? createAnthropicProvider({ ...common, auth: 'api-key' }) : createOpenAiProvider(common);
}

export const user = (text: string): PromptMessage => ({ role: 'user', blocks: [{ type: 'text', text }] });
export const result = (callId: string, text: string, isError = false): PromptMessage => ({ role: 'tool', callId, name: 'exec', isError, blocks: [{ type: 'text', text }] });
export const EXEC: ToolSpec = { name: 'exec', description: 'Runs a command.', parameters: { type: 'object', properties: { command: { type: 'string' } }, required: ['command'] } };
export const READ: ToolSpec = { name: 'read', description: 'Reads a file.', parameters: { type: 'object', properties: { path: { type: 'string' } }, required: ['path'] } };

export const request = (model: string, messages: readonly PromptMessage[], more: Partial<ModelRequest> = {}): ModelRequest => ({
  model,
  system: 'You are a test.',
  messages,
  tools: [EXEC, READ],
  maxTokens: 4_096,
  thinking: 'off',
  ...more,
});

/** An answer put back into the prompt, as `core/context` does it: with unique ids of our own. */
export function answered(answer: ModelAnswer, step: number): Extract<PromptMessage, { readonly role: 'assistant' }> {
  return {
    role: 'assistant',
    text: answer.text,
    calls: answer.calls.map((call, i) => ({ id: `call_${step}_${i}`, name: call.name, args: call.args })),
    // Rows go through JSON.
    ...(answer.reasoning ? { reasoning: JSON.parse(JSON.stringify(answer.reasoning)) as NonNullable<ModelAnswer['reasoning']> } : {}),
  };
}

export interface Called {
  readonly answer: ModelAnswer;
  readonly events: readonly ModelEvent[];
}

export async function call(model: ModelProvider, asked: ModelRequest, more: { readonly signal?: AbortSignal; readonly media?: Readonly<Record<string, Uint8Array>>; readonly onEvent?: (event: ModelEvent) => void } = {}): Promise<Called> {
  const events: ModelEvent[] = [];
  const answer = await model.stream(asked, {
    signal: more.signal ?? new AbortController().signal,
    onEvent: (event) => {
      events.push(event);
      more.onEvent?.(event);
    },
    loadMedia: (hash) => Promise.resolve(more.media?.[hash]),
  });
  return { answer, events };
}

/** @returns the ModelError that the promise must end in */
export async function failure(promise: Promise<unknown>): Promise<ModelError> {
  const error = await promise.then(
    () => new Error('it did not fail'),
    (thrown: unknown) => thrown,
  );
  if (error instanceof ModelError) return error;
  throw new Error(`expected a ModelError, got ${String(error)}`, { cause: error });
}

export const texts = (events: readonly ModelEvent[], type: 'text' | 'thinking' = 'text'): readonly string[] => events.flatMap((event) => (event.type === type ? [event.delta] : []));
