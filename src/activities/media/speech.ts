/**
 * Voice to text: whom recordings are sent to, and one request.
 * Invariants: only models that the config names are asked (a key alone is no leave to spend); no error holds a key; the
 * SDK retries nothing.
 */
import { FAILURES } from '../../core/names.js';
import { costUsd, NO_USAGE, type ModelPrice, type Usage } from '../../core/model.js';
import { canonicalProvider, catalogFacts } from '../models/catalog.js';
import type { ModelConfig } from '../models/config.js';
import { openaiError } from '../models/errors.js';
import { openaiClient } from '../models/openai.js';
import { setupOf, type Setup } from '../models/registry.js';
import { ModelError } from '../models/types.js';

export interface AudioConfig {
  readonly enabled: boolean;
  readonly models: readonly { readonly provider?: string; readonly model?: string }[];
  readonly maxBytes: number;
  readonly timeoutSeconds: number;
  readonly language?: string;
}

export interface Recording {
  readonly bytes: Uint8Array;
  /** With an extension that the provider knows. */
  readonly name: string;
}

export interface Heard {
  readonly text: string;
  readonly language?: string;
  readonly usage: Usage;
  readonly costUsd?: number;
}

export interface SpeechModel {
  readonly provider: string;
  readonly model: string;
  /** @throws ModelError; the abort reason when `signal` fired */
  hear(recording: Recording, signal: AbortSignal): Promise<Heard>;
  /** Asks the provider for something that costs nothing. @throws ModelError when it cannot be used */
  probe(signal: AbortSignal): Promise<void>;
}

export interface Speech {
  /** In the order in which they are tried. Empty: voice is not transcribed. */
  readonly models: readonly SpeechModel[];
  readonly maxBytes: number;
}

export interface SpeechOptions {
  readonly config: ModelConfig & { readonly tools: { readonly media: { readonly audio: AudioConfig } } };
  readonly env: NodeJS.ProcessEnv;
}

/** What the description of a recording says when nobody is asked. */
export const NOT_CONFIGURED = 'no transcription provider is configured (tools.media.audio)';

/** Asked for when the config names only the provider. */
const DEFAULT_MODELS: Readonly<Record<string, string>> = { openai: 'gpt-4o-mini-transcribe' };
/** US dollars a minute, for models that are billed by time. https://openai.com/api/pricing */
const PER_MINUTE: Readonly<Record<string, number>> = { 'openai/whisper-1': 0.006 };

export const NO_SPEECH: Speech = { models: [], maxBytes: 0 };

export function createSpeech({ config, env }: SpeechOptions): Speech {
  const audio = config.tools.media.audio;
  if (!audio.enabled) return NO_SPEECH;
  const providers = new Map(Object.entries(config.models?.providers ?? {}).map(([id, one]) => [canonicalProvider(id), one]));
  return {
    maxBytes: audio.maxBytes,
    models: audio.models.map((entry): SpeechModel => {
      const provider = canonicalProvider(entry.provider ?? '');
      const model = entry.model ?? DEFAULT_MODELS[provider] ?? '';
      // Looked up at each use: a key file may change.
      const setup = (): Setup => {
        if (provider === '' || model === '') throw new ModelError(FAILURES.ModelUnavailable, `tools.media.audio.models: ${provider === '' ? 'an entry names no provider' : `the entry of ${provider} names no model`}`);
        const found = setupOf(provider, providers.get(provider), undefined, env);
        if ('problem' in found) throw new ModelError(FAILURES.ModelUnavailable, found.problem);
        if (found.wire !== 'openai-completions') throw new ModelError(FAILURES.ModelUnavailable, `${provider} has no /audio/transcriptions`);
        return found;
      };
      const entered = providers.get(provider)?.models?.find((one) => one.id === model)?.cost;
      const price = entered ? { input: entered.input ?? 0, output: entered.output ?? 0 } : catalogFacts(provider, model).price;
      return {
        provider, model,
        hear: (recording, signal) => asked(setup(), audio.timeoutSeconds * 1_000, signal, async (client, line) => {
          const said = await client.audio.transcriptions.create({ file: new File([Uint8Array.from(recording.bytes)], recording.name), model, response_format: 'json', ...(audio.language === undefined ? {} : { language: audio.language }) }, { signal: line });
          return heard(said as unknown as Said, provider, model, price, audio.language);
        }),
        probe: (signal) => asked(setup(), PROBE_MS, signal, async (client, line) => void (await client.models.list({ signal: line }))),
      };
    }),
  };
}

/** A list of models is answered at once. */
const PROBE_MS = 5_000;

async function asked<T>(setup: Setup, timeoutMs: number, outer: AbortSignal, use: (client: ReturnType<typeof openaiClient>, signal: AbortSignal) => Promise<T>): Promise<T> {
  const key = setup.key.ok ? setup.key.value : '';
  const timeout = AbortSignal.timeout(timeoutMs);
  try {
    return await use(openaiClient({ id: setup.id, baseUrl: setup.baseUrl, key, headers: setup.headers }, fetch), AbortSignal.any([outer, timeout]));
  } catch (error) {
    outer.throwIfAborted();
    if (timeout.aborted) throw new ModelError(FAILURES.Network, `${setup.id}: no answer within ${timeoutMs / 1_000} s`);
    throw openaiError(error, { provider: setup.id, secrets: [key, ...Object.values(setup.headers)] });
  }
}

/** What compatible servers answer; all but the text may be missing. */
interface Said {
  readonly text?: unknown;
  readonly language?: unknown;
  readonly usage?: { readonly type?: string; readonly input_tokens?: number; readonly output_tokens?: number; readonly seconds?: number };
}

function heard(said: Said, provider: string, model: string, price: ModelPrice | undefined, language: string | undefined): Heard {
  if (typeof said.text !== 'string') throw new ModelError(FAILURES.Overloaded, `${provider}: the answer has no text`);
  const { usage } = said;
  const tokens: Usage = { ...NO_USAGE, input: usage?.input_tokens ?? 0, output: usage?.output_tokens ?? 0 };
  const perMinute = PER_MINUTE[`${provider}/${model}`];
  const cost =
    usage?.seconds !== undefined ? (perMinute === undefined ? undefined : (usage.seconds / 60) * perMinute)
    : usage?.input_tokens !== undefined ? costUsd(price, tokens)
    : undefined;
  const spoken = typeof said.language === 'string' ? said.language : language;
  return { text: said.text.trim(), usage: tokens, ...(spoken === undefined ? {} : { language: spoken }), ...(cost === undefined ? {} : { costUsd: cost }) };
}
