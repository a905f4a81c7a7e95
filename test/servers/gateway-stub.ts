/**
 * A gateway that is only its wire: challenge, hello, scripted answers. Speaks v4 as PEER §2 has it, so that the CLI is
 * tested against what clients really meet, restarts and refusals included.
 */
import { randomUUID } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import { WebSocketServer, type WebSocket } from 'ws';

export interface StubCall {
  readonly method: string;
  readonly params: Readonly<Record<string, unknown>>;
}

export interface StubContext {
  /** Another response to the same request. */
  respond(payload: unknown): void;
  fail(error: { readonly code: string; readonly message: string; readonly details?: unknown }, payload?: unknown): void;
  event(event: string, payload: unknown): void;
  /** Ends the connection as a killed gateway does. */
  drop(): void;
}

export type StubHandler = (params: Readonly<Record<string, unknown>>, context: StubContext) => unknown;

export interface StubOptions {
  readonly port?: number;
  readonly token?: string;
  readonly methods?: Readonly<Record<string, StubHandler>>;
  /** Refuses every connect with this. */
  readonly refuse?: { readonly code: string; readonly message: string; readonly details?: unknown; readonly close: number };
  /** Accepts the socket and never says a word. */
  readonly silent?: boolean;
}

export interface GatewayStub {
  readonly port: number;
  readonly url: string;
  readonly calls: readonly StubCall[];
  /** What the client said of itself. */
  readonly connects: readonly Readonly<Record<string, unknown>>[];
  close(): Promise<void>;
}

/** Returned by a handler that answers by itself, later or never. */
export const ANSWERED = Symbol('answered');

export async function startGatewayStub(options: StubOptions = {}): Promise<GatewayStub> {
  const calls: StubCall[] = [];
  const connects: Readonly<Record<string, unknown>>[] = [];
  const http: Server = createServer((_request, response) => response.writeHead(404).end());
  const sockets = new WebSocketServer({ server: http, perMessageDeflate: false });
  sockets.on('connection', (socket) => {
    if (!options.silent) serve(socket, options, calls, connects);
  });
  await new Promise<void>((done) => http.listen(options.port ?? 0, '127.0.0.1', done));
  const address = http.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    port,
    url: `ws://127.0.0.1:${port}`,
    calls,
    connects,
    async close() {
      for (const socket of sockets.clients) socket.terminate();
      sockets.close();
      http.closeAllConnections();
      await new Promise((done) => http.close(done));
    },
  };
}

function serve(socket: WebSocket, options: StubOptions, calls: StubCall[], connects: Readonly<Record<string, unknown>>[]): void {
  const nonce = randomUUID();
  let seq = 0;
  const send = (frame: unknown): void => socket.send(JSON.stringify(frame));
  send({ type: 'event', event: 'connect.challenge', payload: { nonce, ts: Date.now() } });

  socket.on('message', (data: Buffer) => {
    const frame = JSON.parse(data.toString('utf8')) as { readonly id: string; readonly method: string; readonly params?: Readonly<Record<string, unknown>> };
    const params = frame.params ?? {};
    const context: StubContext = {
      respond: (payload) => send({ type: 'res', id: frame.id, ok: true, payload }),
      fail: (error, payload) => send({ type: 'res', id: frame.id, ok: false, error, ...(payload === undefined ? {} : { payload }) }),
      event: (event, payload) => send({ type: 'event', event, payload, seq: ++seq }),
      drop: () => socket.terminate(),
    };
    if (frame.method === 'connect') return connect(socket, options, params, context, connects);
    calls.push({ method: frame.method, params });
    const handler = options.methods?.[frame.method];
    if (!handler) return context.fail({ code: 'INVALID_REQUEST', message: `unknown method: ${frame.method}` });
    void Promise.resolve(handler(params, context)).then((answer) => {
      if (answer !== ANSWERED) context.respond(answer);
    });
  });
}

function connect(socket: WebSocket, options: StubOptions, params: Readonly<Record<string, unknown>>, context: StubContext, connects: Readonly<Record<string, unknown>>[]): void {
  connects.push(params);
  const refuse = options.refuse ?? refusal(params, options.token);
  if (refuse) {
    const { close, ...error } = refuse;
    context.fail(error);
    socket.close(close, error.message.slice(0, 120));
    return;
  }
  context.respond({
    type: 'hello-ok',
    protocol: 4,
    server: { version: '9.9.9', connId: randomUUID() },
    features: { methods: Object.keys(options.methods ?? {}), events: ['tick', 'agent', 'chat', 'shutdown'] },
    snapshot: { presence: [], health: {}, stateVersion: { presence: 0, health: 0 }, uptimeMs: 65_000 },
    auth: { role: 'operator', scopes: ['operator.admin'] },
    policy: { maxPayload: 26_214_400, maxBufferedBytes: 52_428_800, tickIntervalMs: 30_000 },
  });
}

function refusal(params: Readonly<Record<string, unknown>>, token: string | undefined): StubOptions['refuse'] {
  const auth = params['auth'] as { readonly token?: string; readonly password?: string } | undefined;
  const given = auth?.token ?? auth?.password;
  if (token === undefined || given === token) return undefined;
  if (given === undefined) return { code: 'NOT_PAIRED', message: 'device identity required', details: { code: 'DEVICE_IDENTITY_REQUIRED' }, close: 1008 };
  const message = 'unauthorized: gateway token mismatch (provide gateway auth token)';
  return { code: 'INVALID_REQUEST', message, details: { code: 'AUTH_TOKEN_MISMATCH', authReason: 'token_mismatch', canRetryWithDeviceToken: false, recommendedNextStep: 'update_auth_credentials' }, close: 1008 };
}
