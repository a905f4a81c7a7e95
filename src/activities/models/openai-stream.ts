/**
 * Puts a Chat Completions stream together.
 * Invariants: an answer exists only once a `finish_reason` was seen; calls of one batch are never mixed, whatever a
 * server does with indexes and ids (missing, repeated, always 0); fields nobody knows are passed over.
 */
import { FAILURES } from '../../core/names.js';
import type { ModelCall, ModelEvent, Usage } from '../../core/model.js';
import { isJsonObject, parseCall } from './prompt.js';
import { ModelError } from './types.js';

/** What servers really send: the SDK's types promise more. */
export interface Chunk {
  readonly choices?: readonly ChunkChoice[] | null;
  readonly usage?: ChunkUsage | null;
}
interface ChunkChoice {
  readonly delta?: Delta | null;
  readonly finish_reason?: string | null;
  /** Moonshot puts it here. */
  readonly usage?: ChunkUsage | null;
}
interface Delta {
  readonly content?: string | null;
  readonly refusal?: string | null;
  readonly reasoning_content?: string | null;
  readonly reasoning?: string | null;
  readonly reasoning_details?: readonly unknown[] | null;
  readonly tool_calls?: readonly CallDelta[] | null;
}
interface CallDelta {
  readonly index?: number | null;
  readonly id?: string | null;
  readonly function?: { readonly name?: string | null; readonly arguments?: unknown } | null;
  readonly extra_content?: unknown;
}
interface ChunkUsage {
  readonly prompt_tokens?: number | null;
  readonly completion_tokens?: number | null;
  readonly total_tokens?: number | null;
  readonly prompt_tokens_details?: { readonly cached_tokens?: number | null; readonly cache_write_tokens?: number | null } | null;
  /** DeepSeek's name for cached tokens. */
  readonly prompt_cache_hit_tokens?: number | null;
}

interface OpenCall {
  id: string;
  name: string;
  json: string;
  extra: unknown;
}

export interface Collected {
  readonly text: string;
  readonly refusal: string;
  readonly thinking: string;
  readonly details: readonly unknown[];
  readonly calls: readonly ModelCall[];
  /** By the call's position. */
  readonly extras: ReadonlyMap<number, unknown>;
  readonly finish: string;
  readonly usage: Usage | undefined;
}

export async function collect(provider: string, stream: AsyncIterable<Chunk>, onEvent: (event: ModelEvent) => void): Promise<Collected> {
  const calls = new CallCollector();
  const details: unknown[] = [];
  let text = '';
  let refusal = '';
  let thinking = '';
  let finish: string | undefined;
  let usage: Usage | undefined;
  for await (const chunk of stream) {
    const counted = chunk.usage ?? chunk.choices?.[0]?.usage;
    if (counted) {
      usage = usageOf(counted);
      onEvent({ type: 'usage', usage });
    }
    // Only the first choice: we ask for one.
    const choice = chunk.choices?.[0];
    if (!choice) continue;
    finish = choice.finish_reason || finish;
    const delta = choice.delta;
    if (!delta) continue;
    const thought = delta.reasoning_content || delta.reasoning;
    if (typeof thought === 'string' && thought !== '') {
      thinking += thought;
      onEvent({ type: 'thinking', delta: thought });
    }
    if (delta.reasoning_details) details.push(...delta.reasoning_details);
    if (typeof delta.content === 'string' && delta.content !== '') {
      text += delta.content;
      onEvent({ type: 'text', delta: delta.content });
    }
    if (typeof delta.refusal === 'string' && delta.refusal !== '') {
      refusal += delta.refusal;
      onEvent({ type: 'text', delta: delta.refusal });
    }
    for (const call of delta.tool_calls ?? []) calls.add(call);
  }
  if (finish === undefined) throw new ModelError(FAILURES.Network, `${provider}: the answer broke off before its end`);
  return { text, refusal, thinking, details: mergeDetails(details), ...calls.result(), finish, usage };
}

class CallCollector {
  private readonly order: OpenCall[] = [];
  private readonly byIndex = new Map<number, OpenCall>();

  add(delta: CallDelta): void {
    const id = delta.id ?? '';
    const name = delta.function?.name ?? '';
    const raw = delta.function?.arguments;
    const json = typeof raw === 'string' ? raw : raw === undefined || raw === null ? '' : JSON.stringify(raw);
    const known = this.find(delta.index ?? undefined, id, name);
    const call = known && !this.startsAnother(known, id, name, json) ? known : this.start(delta.index ?? undefined);
    if (id !== '') call.id = id;
    // Most servers send the name once, some with every piece.
    if (name !== '' && call.name === '') call.name = name;
    call.json += json;
    if (delta.extra_content !== undefined && delta.extra_content !== null) call.extra = delta.extra_content;
  }

  private find(index: number | undefined, id: string, name: string): OpenCall | undefined {
    if (index !== undefined) return this.byIndex.get(index);
    // Without an index only a name begins a call; a piece without one belongs to its id, else to the newest.
    if (name !== '') return undefined;
    return (id === '' ? undefined : this.order.findLast((call) => call.id === id)) ?? this.order.at(-1);
  }

  /** Servers that number every call 0 are found out by a new id, or by a name after the arguments were complete. */
  private startsAnother(known: OpenCall, id: string, name: string, json: string): boolean {
    if (id !== '' && known.id !== '' && id !== known.id) return true;
    return name !== '' && json !== '' && isJsonObject(known.json);
  }

  private start(index: number | undefined): OpenCall {
    const call: OpenCall = { id: '', name: '', json: '', extra: undefined };
    this.order.push(call);
    if (index !== undefined) this.byIndex.set(index, call);
    return call;
  }

  result(): { readonly calls: readonly ModelCall[]; readonly extras: ReadonlyMap<number, unknown> } {
    const extras = new Map<number, unknown>();
    this.order.forEach((call, index) => {
      if (call.extra !== undefined) extras.set(index, call.extra);
    });
    return { calls: this.order.map((call) => parseCall(call.id, call.name, call.json)), extras };
  }
}

function usageOf(said: ChunkUsage): Usage {
  const prompt = said.prompt_tokens ?? 0;
  const cacheRead = said.prompt_tokens_details?.cached_tokens ?? said.prompt_cache_hit_tokens ?? 0;
  const cacheWrite = said.prompt_tokens_details?.cache_write_tokens ?? 0;
  // Gemini counts its thinking in the total only, and bills it as output.
  const output = Math.max(said.completion_tokens ?? 0, (said.total_tokens ?? 0) - prompt);
  return { input: Math.max(0, prompt - cacheRead - cacheWrite), output, cacheRead, cacheWrite };
}

/** OpenRouter streams one detail in pieces that share `index` and `type`; given back, it must be whole. */
function mergeDetails(pieces: readonly unknown[]): readonly unknown[] {
  const out: Record<string, unknown>[] = [];
  for (const piece of pieces) {
    if (typeof piece !== 'object' || piece === null) continue;
    const next = piece as Record<string, unknown>;
    const last = out.at(-1);
    if (last && next['index'] !== undefined && last['index'] === next['index'] && last['type'] === next['type']) {
      for (const [field, value] of Object.entries(next)) {
        const before = last[field];
        const grows = (field === 'text' || field === 'summary' || field === 'data') && typeof before === 'string' && typeof value === 'string';
        if (grows) last[field] = before + value;
        else if (value !== null && value !== undefined) last[field] = value;
      }
    } else out.push({ ...next });
  }
  return out;
}
