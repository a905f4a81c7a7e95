/**
 * How the Bot API says no: a code, Telegram's own words, sometimes parameters.
 *
 * Invariant: the words are those of Telegram's server (tdlib/telegram-bot-api), since adapters tell cases apart by them.
 */
export interface RefusalParameters {
  readonly retry_after?: number;
  readonly migrate_to_chat_id?: number;
}

export class Refusal extends Error {
  override readonly name = 'Refusal';
  constructor(
    readonly code: number,
    readonly description: string,
    readonly parameters?: RefusalParameters,
  ) {
    super(description);
  }
}

export const badRequest = (what: string, parameters?: RefusalParameters): Refusal => new Refusal(400, `Bad Request: ${what}`, parameters);
export const forbidden = (what: string): Refusal => new Refusal(403, `Forbidden: ${what}`);
export const conflict = (what: string): Refusal => new Refusal(409, `Conflict: ${what}`);
export const tooMany = (retryAfter: number): Refusal => new Refusal(429, `Too Many Requests: retry after ${retryAfter}`, { retry_after: retryAfter });
