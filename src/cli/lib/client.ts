/**
 * One connection to the gateway, over the peer's own client package.
 * Invariant: a connection that is lost is over. It never reconnects by itself, so that whoever uses it decides what a
 * second connection means; every failure is a coded error that says what to do.
 */
import { GatewayClient, GatewayClientRequestError, GatewayClientRequestTimeoutError } from '@openclaw/gateway-client';
import { CodedError, messageOf } from '../../core/errors.js';
import { oneLine } from './terminal.js';

export interface GatewayTarget {
  readonly url: string;
  readonly token?: string;
  /** Of this program. */
  readonly version: string;
  /** Writes what the client does to stderr. */
  readonly debug?: boolean;
}

export interface GatewayEvent {
  readonly event: string;
  readonly payload?: unknown;
}

export interface RequestOptions {
  /** null: no limit. */
  readonly timeoutMs?: number | null;
  /** The answer is the second response; `onAccepted` gets the first. */
  readonly onAccepted?: (payload: unknown) => void;
}

export interface Gateway {
  readonly hello: { readonly server: { readonly version: string }; readonly features: { readonly methods: readonly string[] }; readonly snapshot: { readonly uptimeMs: number } };
  /** @throws CodedError the gateway's own code, GATEWAY_LOST, CLIENT_TIMEOUT */
  request<T>(method: string, params?: unknown, options?: RequestOptions): Promise<T>;
  onEvent(listener: (event: GatewayEvent) => void): void;
  /** Resolves when the connection is over, for whatever reason. */
  readonly closed: Promise<void>;
  close(): void;
}

const START_HINT = 'Start it with: openclaw gateway';

/** @throws CodedError GATEWAY_DOWN, GATEWAY_STARTING, BAD_TOKEN, PROTOCOL_MISMATCH, GATEWAY_REFUSED, GATEWAY_TIMEOUT */
export function connectGateway(target: GatewayTarget, { timeoutMs }: { readonly timeoutMs: number }): Promise<Gateway> {
  const { promise, resolve, reject } = Promise.withResolvers<Gateway>();
  const closed = Promise.withResolvers<void>();
  const listeners: ((event: GatewayEvent) => void)[] = [];
  let lastError: Error | undefined;
  let up = false;

  const client = new GatewayClient({
    url: target.url,
    ...(target.token === undefined ? {} : { token: target.token }),
    clientName: 'cli',
    mode: 'cli',
    clientVersion: target.version,
    role: 'operator',
    scopes: ['operator.admin'],
    caps: ['tool-events'],
    deviceIdentity: null,
    requestTimeoutMs: timeoutMs,
    ...(target.debug ? { hostDeps: { logDebug: debugLine, logError: debugLine } } : {}),
    onEvent: (event) => listeners.forEach((listener) => listener(event)),
    onHelloOk: (hello) => {
      up = true;
      resolve({
        hello: hello as unknown as Gateway['hello'],
        request: (method, params, options) => request(client, method, params, options),
        onEvent: (listener) => void listeners.push(listener),
        closed: closed.promise,
        close: stop,
      });
    },
    onConnectError: (error) => {
      lastError = error;
      // While it starts, the gateway says when to come back and the client does.
      if (!up && !isStarting(error)) fail(connectFailure(error, target));
    },
    onClose: (code, reason) => {
      if (!up && lastError === undefined) fail(connectFailure(new Error(`closed (${code}) ${reason}`), target));
      if (up) stop();
    },
  });
  const timer = setTimeout(() => fail(timeoutFailure(lastError, target, timeoutMs)), timeoutMs);

  function stop(): void {
    clearTimeout(timer);
    client.stop();
    closed.resolve();
  }
  function fail(error: CodedError): void {
    // First the reason: stopping makes the client report a failure of its own.
    reject(error);
    stop();
  }
  client.start();
  return promise.finally(() => clearTimeout(timer));
}

const debugLine = (message: string): void => void process.stderr.write(`${message}\n`);

async function request<T>(client: GatewayClient, method: string, params: unknown, options: RequestOptions = {}): Promise<T> {
  try {
    return await client.request<T>(method, params, {
      ...(options.timeoutMs === undefined ? {} : { timeoutMs: options.timeoutMs }),
      ...(options.onAccepted === undefined ? {} : { expectFinal: true, onAccepted: options.onAccepted }),
    });
  } catch (error) {
    throw requestFailure(error, method);
  }
}

function requestFailure(error: unknown, method: string): CodedError {
  if (error instanceof GatewayClientRequestError) {
    const details = error.details as { readonly hint?: unknown } | undefined;
    const hint = typeof details?.hint === 'string' ? details.hint : undefined;
    return new CodedError(error.gatewayCode, error.message, hint, {
      rpc: true,
      method,
      ...(details === undefined ? {} : { details }),
      ...(error.responsePayload === undefined ? {} : { payload: error.responsePayload }),
    });
  }
  if (error instanceof GatewayClientRequestTimeoutError) {
    return new CodedError('CLIENT_TIMEOUT', `The gateway did not answer ${method} within ${error.timeoutMs} ms`, 'Give it more time with --timeout, or look at it with: openclaw doctor');
  }
  return new CodedError('GATEWAY_LOST', `The connection to the gateway was lost during ${method}: ${messageOf(error)}`, 'See whether it runs: openclaw status');
}

const isStarting = (error: Error): boolean =>
  error instanceof GatewayClientRequestError && (error.details as { readonly reason?: unknown } | undefined)?.reason === 'startup-sidecars';

function connectFailure(error: Error, target: GatewayTarget): CodedError {
  const code = (error as { readonly code?: unknown }).code;
  const detail = error instanceof GatewayClientRequestError ? (error.details as { readonly code?: unknown } | undefined)?.code : undefined;
  if (code === 'ECONNREFUSED' || code === 'ENOTFOUND' || code === 'EHOSTUNREACH' || code === 'ECONNRESET') {
    return new CodedError('GATEWAY_DOWN', `No gateway answers at ${target.url}`, START_HINT, { url: target.url });
  }
  if (detail === 'PROTOCOL_MISMATCH') {
    return new CodedError('PROTOCOL_MISMATCH', 'The gateway speaks another version of the protocol', 'Use the openclaw of the version that the gateway runs.', { url: target.url });
  }
  if (detail === 'DEVICE_IDENTITY_REQUIRED' || (typeof detail === 'string' && detail.startsWith('AUTH_'))) {
    return target.token === undefined
      ? new CodedError('BAD_TOKEN', 'The gateway wants a token and none was found', 'Use --token, OPENCLAW_GATEWAY_TOKEN, or the profile the gateway runs under.', { url: target.url })
      : new CodedError('BAD_TOKEN', `The gateway refused the token: ${error.message}`, 'Use --token, OPENCLAW_GATEWAY_TOKEN, or the profile the gateway runs under.', { url: target.url });
  }
  if (/timeout/i.test(error.message)) return timeoutFailure(undefined, target, undefined);
  // A program that speaks no protocol of ours may answer anything, at any length.
  const status = /unexpected server response: (\d+)|\bHTTP (\d{3})\b/i.exec(error.message);
  if (status) return new CodedError('NOT_A_GATEWAY', `What answers at ${target.url} is no OpenClaw gateway (HTTP ${status[1] ?? status[2]})`, 'Find out what listens there, or use another port: OPENCLAW_GATEWAY_PORT, gateway.port.', { url: target.url });
  return new CodedError('GATEWAY_REFUSED', `The gateway at ${target.url} refused the connection: ${oneLine(error.message, 200)}`, 'Look at it with: openclaw doctor', { url: target.url });
}

function timeoutFailure(last: Error | undefined, target: GatewayTarget, timeoutMs: number | undefined): CodedError {
  if (last && isStarting(last)) return new CodedError('GATEWAY_STARTING', `The gateway at ${target.url} is still starting`, 'Wait a moment and try again.', { url: target.url });
  const within = timeoutMs === undefined ? '' : ` within ${timeoutMs} ms`;
  return new CodedError('GATEWAY_TIMEOUT', `The gateway at ${target.url} did not answer${within}`, 'Give it more time with --timeout, or look at it with: openclaw doctor', { url: target.url });
}
