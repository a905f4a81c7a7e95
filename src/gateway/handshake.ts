/**
 * Decides a `connect` request: who is this, and may they in. Pure but for the clock.
 * Invariants: the token is compared in constant time; every refusal is one of the peer's, by code, text and close code.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { validateConnectParams } from '@openclaw/gateway-protocol';

import type { WireError } from './errors.js';
import { PROTOCOL } from './frames.js';
import { deviceProblem } from './device.js';
import { grantScopes, type Scope } from './scopes.js';
import { problems } from './validate.js';

export interface HandshakeFacts {
  readonly token: string;
  /** The nonce of this connection's challenge. */
  readonly nonce: string;
  readonly now: number;
  /** The Origin header; absent from everything but browsers. */
  readonly origin: string | undefined;
  readonly originAllowed: boolean;
}

export type HandshakeResult =
  | { readonly ok: true; readonly role: string; readonly scopes: readonly Scope[]; readonly client: { readonly id: string; readonly mode: string; readonly version: string }; readonly deviceId?: string }
  | { readonly ok: false; readonly error: WireError; readonly close: number; readonly reason: string; /** Counts as an attempt to guess the token. */ readonly guess: boolean };

/** Clients that run in a browser: without an Origin they are not what they say. */
const BROWSER_CLIENTS: ReadonlySet<string> = new Set(['webchat-ui', 'openclaw-control-ui', 'webchat']);
const BROWSER_MODES: ReadonlySet<string> = new Set(['webchat', 'ui']);
/** Newer probes still speak the version before. */
const MIN_PROBE_PROTOCOL = 3;

export function decideConnect(params: unknown, facts: HandshakeFacts): HandshakeResult {
  if (!validateConnectParams(params)) return refuse(1008, { code: 'INVALID_REQUEST', message: `invalid connect params: ${problems(validateConnectParams)}` });
  if (params.minProtocol > PROTOCOL || params.maxProtocol < PROTOCOL) {
    return refuse(1002, {
      code: 'INVALID_REQUEST',
      message: 'protocol mismatch',
      details: {
        code: 'PROTOCOL_MISMATCH',
        clientMinProtocol: params.minProtocol,
        clientMaxProtocol: params.maxProtocol,
        expectedProtocol: PROTOCOL,
        minimumProbeProtocol: MIN_PROBE_PROTOCOL,
      },
    });
  }
  const role = params.role ?? 'operator';
  if (role !== 'operator') return refuse(1008, { code: 'INVALID_REQUEST', message: `role ${role.slice(0, 40)} is not available yet; connect as operator` });

  const { client, device, auth } = params;
  const browser = BROWSER_CLIENTS.has(client.id) || BROWSER_MODES.has(client.mode);
  if (facts.origin === undefined ? browser : !facts.originAllowed) {
    const why = facts.origin === undefined ? 'a browser client must send an Origin' : 'open the page from the gateway itself, or add its host to gateway.allowedHosts';
    return refuse(1008, { code: 'INVALID_REQUEST', message: `origin not allowed (${why})`, details: { code: 'CONTROL_UI_ORIGIN_NOT_ALLOWED' } });
  }

  const presented = [auth?.token, auth?.password].filter((secret) => secret !== undefined && secret !== '') as readonly string[];
  if (device) {
    const claim = {
      clientId: client.id,
      clientMode: client.mode,
      role,
      scopes: params.scopes ?? [],
      token: presented[0] ?? auth?.deviceToken ?? auth?.bootstrapToken ?? '',
      platform: client.platform,
      deviceFamily: client.deviceFamily ?? '',
    };
    const problem = deviceProblem(device, claim, facts.nonce, facts.now);
    if (problem) return refuse(1008, { code: 'INVALID_REQUEST', message: problem.message, details: { code: problem.code, reason: problem.reason } }, true);
  }

  if (presented.length === 0) {
    if (!device) return deviceRequired();
    return unauthorized('AUTH_TOKEN_MISSING', 'token_missing', 'gateway token missing');
  }
  if (!presented.some((secret) => sameSecret(secret, facts.token))) {
    return unauthorized('AUTH_TOKEN_MISMATCH', 'token_mismatch', 'gateway token mismatch', true);
  }
  // Everybody is on loopback here. Without a device only the two clients that run as the owner's own commands come in.
  if (!device && client.id !== 'cli' && !(client.id === 'gateway-client' && client.mode === 'backend')) return deviceRequired();

  return {
    ok: true,
    role,
    scopes: grantScopes(params.scopes ?? []),
    client: { id: client.id, mode: client.mode, version: client.version },
    ...(device ? { deviceId: device.id } : {}),
  };
}

/** Hashing first makes the lengths equal, which the comparison needs and which hides the real one. */
export function sameSecret(given: string, wanted: string): boolean {
  const hash = (text: string): Buffer => createHash('sha256').update(text).digest();
  // An unset token lets nobody in.
  return timingSafeEqual(hash(given), hash(wanted)) && wanted !== '';
}

export const rateLimited = (retryAfterMs: number): Extract<HandshakeResult, { ok: false }> =>
  refuse(1008, {
    code: 'INVALID_REQUEST',
    message: 'unauthorized: too many failed authentication attempts (retry later)',
    details: { code: 'AUTH_RATE_LIMITED', authReason: 'rate_limited', canRetryWithDeviceToken: false, recommendedNextStep: 'wait_then_retry' },
    retryable: true,
    retryAfterMs,
  });

const deviceRequired = () => refuse(1008, { code: 'NOT_PAIRED', message: 'device identity required', details: { code: 'DEVICE_IDENTITY_REQUIRED' } });

const unauthorized = (code: string, authReason: string, what: string, guess = false) =>
  refuse(
    1008,
    {
      code: 'INVALID_REQUEST',
      message: `unauthorized: ${what} (provide gateway auth token)`,
      details: { code, authReason, canRetryWithDeviceToken: false, recommendedNextStep: 'update_auth_credentials' },
    },
    guess,
  );

const refuse = (close: number, error: WireError, guess = false): Extract<HandshakeResult, { ok: false }> => ({ ok: false, error, close, reason: error.message, guess });
