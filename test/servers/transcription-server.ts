/**
 * A small scripted `/v1/audio/transcriptions`, as OpenAI has it, with its list of models.
 *
 * Invariant: it refuses what OpenAI refuses (wrong key, no model or an unknown one, no file or an empty one, an extension
 * it does not take, bytes that are no audio, more than 25 MB, a response format the model does not have), so that a
 * recording which passes here passes there.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { DEFAULT_KEY } from './model-server.js';

export type SpeechReply =
  | { readonly text: string; /** Beside what the model's kind answers. */ readonly more?: Readonly<Record<string, unknown>>; /** Not answered before. */ readonly until?: Promise<unknown> }
  | { readonly status: number; readonly code?: string; readonly type?: string; readonly message?: string; readonly headers?: Readonly<Record<string, string>> }
  | 'drop'
  | 'mute';

export interface SeenRecording {
  readonly model: string;
  readonly name: string;
  readonly bytes: number;
  readonly language?: string;
  /** Why it was refused. */
  readonly refused?: string;
}

export interface TranscriptionServer {
  /** With `/v1`. */
  readonly baseUrl: string;
  readonly requests: SeenRecording[];
  /** Requests for the list of models. */
  readonly lists: () => number;
  /** Answers for the next requests that were not refused, in order; then "words of <bytes> bytes". */
  script(...replies: readonly SpeechReply[]): void;
  close(): Promise<void>;
}

const MOST_BYTES = 26_214_400;
const FORMATS = ['flac', 'm4a', 'mp3', 'mp4', 'mpeg', 'mpga', 'oga', 'ogg', 'wav', 'webm'];
const MODELS = ['whisper-1', 'gpt-4o-transcribe', 'gpt-4o-mini-transcribe'];
const SECONDS = 30;

interface Refusal {
  readonly status: number;
  readonly message: string;
  readonly code?: string;
}

export async function startTranscriptionServer(key: string = DEFAULT_KEY): Promise<TranscriptionServer> {
  const requests: SeenRecording[] = [];
  const queue: SpeechReply[] = [];
  let lists = 0;

  const serve = async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    const chunks: Buffer[] = [];
    for await (const chunk of req) chunks.push(chunk as Buffer);
    if (req.headers.authorization !== `Bearer ${key}`) {
      return refuse(res, { status: 401, message: `Incorrect API key provided: ${String(req.headers.authorization)}. You can find your API key at https://platform.openai.com/account/api-keys.`, code: 'invalid_api_key' });
    }
    if (req.method === 'GET' && req.url === '/v1/models') {
      lists += 1;
      return send(res, 200, { object: 'list', data: MODELS.map((id) => ({ id, object: 'model', created: 1, owned_by: 'openai' })) });
    }
    if (req.method !== 'POST' || req.url !== '/v1/audio/transcriptions') return refuse(res, { status: 404, message: `Invalid URL (${req.method} ${req.url})` });
    const type = req.headers['content-type'] ?? '';
    if (!type.startsWith('multipart/form-data')) return refuse(res, { status: 400, message: `We could not parse your request: expected multipart/form-data, got ${type}` });
    const form = await new Response(Buffer.concat(chunks), { headers: { 'content-type': type } }).formData();
    const file = form.get('file');
    const seen = { model: field(form, 'model'), name: file instanceof File ? file.name : '', bytes: file instanceof File ? file.size : 0, ...(form.has('language') ? { language: field(form, 'language') } : {}) };
    const refusal = file instanceof File ? problem(form, seen, Buffer.from(await file.arrayBuffer())) : { status: 400, message: "Missing required parameter: 'file'." };
    requests.push({ ...seen, ...(refusal ? { refused: refusal.message } : {}) });
    if (refusal) return refuse(res, refusal);

    const reply = queue.shift() ?? { text: `words of ${seen.bytes} bytes` };
    if (reply === 'drop') return void req.socket.resetAndDestroy();
    if (reply === 'mute') return;
    if ('status' in reply) return send(res, reply.status, { error: { message: reply.message ?? 'scripted error', type: reply.type ?? 'server_error', code: reply.code ?? null, param: null } }, reply.headers);
    await reply.until;
    const usage = seen.model === 'whisper-1' ? { type: 'duration', seconds: SECONDS } : { type: 'tokens', input_tokens: 300, output_tokens: 20, total_tokens: 320, input_token_details: { audio_tokens: 300, text_tokens: 0 } };
    send(res, 200, { text: reply.text, usage, ...reply.more });
  };

  const server = createServer((req, res) => {
    serve(req, res).catch((error: unknown) => (res.headersSent ? res.destroy() : send(res, 500, { error: { message: String(error) } })));
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return {
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    requests,
    lists: () => lists,
    script: (...replies) => void queue.push(...replies),
    close: () =>
      new Promise((done) => {
        server.close(() => done());
        server.closeAllConnections();
      }),
  };
}

const field = (form: FormData, name: string): string => {
  const value = form.get(name);
  return typeof value === 'string' ? value : '';
};

function problem(form: FormData, seen: SeenRecording, bytes: Buffer): Refusal | undefined {
  if (seen.model === '') return { status: 400, message: 'you must provide a model parameter' };
  if (bytes.length > MOST_BYTES) return { status: 413, message: `Maximum content size limit (${MOST_BYTES}) exceeded (${bytes.length} bytes read)` };
  if (!MODELS.includes(seen.model)) return { status: 404, message: `The model \`${seen.model}\` does not exist or you do not have access to it.`, code: 'model_not_found' };
  if (!FORMATS.includes(seen.name.replace(/^.*\./, ''))) return { status: 400, message: `Unrecognized file format. Supported formats: ${JSON.stringify(FORMATS)}` };
  if (bytes.length === 0) return { status: 400, message: 'Audio file is too short. Minimum audio length is 0.1 seconds.', code: 'audio_too_short' };
  if (!isAudio(bytes)) return { status: 400, message: 'The audio file could not be decoded or its format is not supported.' };
  const format = field(form, 'response_format') || 'json';
  if (seen.model !== 'whisper-1' && !['json', 'text'].includes(format)) return { status: 400, message: `response_format '${format}' is not compatible with model '${seen.model}'.`, code: 'unsupported_value' };
  if (seen.language !== undefined && !/^[a-z]{2}$/.test(seen.language)) return { status: 400, message: `Invalid language '${seen.language}'. Language parameter must be specified in ISO-639-1 format.`, code: 'invalid_language_format' };
  return undefined;
}

function isAudio(bytes: Buffer): boolean {
  const head = bytes.toString('latin1', 0, 12);
  return /^(?:OggS|fLaC|ID3|RIFF....WAVE|....ftyp)/s.test(head) || (bytes[0] === 0xff && (bytes[1]! & 0xe0) === 0xe0) || head.startsWith('\x1aE\xdf\xa3');
}

const refuse = (res: ServerResponse, { status, message, code }: Refusal): void => send(res, status, { error: { message, type: 'invalid_request_error', code: code ?? null, param: null } });

function send(res: ServerResponse, status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): void {
  res.writeHead(status, { 'content-type': 'application/json', ...headers });
  res.end(JSON.stringify(body));
}
