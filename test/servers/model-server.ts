/**
 * A small scripted model server: Anthropic Messages (`/v1/messages`) and Chat Completions (`/v1/chat/completions`).
 * In a test: `startModelServer()`. As a process: `node test/servers/model-server.ts [port]` prints one JSON line
 * `{"url": …}` and is steered over HTTP: `POST /script` (a list of replies), `GET /requests`, `DELETE /requests`.
 *
 * Invariant: it refuses what the platforms refuse (wrong key, unanswered or repeated calls, roles out of order, blank
 * text, changed thinking), so that a prompt which passes here passes there. Syntax that Node can strip; no imports of
 * the project.
 */
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pathToFileURL } from 'node:url';

export type Wire = 'anthropic' | 'openai';
export interface ScriptedCall {
  readonly id?: string;
  readonly name: string;
  /** An object, or the raw text to send as arguments. */
  readonly args: Readonly<Record<string, unknown>> | string;
}
export type Reply =
  | {
      readonly kind?: 'answer';
      readonly text?: string;
      readonly thinking?: string;
      readonly calls?: readonly ScriptedCall[];
      /** In the wire's own words; derived when absent. */
      readonly stop?: string;
      readonly usage?: { readonly input: number; readonly output: number; readonly cacheRead?: number; readonly cacheWrite?: number };
      /** Pause before each event. */
      readonly delayMs?: number;
      /** After so many events: `reset` the connection, `cut` it cleanly, or fall `silent`. */
      readonly fault?: { readonly after: number; readonly how: 'reset' | 'cut' | 'silent' };
      /** After so many events nothing more is sent until this resolves. */
      readonly hold?: { readonly after: number; readonly until: Promise<void> };
    }
  | { readonly kind: 'error'; readonly status: number; readonly type?: string; readonly code?: string; readonly message?: string; readonly headers?: Readonly<Record<string, string>>; readonly body?: unknown }
  /** Events sent as they are; an object is sent as one SSE event of the wire, a string verbatim. */
  | { readonly kind: 'raw'; readonly events: readonly (string | Readonly<Record<string, unknown>>)[]; readonly delayMs?: number }
  | { readonly kind: 'drop' }
  | { readonly kind: 'mute' };

export interface SeenRequest {
  readonly wire: Wire;
  /** The body as it was sent, and parsed. */
  readonly raw: string;
  readonly body: Readonly<Record<string, unknown>>;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** Newest user text and the results since. */
  readonly text: string;
  readonly results: readonly string[];
  /** Why it was refused. */
  refused?: string;
  /** The client hung up before the end. */
  closedByClient?: boolean;
}

export interface ModelServer {
  readonly url: string;
  readonly baseUrl: (wire: Wire) => string;
  readonly requests: SeenRequest[];
  /** Answers for the next requests, in order; then the default answers. */
  script(...replies: readonly Reply[]): void;
  close(): Promise<void>;
}

interface Options {
  readonly port?: number;
  readonly key?: string;
  readonly answer?: (request: SeenRequest) => Reply;
}

type Json = Readonly<Record<string, unknown>>;
const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value);
const items = (value: unknown): readonly Json[] => (Array.isArray(value) ? value.filter(isObject) : []);
const pause = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));
export const DEFAULT_KEY = 'test-key-0123456789';

export async function startModelServer(options: Options = {}): Promise<ModelServer> {
  const key = options.key ?? DEFAULT_KEY;
  const requests: SeenRequest[] = [];
  const queue: Reply[] = [];

  const serve = async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    const chunks: Buffer[] = [];
    for await (const chunk of req) chunks.push(chunk as Buffer);
    const raw = Buffer.concat(chunks).toString('utf8');
    const path = (req.url ?? '').split('?')[0];
    if (path === '/requests') {
      if (req.method === 'DELETE') requests.length = 0;
      return sendJson(res, 200, requests.map(({ headers: _, ...seen }) => seen));
    }
    if (path === '/script') {
      queue.push(...(JSON.parse(raw) as Reply[]));
      return sendJson(res, 200, { queued: queue.length });
    }
    const wire: Wire | undefined = path === '/v1/messages' ? 'anthropic' : path === '/v1/chat/completions' ? 'openai' : undefined;
    if (!wire) return sendJson(res, 404, { error: { message: `no such path: ${path}` } });
    const body = JSON.parse(raw) as Json;
    const seen: SeenRequest = { wire, raw, body, headers: req.headers, ...newest(wire, body) };
    requests.push(seen);
    res.once('close', () => {
      if (!res.writableFinished) seen.closedByClient = true;
    });
    if (!authorised(req, wire, key)) {
      seen.refused = 'key';
      return sendError(res, wire, { kind: 'error', status: 401, type: wire === 'anthropic' ? 'authentication_error' : 'invalid_request_error', code: 'invalid_api_key', message: `Incorrect API key provided: ${String(req.headers['x-api-key'] ?? req.headers.authorization)}` });
    }
    const problem = wire === 'anthropic' ? anthropicProblem(req, body) : openaiProblem(body);
    if (problem !== undefined) {
      seen.refused = problem;
      return sendError(res, wire, { kind: 'error', status: 400, type: 'invalid_request_error', message: problem });
    }
    await send(req, res, wire, queue.shift() ?? (options.answer ?? defaultAnswer)(seen));
  };

  const server = createServer((req, res) => {
    serve(req, res).catch((error: unknown) => {
      if (!res.headersSent) sendJson(res, 500, { error: { message: String(error) } });
      else res.destroy();
    });
  });
  await new Promise<void>((done) => server.listen(options.port ?? 0, '127.0.0.1', done));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    baseUrl: (wire) => (wire === 'anthropic' ? url : `${url}/v1`),
    requests,
    script: (...replies) => void queue.push(...replies),
    close: () =>
      new Promise((done) => {
        server.close(() => done());
        server.closeAllConnections();
      }),
  };
}

/** `chain: N <command>` makes N exec calls one after another and then lists their outputs; anything else is echoed. */
export function defaultAnswer(seen: SeenRequest): Reply {
  const [, count, command] = /(?:^|\n|: )chain: (\d+) ([^\n]+)/.exec(seen.text) ?? [];
  if (count !== undefined && command !== undefined) {
    if (seen.results.length < Number(count)) return { calls: [{ name: 'exec', args: { command: command.replaceAll('{i}', String(seen.results.length + 1)) } }] };
    return { text: `done: ${seen.results.join(' | ')}` };
  }
  return { text: `echo: ${seen.text}` };
}

function newest(wire: Wire, body: Json): { readonly text: string; readonly results: readonly string[] } {
  let text = '';
  let results: string[] = [];
  for (const message of items(body['messages'])) {
    const blocks = typeof message['content'] === 'string' ? [{ type: 'text', text: message['content'] }] : items(message['content']);
    const words = blocks.filter((block) => block.type === 'text').map((block) => String(block['text' as keyof typeof block])).join('\n');
    if (wire === 'openai' && message['role'] === 'tool') results.push(words);
    else if (message['role'] === 'user') {
      const answered = blocks.filter((block) => block.type === 'tool_result').map((block) => items((block as Json)['content']).filter((part) => part['type'] === 'text').map((part) => String(part['text'])).join('\n'));
      if (answered.length > 0) results.push(...answered);
      if (words !== '') {
        text = words;
        if (answered.length === 0) results = [];
      }
    }
  }
  return { text, results };
}

function authorised(req: IncomingMessage, wire: Wire, key: string): boolean {
  return (wire === 'anthropic' && req.headers['x-api-key'] === key) || req.headers.authorization === `Bearer ${key}`;
}

// ---- What the platforms refuse

const NAME = /^[a-zA-Z0-9_-]{1,64}$/;
export const signatureOf = (thinking: string): string => `sig-${createHash('sha256').update(thinking).digest('hex').slice(0, 24)}`;

function anthropicProblem(req: IncomingMessage, body: Json): string | undefined {
  if (req.headers['anthropic-version'] === undefined) return 'anthropic-version: header is required';
  if (typeof body['model'] !== 'string' || typeof body['max_tokens'] !== 'number') return 'model and max_tokens: Field required';
  const messages = items(body['messages']);
  if (messages.length === 0) return 'messages: at least one message is required';
  const marks = (JSON.stringify(body).match(/"cache_control"/g) ?? []).length;
  if (marks > 4) return `A maximum of 4 blocks with cache_control may be provided. Found ${marks}.`;
  const thinking = body['thinking'];
  if (isObject(thinking) && thinking['type'] === 'enabled' && !(Number(thinking['budget_tokens']) >= 1024 && Number(thinking['budget_tokens']) < Number(body['max_tokens']))) return 'thinking.budget_tokens: must be at least 1024 and less than max_tokens';
  for (const tool of items(body['tools'])) if (!NAME.test(String(tool['name']))) return `tools: name "${String(tool['name'])}" does not match`;
  const used = new Set<string>();
  let open: string[] = [];
  for (const [i, message] of messages.entries()) {
    if (message['role'] !== (i % 2 === 0 ? 'user' : 'assistant')) return `messages.${i}: roles must alternate between "user" and "assistant"`;
    const blocks = items(message['content']);
    if (blocks.length === 0) return `messages.${i}: content must not be empty`;
    const answered = blocks.filter((block) => block['type'] === 'tool_result').map((block) => String(block['tool_use_id']));
    const missing = open.filter((id) => !answered.includes(id));
    if (missing.length > 0) return `messages.${i - 1}: \`tool_use\` ids were found without \`tool_result\` blocks immediately after: ${missing.join(', ')}`;
    if (answered.some((id) => !open.includes(id)) || new Set(answered).size !== answered.length) return `messages.${i}: unexpected \`tool_use_id\` found in \`tool_result\` blocks`;
    if (blocks.slice(0, answered.length).some((block) => block['type'] !== 'tool_result')) return `messages.${i}: tool_result blocks must come first`;
    open = [];
    for (const block of blocks) {
      if (block['type'] === 'text' && String(block['text']).trim() === '') return `messages.${i}: text content blocks must contain non-whitespace text`;
      if (block['type'] === 'image' && !String((block['source'] as Json)['data'])) return `messages.${i}: image is empty`;
      if (block['type'] === 'thinking' && block['signature'] !== signatureOf(String(block['thinking']))) return `messages.${i}: Invalid \`signature\` in \`thinking\` block`;
      if (block['type'] !== 'tool_use') continue;
      const id = String(block['id']);
      if (!NAME.test(id) || !NAME.test(String(block['name']))) return `messages.${i}: tool_use id or name does not match`;
      if (used.has(id)) return `messages.${i}: \`tool_use\` ids must be unique`;
      used.add(id);
      open.push(id);
    }
  }
  return messages.length % 2 === 1 ? undefined : 'This model does not support assistant message prefill. The conversation must end with a user message.';
}

function openaiProblem(body: Json): string | undefined {
  if (typeof body['model'] !== 'string') return 'you must provide a model parameter';
  const messages = items(body['messages']);
  if (messages.length === 0) return "[] is too short - 'messages'";
  for (const tool of items(body['tools'])) if (!NAME.test(String((tool['function'] as Json)['name']))) return "Invalid 'tools[0].function.name'";
  let open: string[] = [];
  for (const [i, message] of messages.entries()) {
    if (message['role'] === 'tool') {
      const id = String(message['tool_call_id']);
      if (!open.includes(id)) return `messages[${i}]: messages with role 'tool' must be a response to a preceding message with 'tool_calls'.`;
      if (typeof message['content'] !== 'string' && !Array.isArray(message['content'])) return `messages[${i}].content: must be text`;
      open = open.filter((other) => other !== id);
      continue;
    }
    if (open.length > 0) return `An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. The following tool_call_ids did not have response messages: ${open.join(', ')}`;
    if (!['system', 'developer', 'user', 'assistant'].includes(String(message['role']))) return `messages[${i}].role: invalid`;
    const calls = items(message['tool_calls']);
    if ((message['content'] === null || message['content'] === undefined) && calls.length === 0) return `messages[${i}].content: expected a string, got null`;
    for (const call of calls) {
      const id = String(call['id']);
      const fn = call['function'] as Json;
      if (id === '' || id.length > 40) return `messages[${i}].tool_calls: id must have 1 to 40 characters`;
      if (open.includes(id)) return `messages[${i}].tool_calls: duplicate id ${id}`;
      if (!NAME.test(String(fn['name'])) || typeof fn['arguments'] !== 'string') return `messages[${i}].tool_calls: invalid function`;
      open.push(id);
    }
  }
  return open.length > 0 ? `tool_calls without response: ${open.join(', ')}` : undefined;
}

// ---- Answers

async function send(req: IncomingMessage, res: ServerResponse, wire: Wire, reply: Reply): Promise<void> {
  switch (reply.kind) {
    case 'error':
      return sendError(res, wire, reply);
    case 'drop':
      req.socket.resetAndDestroy();
      return;
    case 'mute':
      return; // the client's silence watch, or its end, closes the connection
    case 'raw':
      return stream(req, res, reply.events.map((event) => (typeof event === 'string' ? event : sse(wire, event))), reply);
    default:
      return stream(req, res, wire === 'anthropic' ? anthropicEvents(reply) : openaiEvents(reply), reply);
  }
}

type Answer = Extract<Reply, { readonly kind?: 'answer' }>;

async function stream(req: IncomingMessage, res: ServerResponse, events: readonly string[], { delayMs, fault, hold }: { readonly delayMs?: number; readonly fault?: Answer['fault']; readonly hold?: Answer['hold'] }): Promise<void> {
  res.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' });
  res.flushHeaders();
  for (const [i, event] of events.entries()) {
    if (fault && i >= fault.after) break;
    if (delayMs) await pause(delayMs);
    if (hold?.after === i) await hold.until;
    if (res.destroyed) return;
    res.write(event);
  }
  if (fault?.how === 'silent') return;
  // What was written must arrive before the connection breaks.
  if (fault?.how === 'reset') return void setTimeout(() => req.socket.resetAndDestroy(), 20);
  res.end();
}

const sse = (wire: Wire, event: Json): string => (wire === 'anthropic' ? `event: ${String(event['type'])}\ndata: ${JSON.stringify(event)}\n\n` : `data: ${JSON.stringify(event)}\n\n`);
const halves = (text: string): readonly string[] => [text.slice(0, Math.ceil(text.length / 2)), text.slice(Math.ceil(text.length / 2))].filter((part) => part !== '');
const rawArgs = (call: ScriptedCall): string => (typeof call.args === 'string' ? call.args : JSON.stringify(call.args));
let made = 0;
const callId = (call: ScriptedCall): string => call.id ?? `toolu_${(made += 1)}`;

function anthropicEvents(reply: Answer): readonly string[] {
  const { input = 10, output = 5, cacheRead = 0, cacheWrite = 0 } = reply.usage ?? {};
  const usage = { input_tokens: input, cache_read_input_tokens: cacheRead, cache_creation_input_tokens: cacheWrite };
  const events: Json[] = [{ type: 'message_start', message: { id: 'msg_1', type: 'message', role: 'assistant', model: 'scripted', content: [], stop_reason: null, stop_sequence: null, usage: { ...usage, output_tokens: 1 } } }, { type: 'ping' }];
  let index = 0;
  const block = (start: Json, deltas: readonly Json[]): void => {
    events.push({ type: 'content_block_start', index, content_block: start }, ...deltas.map((delta) => ({ type: 'content_block_delta', index, delta })), { type: 'content_block_stop', index });
    index += 1;
  };
  if (reply.thinking !== undefined) block({ type: 'thinking', thinking: '', signature: '' }, [...halves(reply.thinking).map((thinking) => ({ type: 'thinking_delta', thinking })), { type: 'signature_delta', signature: signatureOf(reply.thinking) }]);
  if (reply.text !== undefined) block({ type: 'text', text: '' }, halves(reply.text).map((text) => ({ type: 'text_delta', text })));
  for (const call of reply.calls ?? []) block({ type: 'tool_use', id: callId(call), name: call.name, input: {} }, halves(rawArgs(call)).map((partial_json) => ({ type: 'input_json_delta', partial_json })));
  const stop = reply.stop ?? ((reply.calls?.length ?? 0) > 0 ? 'tool_use' : 'end_turn');
  events.push({ type: 'message_delta', delta: { stop_reason: stop, stop_sequence: null }, usage: { output_tokens: output } }, { type: 'message_stop' });
  return events.map((event) => sse('anthropic', event));
}

function openaiEvents(reply: Answer): readonly string[] {
  const { input = 10, output = 5, cacheRead = 0, cacheWrite = 0 } = reply.usage ?? {};
  const chunk = (delta: Json, finish: string | null = null): Json => ({ id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1, model: 'scripted', choices: [{ index: 0, delta, finish_reason: finish }] });
  const events: Json[] = [chunk({ role: 'assistant', content: '' })];
  for (const reasoning_content of halves(reply.thinking ?? '')) events.push(chunk({ reasoning_content }));
  for (const content of halves(reply.text ?? '')) events.push(chunk({ content }));
  for (const [index, call] of (reply.calls ?? []).entries()) {
    events.push(chunk({ tool_calls: [{ index, id: callId(call), type: 'function', function: { name: call.name, arguments: '' } }] }));
    for (const part of halves(rawArgs(call))) events.push(chunk({ tool_calls: [{ index, function: { arguments: part } }] }));
  }
  const prompt = input + cacheRead + cacheWrite;
  events.push(chunk({}, reply.stop ?? ((reply.calls?.length ?? 0) > 0 ? 'tool_calls' : 'stop')));
  events.push({ id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1, model: 'scripted', choices: [], usage: { prompt_tokens: prompt, completion_tokens: output, total_tokens: prompt + output, prompt_tokens_details: { cached_tokens: cacheRead, cache_write_tokens: cacheWrite } } });
  return [...events.map((event) => sse('openai', event)), 'data: [DONE]\n\n'];
}

function sendError(res: ServerResponse, wire: Wire, reply: Extract<Reply, { readonly kind: 'error' }>): void {
  const message = reply.message ?? 'scripted error';
  const type = reply.type ?? (wire === 'anthropic' ? 'api_error' : 'server_error');
  const body = reply.body ?? (wire === 'anthropic' ? { type: 'error', error: { type, message } } : { error: { message, type, code: reply.code ?? null, param: null } });
  sendJson(res, reply.status, body, reply.headers);
}

function sendJson(res: ServerResponse, status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): void {
  res.writeHead(status, { 'content-type': typeof body === 'string' ? 'text/html' : 'application/json', ...headers });
  res.end(typeof body === 'string' ? body : JSON.stringify(body));
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const server = await startModelServer({ port: Number(process.argv[2] ?? 0), ...(process.env['MODEL_SERVER_KEY'] ? { key: process.env['MODEL_SERVER_KEY'] } : {}) });
  process.stdout.write(`${JSON.stringify({ url: server.url })}\n`);
}
