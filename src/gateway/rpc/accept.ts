/**
 * From a client's request to an accepted message: what `agent`, `chat.send` and `sessions.create` share.
 * Invariant: the run id is the client's idempotency key, and everything passes the one door.
 */
import { invalidRequest } from '../../core/errors.js';
import type { InboundMessage } from '../../core/message.js';
import { THINKING_LEVELS, type ThinkingLevel } from '../../core/model.js';
import { DEFAULT_AGENT, LIMITS, RPC_CHANNEL } from '../../core/names.js';
import type { DoorAnswer, TurnRequest } from '../../core/ports.js';
import { QUEUE_MODES, type QueueMode } from '../../core/queue.js';
import { mainSessionKey, parseSessionKey } from '../../core/session-key.js';
import { parseCommand } from '../../sessions/commands/parse.js';
import { storeAttachments } from './attachments.js';
import type { CallContext } from './method.js';

export interface AcceptRequest {
  readonly method: string;
  readonly session: string;
  readonly runId: string;
  readonly text: string;
  readonly attachments: readonly unknown[] | undefined;
  readonly turn: TurnRequest;
  /** Begins a new conversation first, with the text as its first words if there is any. */
  readonly reset?: boolean;
}

export async function acceptMessage(request: AcceptRequest, context: CallContext): Promise<DoorAnswer> {
  const { method, session, runId, text } = request;
  if (runId.length > LIMITS.idempotencyKey) throw invalidRequest(`${method}: idempotencyKey is longer than ${LIMITS.idempotencyKey} characters`);
  if (text.length > LIMITS.messageChars) throw invalidRequest(`${method}: message is longer than ${LIMITS.messageChars} characters`);
  if (text.trim() === '' && request.reset !== true && (request.attachments?.length ?? 0) === 0) throw invalidRequest(`${method}: message or attachment required`);
  const attachments = await storeAttachments(method, request.attachments, context.deps.media);
  const message: InboundMessage = {
    channel: RPC_CHANNEL,
    // A key is unique per principal, so the message key names him too.
    account: context.principal,
    conversation: { kind: 'direct', id: session },
    sender: { id: context.principal },
    messageId: runId,
    event: { type: 'message' },
    time: context.now(),
    text,
    mentions: [],
    attachments,
  };
  return context.deps.door.accept({ message, session, principal: context.principal, role: 'owner', runId, turn: request.turn, ...(request.reset === true ? { reset: true } : {}) });
}

export type Spoken = { readonly says: 'message' | 'reset'; readonly text: string } | { readonly says: 'stop' };

/** The commands of chats that also count here; every other one the model reads as text. */
export function spoken(text: string): Spoken {
  const command = parseCommand(text);
  if (command?.name === 'new' || command?.name === 'reset') return { says: 'reset', text: command.args };
  if (command?.name === 'stop' && command.args === '') return { says: 'stop' };
  return { says: 'message', text };
}

/** The canonical session a request means. @throws CodedError INVALID_REQUEST */
export function sessionOf(method: string, sessionKey: string | undefined, agentId: string | undefined): string {
  const agent = agentId?.trim().toLowerCase();
  const key = sessionKey === undefined ? mainSessionKey(agent ?? DEFAULT_AGENT) : parseSessionKey(sessionKey, agent ?? DEFAULT_AGENT);
  const parsed = typeof key === 'string' ? parseSessionKey(key) : key;
  if ('problem' in parsed) throw invalidRequest(`invalid ${method} params: ${parsed.problem}`);
  if (agent !== undefined && parsed.agent !== agent) throw invalidRequest(`${method}: agentId "${agent}" does not match session key "${parsed.key}"`);
  if (parsed.agent !== DEFAULT_AGENT) throw invalidRequest(`unknown agent id "${parsed.agent}"`, { code: 'UNKNOWN_AGENT_ID', agentId: parsed.agent });
  return parsed.key;
}

/** @throws CodedError INVALID_REQUEST */
export function queueMode(mode: string | undefined): { readonly mode?: QueueMode } {
  if (mode === undefined) return {};
  const known = QUEUE_MODES.find((name) => name === mode);
  if (!known) throw invalidRequest(`unknown queue mode ${mode}; use ${QUEUE_MODES.join(', ')}`);
  return { mode: known };
}

/** @throws CodedError INVALID_REQUEST */
export function thinkingLevel(method: string, level: string | undefined): { readonly thinking?: ThinkingLevel } {
  if (level === undefined || level === '') return {};
  const known = THINKING_LEVELS.find((name) => name === level.toLowerCase());
  if (!known) throw invalidRequest(`${method}: thinking must be one of ${THINKING_LEVELS.join(', ')}`);
  return { thinking: known };
}

/** Parameters that promise something no engine keeps yet: refusing is honest, ignoring is not. */
export function refuseUnavailable(method: string, params: Readonly<Record<string, unknown>>, names: readonly string[]): void {
  for (const name of names) {
    if (params[name] !== undefined && params[name] !== null && params[name] !== false) throw invalidRequest(`${method}: ${name} is not available yet`);
  }
}
