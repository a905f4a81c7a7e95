/**
 * Ids made from what clients and platforms say. A run appears in paths, activity ids and workflow ids only as a hash,
 * so no client text ever reaches them.
 */
import { createHash } from 'node:crypto';
import { invalidRequest } from '../core/errors.js';
import type { InboundMessage } from '../core/message.js';
import { LIMITS } from '../core/names.js';
import type { TurnRequest } from '../core/ports.js';
import { type SessionKey, SESSION_KEY_PART_MAX, parseSessionKey } from '../core/session-key.js';

const hash = (text: string, length: number): string => createHash('sha256').update(text).digest('hex').slice(0, length);

/** 128 bits: collisions are out of reach, ids stay readable. */
export const inboundIdOf = (messageKey: string): string => hash(messageKey, 32);

/** A client's key means one run per principal and session. */
export const runHash = (principal: string, session: string, runId: string): string => hash(JSON.stringify([principal, session, runId]), 32);

/** A platform's id as part of a workflow id: itself, or its hash when it is long or has other characters. */
export const idPart = (platformId: string): string => (/^[A-Za-z0-9._@+=-]{1,64}$/.test(platformId) ? platformId : `h-${hash(platformId, 32)}`);

/** Where something was said: messages of one place may share a turn, and are answered there. */
export const placeOf = ({ channel, account, conversation }: Pick<InboundMessage, 'channel' | 'account' | 'conversation'>): string => hash(JSON.stringify([channel, account, conversation.parentId ?? '', conversation.id]), 16);

/** What tells a message given again from another one under its key: time and media names may differ between two sends, what is asked may not. */
export const contentHash = ({ text, attachments, replyTo }: Pick<InboundMessage, 'text' | 'attachments' | 'replyTo'>, turn: TurnRequest = {}, reset = false): string =>
  payloadHash([text, attachments.map((a) => [a.kind, a.media?.hash ?? a.name]), replyTo?.messageId, turn, ...(reset ? ['reset'] : [])]);

/** What tells a repeat from a reused key. */
export const payloadHash = (payload: unknown): string => hash(JSON.stringify(payload), 64);

/** @throws CodedError INVALID_REQUEST */
export function requireSessionKey(text: string, agent?: string): SessionKey {
  // Parts too long for the grammar are hashed, so that any platform id makes a key.
  const shortened = text
    .split(':')
    .map((part) => (part.length > SESSION_KEY_PART_MAX ? `h-${hash(part.toLowerCase(), 32)}` : part))
    .join(':');
  const parsed = parseSessionKey(shortened, agent);
  if ('problem' in parsed) throw invalidRequest(parsed.problem);
  return parsed;
}

/** Id of the run that carries out a call whose approval came late. No client's run may have such an id. */
export const followOnRunId = (approval: string): string => `${FOLLOW_ON}${approval}`;
const FOLLOW_ON = 'approval-';

/** @throws CodedError INVALID_REQUEST */
export function requireRunId(runId: string): string {
  if (runId === '' || runId.length > LIMITS.idempotencyKey) throw invalidRequest(`an idempotency key has 1 to ${LIMITS.idempotencyKey} characters`);
  if (runId.startsWith(FOLLOW_ON)) throw invalidRequest(`idempotency keys that begin with "${FOLLOW_ON}" name runs of decisions; use another key`);
  // Control characters would reach logs and terminals; half a surrogate pair would come back from the store as another key.
  if (/[\u0000-\u001f\u007f-\u009f]/.test(runId)) throw invalidRequest('an idempotency key holds no control characters');
  if (!runId.isWellFormed()) throw invalidRequest('an idempotency key is well-formed Unicode text');
  return runId;
}
