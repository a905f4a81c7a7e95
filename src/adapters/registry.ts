/**
 * Every channel there is. Invariant: a platform's code and its SDK are loaded only when an account of it is configured.
 */
import { accountsOf } from './accounts.js';
import type { AccountConfig, ChannelKind } from './contract.js';
import type { Config } from '../core/schema/config.js';

const telegram: ChannelKind = {
  channel: 'telegram',
  accounts({ channels }, env) {
    const section = channels.telegram;
    // `enabled: true` without a token is an account too: its status says what is missing.
    const hasDefault = section.botToken !== undefined || Boolean(env['TELEGRAM_BOT_TOKEN']?.trim()) || (section.enabled === true && Object.keys(section.accounts).length === 0);
    return accountsOf('telegram', section, ['botToken'], hasDefault);
  },
  load: async () => (await import('./telegram/index.js')).createTelegram,
};

export const CHANNELS: readonly ChannelKind[] = [telegram];

export const channelKind = (channel: string): ChannelKind | undefined => CHANNELS.find((kind) => kind.channel === channel);

/** Every configured account of every channel, enabled or not. */
export const configuredAccounts = (config: Config, env: NodeJS.ProcessEnv): readonly AccountConfig[] => CHANNELS.flatMap((kind) => kind.accounts(config, env));
