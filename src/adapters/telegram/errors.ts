/**
 * What a failed call of the Bot API means: for a send, and for the connection. The one place that reads Telegram's wordings.
 * Invariant: `Unreachable` only when it is certain that nothing left; in doubt it is `Uncertain`.
 */
import { GrammyError, HttpError } from 'grammy';
import { SEND_FAILURES, SendError, type SendFailureType } from '../../core/channel.js';
import { CodedError, messageOf } from '../../core/errors.js';
import type { Trouble } from '../lib/status.js';

/** Refusals of a send by what Telegram says, most telling first. Its texts are not promised, but have been the same for years. */
const REFUSALS: readonly (readonly [RegExp, SendFailureType])[] = [
  [/bot was blocked by the user/i, SEND_FAILURES.Blocked],
  [/user is deactivated|bot was kicked|is not a member|can't initiate conversation|can't send messages to bots/i, SEND_FAILURES.ChatGone],
  [/chat not found|user not found|PEER_ID_INVALID|chat_id is empty|message thread not found|TOPIC_DELETED|CHANNEL_PRIVATE|have no access to the chat/i, SEND_FAILURES.ChatGone],
];

export function toSendError(error: unknown): SendError {
  if (error instanceof SendError) return error;
  if (error instanceof CodedError) return new SendError(SEND_FAILURES.ChannelAuth, error.message);
  if (error instanceof GrammyError) {
    const { error_code: code, description, parameters } = error;
    if (code === 429) return new SendError(SEND_FAILURES.RateLimited, description, (parameters.retry_after ?? 1) * 1_000);
    // The server itself failed: it may have done it first.
    if (code >= 500) return new SendError(SEND_FAILURES.Uncertain, description);
    if (isRefusedAccount(error)) return new SendError(SEND_FAILURES.ChannelAuth, description);
    const [, type] = REFUSALS.find(([wording]) => wording.test(description)) ?? [undefined, code === 403 ? SEND_FAILURES.ChatGone : SEND_FAILURES.Refused];
    return new SendError(type, description);
  }
  if (error instanceof HttpError) {
    const reason = reasonOf(error.error);
    return new SendError(neverLeft(error.error) ? SEND_FAILURES.Unreachable : SEND_FAILURES.Uncertain, reason);
  }
  return new SendError(SEND_FAILURES.Refused, messageOf(error));
}

export const isMarkupRefused = (error: unknown): boolean => error instanceof GrammyError && error.error_code === 400 && /can't parse (?:entities|caption entities|message text)|ENTITY_|ENTITIES_/i.test(error.description);
export const isNotModified = (error: unknown): boolean => error instanceof GrammyError && /message is not modified|REACTION_(?:EMPTY|NOT_MODIFIED)/i.test(error.description);
/** A picture that Telegram takes as a file only. */
export const isPictureRefused = (error: unknown): boolean => error instanceof GrammyError && error.error_code === 400 && /PHOTO_|IMAGE_PROCESS_FAILED|photo.*too (?:big|large)/i.test(error.description);
/** The supergroup that a group has become. */
export const movedTo = (error: unknown): string | undefined => (error instanceof GrammyError && error.parameters.migrate_to_chat_id !== undefined ? String(error.parameters.migrate_to_chat_id) : undefined);

/** 404 for the method itself is how a malformed token is answered. */
const isRefusedAccount = (error: GrammyError): boolean => error.error_code === 401 || (error.error_code === 404 && /^not found$/i.test(error.description));

export type Setback =
  /** Somebody must mend something; tried again slowly. */
  | { readonly type: 'refused'; readonly trouble: Trouble }
  | { readonly type: 'wait'; readonly ms: number; readonly trouble: Trouble }
  | { readonly type: 'lost'; readonly trouble: Trouble };

/** Why the connection does not work. */
export function toSetback(error: unknown): Setback {
  if (error instanceof CodedError) return { type: 'refused', trouble: { code: error.code, message: error.message, ...(error.hint === undefined ? {} : { hint: error.hint }) } };
  if (error instanceof GrammyError) {
    const { error_code: code, description, parameters } = error;
    if (isRefusedAccount(error)) return { type: 'refused', trouble: { code: 'CHANNEL_AUTH', message: `Telegram refused the bot token: ${description}`, hint: 'Ask BotFather for the token (/mybots, API Token) and set it: openclaw channels add telegram.' } };
    if (code === 409) return { type: 'refused', trouble: conflict(description) };
    if (code === 429) return { type: 'wait', ms: (parameters.retry_after ?? 1) * 1_000, trouble: { code: 'CHANNEL_RATE_LIMITED', message: description } };
    return { type: 'lost', trouble: { code: 'CHANNEL_UNAVAILABLE', message: `Telegram answered ${code}: ${description}` } };
  }
  const message = error instanceof HttpError ? reasonOf(error.error) : messageOf(error);
  return { type: 'lost', trouble: { code: 'CHANNEL_UNREACHABLE', message: `Telegram cannot be reached: ${message}`, hint: 'It is tried again by itself. See whether this machine reaches the Bot API (channels.telegram.apiRoot).' } };
}

const conflict = (description: string): Trouble =>
  /webhook/i.test(description)
    ? { code: 'CHANNEL_WEBHOOK', message: `This bot is set to deliver to a web address: ${description}`, hint: 'Another program uses it by webhook. Take a bot of its own, or remove the webhook (Bot API method deleteWebhook).' }
    : { code: 'CHANNEL_CONFLICT', message: `Another program reads this bot's messages: ${description}`, hint: 'One bot token, one program: stop the other one (another gateway, another machine), or take a bot of its own. It is tried again every minute.' };

/** node-fetch's own texts hold the address, and so the token. */
function reasonOf(error: unknown): string {
  const { code, name, type } = (error ?? {}) as { readonly code?: unknown; readonly name?: unknown; readonly type?: unknown };
  if (name === 'AbortError') return 'no answer in time';
  if (typeof code === 'string') return code;
  return typeof type === 'string' ? type : 'the connection broke';
}

/** Before a connection stands, nothing was sent over it. A reset may come after the request, and so is not here. */
const NEVER_LEFT = /^(?:ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EAI_FAIL|EHOSTUNREACH|ENETUNREACH|ENETDOWN|ERR_TLS_.*|CERT_.*|DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_.*)$/;

function neverLeft(error: unknown): boolean {
  const { code, message } = (error ?? {}) as { readonly code?: unknown; readonly message?: unknown };
  if (typeof code !== 'string') return false;
  return NEVER_LEFT.test(code) || (code === 'ETIMEDOUT' && typeof message === 'string' && message.includes('connect ETIMEDOUT'));
}
