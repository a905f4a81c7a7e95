/**
 * The connection to the Bot API of one account: grammY's `Api`, without its bot and its polling.
 * Invariants: every call ends, by an answer or by the time limit; no error that leaves this file holds the token.
 */
import { Api, type ApiClientOptions } from 'grammy';
import { CodedError } from '../../core/errors.js';
import type { Key } from '../../storage/config/secret.js';
import type { StatusKeeper } from '../lib/status.js';

export interface TelegramClient {
  /** @throws CodedError CHANNEL_NO_TOKEN when there is no token */
  api(): Api;
  /** Address of a file's content. @throws as {@link api} */
  fileUrl(path: string): string;
  readonly apiRoot: string;
}

export function createClient(options: { readonly apiRoot: string; readonly token: () => Key; readonly status: StatusKeeper }): TelegramClient {
  let current: Api | undefined;

  function api(): Api {
    const key = options.token();
    if (!key.ok) throw new CodedError('CHANNEL_NO_TOKEN', key.problem, 'BotFather gives one: docs/channels/telegram.md.');
    if (current?.token !== key.value) {
      options.status.hide(key.value);
      current = new Api(key.value, { apiRoot: options.apiRoot } satisfies ApiClientOptions);
    }
    return current;
  }

  return { api, apiRoot: options.apiRoot, fileUrl: (path) => `${options.apiRoot}/file/bot${api().token}/${path.split('/').map(encodeURIComponent).join('/')}` };
}

/** grammY wants the signal type of the shim it brings; Node's own does the same. */
export type GrammySignal = NonNullable<Parameters<Api['getMe']>[0]>;

/** Ends after this long, or when the other signal does. */
export const within = (ms: number, signal?: AbortSignal): GrammySignal =>
  (signal ? AbortSignal.any([signal, AbortSignal.timeout(ms)]) : AbortSignal.timeout(ms)) as unknown as GrammySignal;
