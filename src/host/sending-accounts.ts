/** The accounts that messages can be sent from, by the config: what RPC, command line and the tool `message` choose from. */
import { configuredAccounts } from '../adapters/registry.js';
import type { Config } from '../core/schema/config.js';
import type { SendingAccount } from '../storage/targets.js';

export function sendingAccounts(config: Config, env: NodeJS.ProcessEnv): readonly SendingAccount[] {
  const accounts = configuredAccounts(config, env).filter(({ enabled }) => enabled);
  return accounts.map(({ channel, account }) => ({ channel, account, isDefault: account === defaultOf(config, channel, accounts.filter((one) => one.channel === channel).map((one) => one.account)) }));
}

/** The one the config names, else the first. */
export function defaultOf(config: Config, channel: string, accounts: readonly string[]): string | undefined {
  const sections: Readonly<Record<string, { readonly defaultAccount?: string } | undefined>> = config.channels;
  return accounts.find((name) => name === sections[channel]?.defaultAccount) ?? accounts[0];
}
