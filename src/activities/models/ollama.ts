/**
 * Finds an Ollama on this machine.
 * Invariant: only loopback is asked: an address from the environment must not make the start reach into a network.
 */
import { OLLAMA } from './catalog.js';

interface OllamaModel {
  readonly name: string;
  readonly tools: boolean;
  readonly images: boolean;
  readonly reasoning: boolean;
}
export interface OllamaProbe {
  /** Without `/v1`. */
  readonly baseUrl: string;
  /** Newest first. */
  readonly models: readonly OllamaModel[];
}

/** Models asked for their abilities: each is one more request before the start goes on. */
const ASKED = 5;

/** @returns the address to ask: `OLLAMA_HOST` when it is loopback, else the usual one */
export function ollamaAddress(env: NodeJS.ProcessEnv): string {
  const given = env['OLLAMA_HOST']?.trim();
  if (!given) return OLLAMA.baseUrl;
  try {
    const url = new URL(/^https?:\/\//.test(given) ? given : `http://${given}`);
    // 0.0.0.0 is how people make the server listen everywhere; here it is this machine.
    const host = url.hostname === '0.0.0.0' || url.hostname === '[::]' ? '127.0.0.1' : url.hostname;
    if (!isLoopback(host)) return OLLAMA.baseUrl;
    return `${url.protocol}//${host}:${url.port || '11434'}`;
  } catch {
    return OLLAMA.baseUrl;
  }
}

/**
 * @param baseUrl from {@link ollamaAddress}; anything but loopback finds nothing
 * @returns undefined when nothing answers in time or it has no models
 */
export async function probeOllama(baseUrl: string, timeoutMs: number): Promise<OllamaProbe | undefined> {
  try {
    if (!isLoopback(new URL(baseUrl).hostname)) return undefined;
    const signal = AbortSignal.timeout(timeoutMs);
    const listed = await json(`${baseUrl}/api/tags`, { signal });
    const names = list(listed?.['models']).flatMap((model) => (typeof model['name'] === 'string' ? [model['name']] : []));
    if (names.length === 0) return undefined;
    const models = await Promise.all(
      names.map(async (name, i): Promise<OllamaModel> => {
        const shown = i < ASKED ? await json(`${baseUrl}/api/show`, { signal, method: 'POST', body: JSON.stringify({ model: name }) }).catch(() => undefined) : undefined;
        const abilities = new Set(Array.isArray(shown?.['capabilities']) ? (shown['capabilities'] as unknown[]) : []);
        return { name, tools: abilities.has('tools'), images: abilities.has('vision'), reasoning: abilities.has('thinking') };
      }),
    );
    return { baseUrl, models };
  } catch {
    // Nobody there, or somebody else.
    return undefined;
  }
}

/** One that can call tools; without any, the newest. */
export const ollamaDefault = (probe: OllamaProbe): string | undefined => (probe.models.find((model) => model.tools) ?? probe.models[0])?.name;

export function isLoopback(host: string): boolean {
  const bare = host.replace(/^\[|\]$/g, '').toLowerCase();
  return bare === 'localhost' || bare === '::1' || /^127(?:\.\d{1,3}){3}$/.test(bare);
}

async function json(url: string, init: RequestInit): Promise<Readonly<Record<string, unknown>> | undefined> {
  const response = await fetch(url, { redirect: 'error', ...init });
  const body: unknown = response.ok ? await response.json() : undefined;
  return typeof body === 'object' && body !== null ? (body as Record<string, unknown>) : undefined;
}

const list = (value: unknown): readonly Readonly<Record<string, unknown>>[] =>
  Array.isArray(value) ? value.filter((item): item is Record<string, unknown> => typeof item === 'object' && item !== null) : [];
