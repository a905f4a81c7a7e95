/** Models as clients see them, and the real call behind `models test`. */
import { type ModelRegistry, ModelError } from '../activities/models/index.js';
import { messageOf } from '../core/errors.js';
import { FAILURES } from '../core/names.js';
import { splitModelRef } from '../core/model.js';
import type { ModelTest, Models } from '../gateway/deps.js';

/** A model that has not said a word by then counts as not answering. */
const TEST_MS = 30_000;
/** Thinking models spend some of it before they speak. */
const TEST_TOKENS = 256;

export function createModelsPort(registry: () => ModelRegistry): Models {
  return {
    list: async () =>
      registry().list().map((model) => {
        const ref = splitModelRef(model.ref) ?? { provider: model.ref, model: model.ref };
        return {
          id: ref.model, name: ref.model, provider: ref.provider, available: model.available, contextWindow: model.contextWindow, reasoning: model.reasoning,
          input: model.images ? (['text', 'image'] as const) : (['text'] as const),
          ...(model.available ? {} : { unavailableReason: 'missing-auth' as const }),
        };
      }),

    async status() {
      const models = registry();
      const [primary = '', ...fallbacks] = models.chain;
      const seen = new Map(models.status().map((status) => [status.provider, status]));
      let contextTokens = 0;
      try {
        const { provider, model } = models.resolve(primary);
        contextTokens = provider.facts(model).contextWindow;
      } catch (error) {
        if (!(error instanceof ModelError)) throw error;
      }
      return {
        primary, fallbacks, contextTokens,
        configured: !primary.startsWith('offline/'),
        providers: [...seen.values()].map(({ provider, available, source, problem }) => ({ provider, available, ...(source === undefined ? {} : { source }), ...(problem === undefined ? {} : { problem }) })),
      };
    },

    price(ref) {
      try {
        const { provider, model } = registry().resolve(ref);
        return provider.facts(model).price;
      } catch {
        return undefined;
      }
    },

    test: async (ref) => Promise.all((ref === undefined ? registry().chain : [ref]).map((each) => testModel(registry(), each))),
  };
}

async function testModel(registry: ModelRegistry, ref: string): Promise<ModelTest> {
  const startedAt = Date.now();
  const signal = AbortSignal.timeout(TEST_MS);
  try {
    const { provider, model } = registry.resolve(ref);
    await provider.stream(
      { model, system: 'Answer with the single word OK.', messages: [{ role: 'user', blocks: [{ type: 'text', text: 'Say OK.' }] }], tools: [], maxTokens: TEST_TOKENS, thinking: 'off' },
      { signal, onEvent: () => undefined, loadMedia: async () => undefined },
    );
    return { ref, ok: true, latencyMs: Date.now() - startedAt };
  } catch (error) {
    const latencyMs = Date.now() - startedAt;
    if (signal.aborted) return { ref, ok: false, latencyMs, code: FAILURES.Network, error: `no answer within ${TEST_MS / 1_000} s` };
    return { ref, ok: false, latencyMs, code: error instanceof ModelError ? error.type : FAILURES.Internal, error: messageOf(error) };
  }
}
