/** What of the config one Telegram account uses, and where its token comes from. Invariant: a token is in no message. */
import { DEFAULT_ACCOUNT } from '../../core/channel.js';
import type { SecretInput } from '../../core/schema/config/kit.js';
import { type Key, readSecret } from '../../storage/config/secret.js';
import type { AccountConfig } from '../contract.js';

export interface TelegramSettings {
  readonly botToken?: SecretInput;
  readonly apiRoot?: string;
  readonly textChunkLimit?: number;
  readonly mediaMaxMb?: number;
  readonly streaming?: 'off' | 'progress';
}

export const DEFAULT_API_ROOT = 'https://api.telegram.org';
/** The public server gives no larger file to a bot. https://core.telegram.org/bots/api#getfile */
const DEFAULT_MEDIA_MB = 20;

/** The schema has checked the types; this only names them. */
export const settingsOf = (config: AccountConfig): TelegramSettings => config.settings as TelegramSettings;

/** Without the slash at its end, which grammY refuses. */
export const apiRootOf = ({ apiRoot }: TelegramSettings): string => (apiRoot ?? DEFAULT_API_ROOT).replace(/\/+$/, '');

export const mediaLimit = ({ mediaMaxMb }: TelegramSettings): number => (mediaMaxMb ?? DEFAULT_MEDIA_MB) * 1024 * 1024;

/** Read at each use: a file may have got another token since. */
export function botToken(config: AccountConfig, env: NodeJS.ProcessEnv): Key {
  const own = settingsOf(config).botToken;
  const path = config.account === DEFAULT_ACCOUNT ? 'channels.telegram.botToken' : `channels.telegram.accounts.${config.account}.botToken`;
  if (own !== undefined && own !== '') return wellFormed(readSecret(own, env, path), path);
  const fallback = config.account === DEFAULT_ACCOUNT ? env['TELEGRAM_BOT_TOKEN']?.trim() : undefined;
  return fallback ? wellFormed({ ok: true, value: fallback, source: 'TELEGRAM_BOT_TOKEN' }, path) : { ok: false, problem: `no bot token: set ${path}${config.account === DEFAULT_ACCOUNT ? ' or TELEGRAM_BOT_TOKEN' : ''}` };
}

/** It becomes part of an address: anything else could lead the call elsewhere. */
const TOKEN = /^\d+:[\w-]+$/;

const wellFormed = (key: Key, path: string): Key =>
  !key.ok || TOKEN.test(key.value.trim()) ? (key.ok ? { ...key, value: key.value.trim() } : key) : { ok: false, problem: `${path} (from ${key.source}) is no bot token: BotFather's look like 123456789:AbC…` };
