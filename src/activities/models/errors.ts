/**
 * The one translation of what providers and their SDKs throw into {@link ModelError}.
 * Invariants: every failure of a call ends in one of our types; no message holds a key. Recognition goes by the
 * provider's own error type and code first, then by status, and by wording only where providers have nothing better.
 */
import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';
import { FAILURES, type FailureType } from '../../core/names.js';
import { retryAfterMs, type HeaderReader } from './retry-after.js';
import { scrub } from './scrub.js';
import { ModelError } from './types.js';

interface ErrorContext {
  readonly provider: string;
  readonly secrets: readonly string[];
}

/** What one error says, in no SDK's dialect. */
interface Said {
  readonly status?: number;
  readonly type?: string;
  readonly code?: string;
  readonly message: string;
  readonly headers?: HeaderReader;
}

/** Each provider words an overlong prompt in its own way; most send a plain 400 with it. */
const OVERFLOW: readonly RegExp[] = [
  /prompt is too long/i, // Anthropic
  /input length and `?max_tokens`? exceed context limit/i, // Anthropic
  /request_too_large|request exceeds the maximum size/i, // Anthropic, 413
  /context[_ ]length[_ ]exceeded/i, // OpenAI's code, copied by many
  /exceeds? (?:the|this model's|its|available) (?:available )?(?:context|maximum context)/i, // OpenAI, llama.cpp
  /maximum (?:context|prompt) length/i, // OpenAI, DeepSeek, OpenRouter, vLLM, Mistral, xAI
  /input token count .*exceeds the maximum/i, // Gemini
  /exceeds the (?:maximum number of tokens|context (?:window|size|length))/i, // Gemini, LM Studio
  /exceeded max(?:imum)? context|greater than the context length|exceed_context_size/i, // Ollama, LM Studio, llama.cpp
  /context window (?:exceeds|exceeded|is full)|exceeds? (?:the )?(?:model'?s? )?(?:token|context) (?:limit|window)/i, // MiniMax, Copilot, others
  /exceeded model token limit|reduce the length of (?:the|your) (?:messages|prompt|input)/i, // Moonshot, Groq
  /input is too long/i, // Bedrock
];

const POLICY = /content[_ -]?(?:policy|filter|management)|responsible ?ai|usage polic|PROHIBITED_CONTENT|blocked (?:by|due to) (?:safety|content)|flagged (?:as|by|for)|requires moderation|invalid_prompt|safety system/i;
/** Nothing left to spend: no retry helps, another provider does. Anthropic sends it as a 400, OpenAI as a 429. */
const NO_MONEY = /insufficient[_ ](?:quota|balance|credits)|credit balance is too low|billing|exceeded your current quota|payment required/i;

const BY_TYPE: Readonly<Record<string, FailureType>> = {
  authentication_error: FAILURES.Auth,
  permission_error: FAILURES.Auth,
  invalid_api_key: FAILURES.Auth,
  billing_error: FAILURES.Auth,
  rate_limit_error: FAILURES.RateLimited,
  rate_limit_exceeded: FAILURES.RateLimited,
  requests: FAILURES.RateLimited,
  tokens: FAILURES.RateLimited,
  overloaded_error: FAILURES.Overloaded,
  api_error: FAILURES.Overloaded,
  server_error: FAILURES.Overloaded,
  timeout_error: FAILURES.Overloaded,
  gateway_timeout_error: FAILURES.Overloaded,
  not_found_error: FAILURES.ModelUnavailable,
  model_not_found: FAILURES.ModelUnavailable,
  request_too_large: FAILURES.ContextOverflow,
  context_length_exceeded: FAILURES.ContextOverflow,
  invalid_request_error: FAILURES.BadRequest,
};

export function anthropicError(error: unknown, context: ErrorContext): ModelError {
  if (error instanceof ModelError) return error;
  if (error instanceof Anthropic.APIConnectionError) return lineError(error, context);
  if (error instanceof Anthropic.APIError) {
    const body = record(record(error.error)?.['error']);
    return fromSaid({ ...common(error.status, error.headers), ...spread('type', error.type ?? body?.['type']), ...spread('code', error.errorCode), message: text(body?.['message']) ?? error.message }, context);
  }
  return lineError(error, context);
}

export function openaiError(error: unknown, context: ErrorContext): ModelError {
  if (error instanceof ModelError) return error;
  if (error instanceof OpenAI.APIConnectionError) return lineError(error, context);
  if (error instanceof OpenAI.APIError) {
    const body = record(error.error);
    // OpenRouter gives the upstream's own words apart, and in a stream the status as the code.
    const raw = text(record(body?.['metadata'])?.['raw']);
    const code = body?.['code'] ?? error.code;
    const status = error.status ?? (typeof code === 'number' ? code : undefined);
    const message = [text(body?.['message']) ?? error.message, raw].filter((part) => part !== undefined).join(': ');
    return fromSaid({ ...common(status, error.headers), ...spread('type', error.type), ...spread('code', code), message }, context);
  }
  return lineError(error, context);
}

function fromSaid(said: Said, context: ErrorContext): ModelError {
  const type = classify(said);
  const wait = type === FAILURES.RateLimited || type === FAILURES.Overloaded ? retryAfterMs(said.headers, said.message, Date.now()) : undefined;
  const status = said.status === undefined ? '' : ` (${said.status})`;
  return new ModelError(type, `${context.provider}: ${scrub(said.message, context.secrets)}${status}`, wait, said.status);
}

function classify({ status, type, code, message }: Said): FailureType {
  const words = [type, code, message].filter((part) => part !== undefined).join(' ');
  if (status === 402 || ((status === 400 || status === 403 || status === 429 || status === undefined) && NO_MONEY.test(words))) return FAILURES.Auth;
  // Before the wordings below: "tokens per minute" limits speak of length too.
  if (status === 429 || type === 'rate_limit_error' || code === 'rate_limit_exceeded') return FAILURES.RateLimited;
  if (status === 401) return FAILURES.Auth;
  if (status === undefined || status < 500) {
    if (status === 413 || OVERFLOW.some((wording) => wording.test(words))) return FAILURES.ContextOverflow;
    if (POLICY.test(words)) return FAILURES.ContentPolicy;
  }
  if (status === 403 || status === 407) return FAILURES.Auth;
  // Google answers 400 to a wrong key.
  if (status === 400 && /api[_ ]key[_ ](?:not[_ ]valid|invalid|expired)/i.test(words)) return FAILURES.Auth;
  if (status === 404) return /model/i.test(words) ? FAILURES.ModelUnavailable : FAILURES.BadRequest;
  if (status === 408) return FAILURES.Network;
  if (status === 409 || status === 425) return FAILURES.Overloaded;
  if (status !== undefined && status >= 500) return FAILURES.Overloaded;
  const known = BY_TYPE[code ?? ''] ?? BY_TYPE[type ?? ''];
  // The status outranks a type that contradicts it: a 422 called `server_error` is still about the request.
  if (known !== undefined && !(status !== undefined && known === FAILURES.Overloaded)) return known;
  // An error inside a stream that says nothing else: the answer broke off on the provider's side.
  return status === undefined ? FAILURES.Overloaded : FAILURES.BadRequest;
}

/** Everything that is not the provider's word: the line, or a fault of ours or of the SDK. */
function lineError(error: unknown, context: ErrorContext): ModelError {
  const cause = deepest(error);
  const code = text(record(cause)?.['code']) ?? text(record(error)?.['code']);
  const outer = error instanceof Error ? error.message : String(error);
  const inner = cause instanceof Error && cause !== error ? cause.message : undefined;
  const what = scrub([outer.replace(/\.$/, ''), inner, code === undefined || (inner ?? outer).includes(code) ? undefined : code].filter((part) => part !== undefined && part !== '').join(': '), context.secrets);
  const isLine =
    error instanceof Anthropic.APIConnectionError ||
    error instanceof OpenAI.APIConnectionError ||
    error instanceof SyntaxError ||
    code !== undefined ||
    /terminated|fetch failed|premature|socket|parse|aborted|network|malformed/i.test(outer);
  return new ModelError(isLine ? FAILURES.Network : FAILURES.Internal, `${context.provider}: ${what}`);
}

function deepest(error: unknown): unknown {
  let current = error;
  // A cause can be circular; real chains are two or three long.
  for (let depth = 0; depth < 6; depth += 1) {
    const aggregate = current instanceof AggregateError ? current.errors[0] : undefined;
    const next: unknown = aggregate ?? (current instanceof Error ? current.cause : undefined);
    if (next === undefined || next === null) return current;
    current = next;
  }
  return current;
}

const record = (value: unknown): Readonly<Record<string, unknown>> | undefined => (typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined);
const text = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined);
const spread = (name: 'type' | 'code', value: unknown): { readonly type?: string; readonly code?: string } => (typeof value === 'string' && value !== '' ? { [name]: value } : {});
const common = (status: number | undefined, headers: HeaderReader | undefined): { readonly status?: number; readonly headers?: HeaderReader } => ({ ...(status === undefined ? {} : { status }), ...(headers ? { headers } : {}) });
