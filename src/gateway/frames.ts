/**
 * The wire's frames and limits.
 * Invariant: every frame we send is one of these three shapes, closed; every number is one a client was told in hello.
 */
import { Type, type Static } from 'typebox';

import type { WireError } from './errors.js';
import { validator } from './validate.js';

export const PROTOCOL = 4;
/** A connect needs a few kilobytes; before it is known who asks, nobody gets more memory than this. */
export const PREAUTH_MAX_BYTES = 64 * 1024;
export const MAX_PAYLOAD = 26_214_400;
/** Unsent bytes after which a client is too slow to be served: twice the largest frame. */
export const MAX_BUFFERED = 52_428_800;

/** As the protocol's request frame; `expectedProfileId` is sent by newer clients of the peer. */
const RequestFrameSchema = Type.Object(
  {
    type: Type.Literal('req'),
    id: Type.String({ minLength: 1, maxLength: 256 }),
    method: Type.String({ minLength: 1, maxLength: 256 }),
    params: Type.Optional(Type.Unknown()),
    traceparent: Type.Optional(Type.String({ maxLength: 128 })),
    expectedProfileId: Type.Optional(Type.String({ maxLength: 256 })),
  },
  { additionalProperties: false },
);
export type RequestFrame = Static<typeof RequestFrameSchema>;
export const isRequestFrame = validator(RequestFrameSchema);

export interface ResponseFrame {
  readonly type: 'res';
  readonly id: string;
  readonly ok: boolean;
  readonly payload?: unknown;
  readonly error?: WireError;
}
export interface EventFrame {
  readonly type: 'event';
  readonly event: string;
  readonly payload?: unknown;
  readonly seq?: number;
}
export type OutFrame = ResponseFrame | EventFrame;

/** @returns undefined for anything that is not one JSON object */
export function parseFrame(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Readonly<Record<string, unknown>>) : undefined;
  } catch {
    return undefined;
  }
}

/** A close reason is at most 123 bytes of UTF-8. */
export function closeReason(text: string): string {
  let reason = text;
  while (Buffer.byteLength(reason) > 123) reason = reason.slice(0, -1);
  return reason;
}
