/**
 * A model and tools under a test's control, behind the same ports as the real ones. Steps are functions, so a test can
 * hold a call open, fail it, or look at what it was asked.
 */
import { Type } from 'typebox';
import type { ModelAnswer, ModelCall, ModelRequest } from '../../src/core/model.js';
import { ModelError, type ModelProvider, type ModelRegistry, type StreamOptions } from '../../src/activities/models/types.js';
import { type Tool, type ToolContext, type ToolRegistry, type ToolResult, textResult } from '../../src/activities/tools/types.js';
import type { ToolPolicy } from '../../src/core/tool.js';

export type Step = (request: ModelRequest, options: StreamOptions) => ModelAnswer | Promise<ModelAnswer>;

export const says = (text: string): ModelAnswer => ({ text, calls: [], stop: 'stop', usage: { input: 10, output: 5, cacheRead: 0, cacheWrite: 0 } });
export const callsTools = (...calls: readonly (Partial<ModelCall> & { readonly name: string })[]): ModelAnswer => ({
  text: '',
  calls: calls.map((call, i) => ({ id: `c${i}`, args: {}, ...call })),
  stop: 'tool_calls',
  usage: { input: 10, output: 5, cacheRead: 0, cacheWrite: 0 },
});

export interface ScriptedModels extends ModelRegistry {
  /** Requests as the provider saw them, with the model's id. */
  readonly requests: ModelRequest[];
  /** Answers by the text of the newest user message of the prompt. */
  on(text: string | RegExp, step: Step): void;
}

/** Streams an answer's text in two deltas, as providers do. */
export function stream(answer: ModelAnswer, options: StreamOptions): ModelAnswer {
  const half = Math.ceil(answer.text.length / 2);
  for (const delta of [answer.text.slice(0, half), answer.text.slice(half)]) if (delta !== '') options.onEvent({ type: 'text', delta });
  return answer;
}

/** Models named `…sees…` take images, those named `…wordy…` give long answers. */
export function scriptedModels(chain: readonly string[] = ['fake/one']): ScriptedModels {
  const rules: { readonly text: string | RegExp; readonly step: Step }[] = [];
  const requests: ModelRequest[] = [];
  const provider: ModelProvider = {
    id: 'fake',
    facts: (model) => ({ contextWindow: 100_000, maxTokens: model.includes('wordy') ? 8_000 : 1_000, images: model.includes('sees'), reasoning: true, price: { input: 1, output: 2 } }),
    async stream(request, options) {
      requests.push(request);
      const asked = newestText(request);
      const rule = rules.findLast(({ text }) => (typeof text === 'string' ? asked.includes(text) : text.test(asked)));
      if (!rule) return stream(says(`echo: ${asked}`), options);
      return stream(await rule.step(request, options), options);
    },
  };
  return {
    requests,
    chain,
    on: (text, step) => void rules.push({ text, step }),
    resolve(ref) {
      const [id, ...model] = ref.split('/');
      if (id !== 'fake') throw new ModelError('ModelUnavailable', `no provider ${id}`);
      return { provider, model: model.join('/'), ref };
    },
    status: () => [],
    list: () => [],
  };
}

export function newestText(request: ModelRequest): string {
  const message = request.messages.findLast((m) => m.role === 'user');
  const block = message?.role === 'user' ? message.blocks.findLast((b) => b.type === 'text') : undefined;
  return block?.type === 'text' ? block.text : '';
}

/** Results of the newest step's calls, as the model reads them. */
export const newestResults = (request: ModelRequest): string[] => {
  const from = request.messages.findLastIndex((m) => m.role === 'assistant') + 1;
  return request.messages.slice(from).flatMap((m) => (m.role === 'tool' ? m.blocks.flatMap((b) => (b.type === 'text' ? [b.text] : [])) : []));
};

export const tool = (name: string, policy: ToolPolicy, run: (args: Readonly<Record<string, unknown>>, context: ToolContext) => Promise<ToolResult>): Tool => ({
  name, description: name, policy, parameters: Type.Object({ n: Type.Optional(Type.Number()) }), run,
});

/** A side-effecting tool about which the owner is asked, unless its `n` is 0. */
export const askedTool = (name: string, run: (args: Readonly<Record<string, unknown>>, context: ToolContext) => Promise<ToolResult>): Tool => ({
  ...tool(name, 'side-effecting', async (args, context) => (args['n'] === 0 || context.approved ? run(args, context) : textResult('nobody was asked', true))),
  approval: async (args) => (args['n'] === 0 ? undefined : { tool: name, command: `${name} ${String(args['n'])}`, why: 'a test' }),
});

export const toolset = (...tools: readonly Tool[]): ToolRegistry => ({ tools, get: (name) => tools.find((t) => t.name === name) });
