/**
 * One streamed call on the wire: watches that bytes keep coming and that an abort ends it at once.
 * Invariants: a silent line ends in `Network`; after an abort nothing is waited for and the socket is closed; keep-alive
 * bytes that the SDKs swallow (Anthropic's pings, OpenRouter's comments) count as life.
 */
import { FAILURES } from '../../core/names.js';
import type { ModelEvent } from '../../core/model.js';
import { ModelError, type StreamTimings } from './types.js';

export interface Line {
  /** Give to the SDK's client. */
  readonly fetch: typeof fetch;
  /** Give to the SDK's request. */
  readonly signal: AbortSignal;
}

/**
 * @param use makes the request on the line and resolves with its result
 * @throws the abort reason when `outer` fired; ModelError Network when the line fell silent; else what `use` threw
 */
export async function onLine<T>(
  options: { readonly provider: string; readonly outer: AbortSignal; readonly timings: StreamTimings; readonly alive: () => void },
  use: (line: Line) => Promise<T>,
): Promise<T> {
  options.outer.throwIfAborted();
  const control = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const { promise: broken, reject } = Promise.withResolvers<never>();
  // Handled below by the race; without this a late abort would be an unhandled rejection.
  broken.catch(() => undefined);

  const fail = (reason: unknown): void => {
    reject(reason);
    control.abort(reason);
  };
  const watch = (ms: number): void => {
    clearTimeout(timer);
    timer = setTimeout(() => fail(new ModelError(FAILURES.Network, `${options.provider}: nothing was heard for ${Math.round(ms / 1000)} s`)), ms);
  };
  const onAbort = (): void => fail(options.outer.reason);
  options.outer.addEventListener('abort', onAbort, { once: true });
  watch(options.timings.firstByteMs);

  const heard = (): void => {
    watch(options.timings.silenceMs);
    options.alive();
  };
  const watchedFetch: typeof fetch = async (input, init) => {
    const response = await fetch(input, init);
    // Some servers wrap their error in a list, which the SDK drops unread.
    if (!response.ok) return unwrapErrorList(response);
    if (!response.body) return response;
    const body = response.body.pipeThrough(
      new TransformStream<Uint8Array, Uint8Array>({
        transform(chunk, out) {
          heard();
          out.enqueue(chunk);
        },
      }),
    );
    return new Response(body, { status: response.status, statusText: response.statusText, headers: response.headers });
  };

  try {
    return await Promise.race([use({ fetch: watchedFetch, signal: control.signal }), broken]);
  } finally {
    clearTimeout(timer);
    options.outer.removeEventListener('abort', onAbort);
    // Also after an error of ours: an answer nobody reads must not go on being paid for.
    if (!control.signal.aborted) control.abort(new Error('the call is over'));
  }
}

/** Gemini's OpenAI endpoint answers errors as `[{"error": …}]`. */
async function unwrapErrorList(response: Response): Promise<Response> {
  const text = await response.text();
  let body = text;
  try {
    const parsed: unknown = JSON.parse(text);
    if (Array.isArray(parsed) && parsed.length > 0) body = JSON.stringify(parsed[0]);
  } catch {
    // Not JSON: the SDK takes it as the message.
  }
  return new Response(body === '' ? null : body, { status: response.status, statusText: response.statusText, headers: response.headers });
}

/** At most one `alive` a second reaches the listener: thousands of small chunks say no more than that. */
export function aliveTicker(onEvent: (event: ModelEvent) => void): () => void {
  let last = 0;
  return () => {
    const now = Date.now();
    if (now - last < 1_000) return;
    last = now;
    onEvent({ type: 'alive' });
  };
}
