/**
 * Verifies a signed device: an Ed25519 key whose hash is the device's id, and a signature over what it asks for here
 * and now (payload versions 2 and 3 of the protocol).
 * Invariant: a signature counts for one challenge of one connection only.
 */
import { createHash, createPublicKey, verify } from 'node:crypto';

export interface DeviceProof {
  readonly id: string;
  /** Raw 32 bytes, base64url. */
  readonly publicKey: string;
  readonly signature: string;
  /** Epoch milliseconds. */
  readonly signedAt: number;
  readonly nonce: string;
}

export interface DeviceClaim {
  readonly clientId: string;
  readonly clientMode: string;
  readonly role: string;
  /** In the order the client sent them. */
  readonly scopes: readonly string[];
  /** The token or password it presented, or the empty string. */
  readonly token: string;
  readonly platform: string;
  readonly deviceFamily: string;
}

/** A clock may differ by this; a stolen signature is useless later, and without the nonce at once. */
export const DEVICE_SKEW_MS = 120_000;

export interface DeviceProblem {
  readonly code: string;
  readonly reason: string;
  readonly message: string;
}

const PROBLEMS = {
  id: { code: 'DEVICE_AUTH_DEVICE_ID_MISMATCH', reason: 'device-id-mismatch', message: 'device identity mismatch' },
  stale: { code: 'DEVICE_AUTH_SIGNATURE_EXPIRED', reason: 'device-signature-stale', message: 'device signature expired' },
  noNonce: { code: 'DEVICE_AUTH_NONCE_REQUIRED', reason: 'device-nonce-missing', message: 'device nonce required' },
  nonce: { code: 'DEVICE_AUTH_NONCE_MISMATCH', reason: 'device-nonce-mismatch', message: 'device nonce mismatch' },
  signature: { code: 'DEVICE_AUTH_SIGNATURE_INVALID', reason: 'device-signature', message: 'device signature invalid' },
  key: { code: 'DEVICE_AUTH_PUBLIC_KEY_INVALID', reason: 'device-public-key', message: 'device public key invalid' },
} as const satisfies Record<string, DeviceProblem>;

/** @param nonce the one of this connection's challenge */
export function deviceProblem(device: DeviceProof, claim: DeviceClaim, nonce: string, now: number): DeviceProblem | undefined {
  const raw = base64url(device.publicKey);
  if (!raw || raw.length !== 32) return PROBLEMS.key;
  if (createHash('sha256').update(raw).digest('hex') !== device.id) return PROBLEMS.id;
  if (Math.abs(now - device.signedAt) > DEVICE_SKEW_MS) return PROBLEMS.stale;
  if (device.nonce.trim() === '') return PROBLEMS.noNonce;
  if (device.nonce !== nonce) return PROBLEMS.nonce;
  const signature = base64url(device.signature);
  if (!signature || signature.length !== 64) return PROBLEMS.signature;
  const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: raw.toString('base64url') }, format: 'jwk' });
  const signed = devicePayloads(device, claim).some((payload) => verify(null, Buffer.from(payload), key, signature));
  return signed ? undefined : PROBLEMS.signature;
}

function devicePayloads(device: DeviceProof, claim: DeviceClaim): readonly string[] {
  const common = [device.id, claim.clientId, claim.clientMode, claim.role, claim.scopes.join(','), String(device.signedAt), claim.token, device.nonce];
  return [['v3', ...common, plain(claim.platform), plain(claim.deviceFamily)].join('|'), ['v2', ...common].join('|')];
}

/** As the reference client does it: trimmed, ASCII lower-cased. */
const plain = (text: string): string => text.trim().replace(/[A-Z]/g, (letter) => letter.toLowerCase());

function base64url(text: string): Buffer | undefined {
  return /^[A-Za-z0-9_-]+={0,2}$/.test(text) ? Buffer.from(text, 'base64url') : undefined;
}
