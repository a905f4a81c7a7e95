/**
 * Which models there are, in which order they are tried, and with whose key.
 * Invariants: the chain is never empty; nothing but the configured primary, its configured fallbacks or the first
 * provider with a key is ever used (a key in the environment is no permission to spend on a second provider); no status
 * and no error holds a key.
 */
import { FAILURES } from '../../core/names.js';
import { splitModelRef } from '../../core/model.js';
import type { Logger } from '../../core/ports.js';
import { createAnthropicProvider } from './anthropic.js';
import { builtIn, canonicalProvider, catalogFacts, guessProvider, OFFLINE, OLLAMA, OLLAMA_CONTEXT, PROVIDERS, type Wire } from './catalog.js';
import type { ModelConfig, ModelEntryConfig, ModelProviderConfig } from './config.js';
import { findKey, readSecret, type Key } from './keys.js';
import { createOfflineProvider } from './offline.js';
import { isLoopback, ollamaAddress, ollamaDefault, type OllamaProbe } from './ollama.js';
import { createOpenAiProvider } from './openai.js';
import { ModelError, type ModelFacts, type ModelProvider, type ModelRegistry, type ModelStatus, type StreamTimings } from './types.js';

export interface RegistryOptions {
  readonly config: ModelConfig;
  readonly env: NodeJS.ProcessEnv;
  readonly log?: Logger;
  /** What `probeOllama` found. */
  readonly ollama?: OllamaProbe | undefined;
  readonly timings?: StreamTimings;
}

/** One provider as this config and environment have it. */
export interface Setup {
  readonly id: string;
  readonly wire: Wire;
  readonly baseUrl: string;
  readonly key: Key;
  readonly headers: Readonly<Record<string, string>>;
}
type SetupResult = Setup | { readonly problem: string };

export function createModelRegistry(options: RegistryOptions): ModelRegistry {
  const { config, env, ollama } = options;
  const configured = new Map(Object.entries(config.models?.providers ?? {}).map(([id, provider]) => [canonicalProvider(id), provider]));
  const providers = new Map<string, ModelProvider>([[OFFLINE.id, createOfflineProvider()]]);
  const facts = (provider: string, model: string): ModelFacts => factsOf(provider, model, configured.get(provider), ollama, env);

  const setup = (id: string): SetupResult => setupOf(id, configured.get(id), ollama, env);

  const provider = (id: string): ModelProvider => {
    const known = providers.get(id);
    if (known) return known;
    const found = setup(id);
    if ('problem' in found) throw new ModelError(FAILURES.ModelUnavailable, found.problem);
    const made = make(found, (model) => facts(id, model), options.timings);
    // A key file may change: such providers are made anew each time.
    if (found.key.ok && !found.key.source.startsWith('file ')) providers.set(id, made);
    return made;
  };

  const chain = chainOf(options, configured, (id) => id === OFFLINE.id || !('problem' in setup(id)));
  options.log?.debug({ models: chain }, 'models in the order they are tried');

  const statusOf = (ref: string): ModelStatus => {
    const parts = splitModelRef(ref);
    if (!parts) return { ref, provider: '', available: false, problem: 'write it as provider/model' };
    if (parts.provider === OFFLINE.id) return { ref, provider: OFFLINE.id, available: true, source: 'built in' };
    const found = setup(parts.provider);
    if ('problem' in found) return { ref, provider: parts.provider, available: false, problem: found.problem };
    return { ref, provider: parts.provider, available: true, ...(found.key.ok ? { source: found.key.source } : {}) };
  };

  const refs = [...new Set([...chain, ...knownRefs(configured, ollama)])];
  return {
    chain,
    resolve(given) {
      const ref = normalise(given);
      const parts = splitModelRef(ref);
      if (!parts) throw new ModelError(FAILURES.ModelUnavailable, `"${given}" names no model: write provider/model, such as anthropic/claude-opus-4-6`);
      return { provider: provider(parts.provider), model: parts.model, ref };
    },
    status: () => refs.map(statusOf),
    list: () =>
      refs.flatMap((ref) => {
        const parts = splitModelRef(ref);
        if (!parts) return [];
        const known = parts.provider === OFFLINE.id ? provider(OFFLINE.id).facts(parts.model) : facts(parts.provider, parts.model);
        return [{ ...known, ref, available: statusOf(ref).available }];
      }),
  };
}

/** `gpt-5.5` becomes `openai/gpt-5.5`, `anthropic` its default model, `google/…` `gemini/…`. */
function normalise(given: string): string {
  const ref = given.trim();
  const alone = builtIn(canonicalProvider(ref));
  if (alone) return `${alone.id}/${alone.defaultModel}`;
  if (ref === OFFLINE.id) return OFFLINE.ref;
  const parts = splitModelRef(ref);
  if (parts) return `${canonicalProvider(parts.provider)}/${parts.model}`;
  const guess = guessProvider(ref);
  return guess === undefined ? ref : `${guess}/${ref}`;
}

function chainOf(options: RegistryOptions, configured: ReadonlyMap<string, ModelProviderConfig>, usable: (id: string) => boolean): readonly string[] {
  const model = options.config.agents?.defaults?.model;
  const wanted = typeof model === 'string' ? { primary: model } : model;
  const primary = options.env['OPENCLAW_MODEL']?.trim() || wanted?.primary?.trim() || automatic(options, configured, usable);
  return [...new Set([primary, ...(wanted?.fallbacks ?? [])].map(normalise))];
}

/** Nobody chose: a provider of the config's own, else the first with a key, else an Ollama, else none. */
function automatic(options: RegistryOptions, configured: ReadonlyMap<string, ModelProviderConfig>, usable: (id: string) => boolean): string {
  for (const [id, provider] of configured) {
    const first = provider.models?.[0];
    if (first && usable(id)) return `${id}/${first.id}`;
  }
  const keyed = PROVIDERS.find((candidate) => usable(candidate.id));
  if (keyed) return `${keyed.id}/${keyed.defaultModel}`;
  const local = options.ollama && ollamaDefault(options.ollama);
  return local ? `${OLLAMA.id}/${local}` : OFFLINE.ref;
}

function knownRefs(configured: ReadonlyMap<string, ModelProviderConfig>, ollama: OllamaProbe | undefined): readonly string[] {
  return [
    ...[...configured].flatMap(([id, provider]) => (provider.models ?? []).map((model) => `${id}/${model.id}`)),
    ...PROVIDERS.map((provider) => `${provider.id}/${provider.defaultModel}`),
    ...(ollama?.models ?? []).map((model) => `${OLLAMA.id}/${model.name}`),
    OFFLINE.ref,
  ];
}

export function setupOf(id: string, config: ModelProviderConfig | undefined, ollama: OllamaProbe | undefined, env: NodeJS.ProcessEnv): SetupResult {
  const known = builtIn(id);
  const isOllama = id === OLLAMA.id;
  if (!known && !config && !isOllama) return { problem: `there is no provider "${id}": add models.providers.${id} or use one of ${PROVIDERS.map((p) => p.id).join(', ')}` };

  // The peer's files name Ollama's own format; its OpenAI one is on the same server.
  const api = isOllama && config?.api === 'ollama' ? 'openai-completions' : (config?.api ?? known?.wire ?? 'openai-completions');
  if (api !== 'openai-completions' && api !== 'anthropic-messages') return { problem: `models.providers.${id}.api is "${api}"; known are openai-completions and anthropic-messages` };

  const fromEnv = known?.baseUrlVar === undefined ? undefined : env[known.baseUrlVar]?.trim();
  const given = config?.baseUrl && isOllama ? config.baseUrl.replace(/\/*(?:v1\/*)?$/, '/v1') : config?.baseUrl;
  const baseUrl = given || fromEnv || known?.baseUrl || (isOllama ? `${ollama?.baseUrl ?? ollamaAddress(env)}/v1` : undefined);
  if (!baseUrl || !URL.canParse(baseUrl)) return { problem: baseUrl ? `models.providers.${id}.baseUrl is no address` : `models.providers.${id} needs a baseUrl` };

  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(config?.headers ?? {})) {
    const read = readSecret(value, env, `models.providers.${id}.headers.${name}`);
    if (!read.ok) return { problem: read.problem };
    headers[name] = read.value;
  }

  const vars = known?.keyVars ?? [`${id.toUpperCase().replace(/[^A-Z0-9]/g, '_')}_API_KEY`];
  const key = findKey(id, config, vars, env);
  const asked = config?.apiKey !== undefined || config?.apiKeyFile !== undefined;
  // A server on this machine usually wants no key, and one that signs in by header has it there.
  if (!key.ok && !asked && !known && (isLoopback(new URL(baseUrl).hostname) || Object.keys(headers).length > 0)) {
    return { id, wire: api, baseUrl, key: { ok: true, value: '', source: 'no key needed' }, headers };
  }
  return key.ok ? { id, wire: api, baseUrl, key, headers } : { problem: `${id}: ${key.problem}` };
}

function make(found: Setup, facts: (model: string) => ModelFacts, timings: StreamTimings | undefined): ModelProvider {
  const key = found.key.ok ? found.key : { value: '', source: '' };
  const common = { id: found.id, baseUrl: found.baseUrl, key: key.value, headers: found.headers, facts, ...(timings ? { timings } : {}) };
  if (found.wire === 'anthropic-messages') return createAnthropicProvider({ ...common, auth: key.source === 'ANTHROPIC_AUTH_TOKEN' || key.value.startsWith('sk-ant-oat') ? 'bearer' : 'api-key' });
  return createOpenAiProvider(common);
}

function factsOf(provider: string, model: string, config: ModelProviderConfig | undefined, ollama: OllamaProbe | undefined, env: NodeJS.ProcessEnv): ModelFacts {
  const base = provider === OLLAMA.id ? ollamaFacts(model, ollama, env) : catalogFacts(provider, model);
  const entry = config?.models?.find((candidate) => candidate.id === model);
  return entry ? withEntry(base, entry) : base;
}

function ollamaFacts(model: string, ollama: OllamaProbe | undefined, env: NodeJS.ProcessEnv): ModelFacts {
  const probed = ollama?.models.find((candidate) => candidate.name === model);
  const window = Number(env['OLLAMA_CONTEXT_LENGTH']);
  const contextWindow = Number.isInteger(window) && window > 0 ? window : OLLAMA_CONTEXT;
  return { contextWindow, maxTokens: Math.min(8_192, Math.floor(contextWindow / 2)), images: probed?.images ?? false, reasoning: probed?.reasoning ?? false, price: { input: 0, output: 0 } };
}

function withEntry(base: ModelFacts, entry: ModelEntryConfig): ModelFacts {
  const contextWindow = entry.contextWindow ?? base.contextWindow;
  const cost = entry.cost;
  return {
    contextWindow,
    // An answer as large as the window would leave no room for the question.
    maxTokens: Math.min(entry.maxTokens ?? base.maxTokens, Math.max(1, Math.floor(contextWindow / 2))),
    images: entry.input ? entry.input.includes('image') : base.images,
    reasoning: entry.reasoning ?? base.reasoning,
    ...(cost
      ? { price: { input: cost.input ?? 0, output: cost.output ?? 0, ...(cost.cacheRead === undefined ? {} : { cacheRead: cost.cacheRead }), ...(cost.cacheWrite === undefined ? {} : { cacheWrite: cost.cacheWrite }) } }
      : base.price
        ? { price: base.price }
        : {}),
  };
}
