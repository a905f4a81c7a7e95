/**
 * Accounts of one channel's section: its own keys are the default account's and what the others start from.
 * Invariant: the accounts' table itself is never part of an account's settings.
 */
import { DEFAULT_ACCOUNT, isAccountName } from '../core/channel.js';
import type { AccountConfig } from './contract.js';

interface Section {
  readonly enabled?: boolean;
  readonly accounts?: Readonly<Record<string, { readonly enabled?: boolean }>>;
  readonly defaultAccount?: string;
}

/**
 * @param own keys that an account never takes from the section (credentials)
 * @param hasDefault does the section itself, or the environment, make a default account?
 */
export function accountsOf(channel: string, section: Section, own: readonly string[], hasDefault: boolean): readonly AccountConfig[] {
  const { accounts = {}, defaultAccount: _sender, ...base } = section;
  const shared = Object.fromEntries(Object.entries(base).filter(([key]) => !own.includes(key)));
  const on = section.enabled !== false;
  const first: readonly AccountConfig[] = hasDefault && !Object.hasOwn(accounts, DEFAULT_ACCOUNT) ? [{ channel, account: DEFAULT_ACCOUNT, enabled: on, settings: base }] : [];
  const named = Object.entries(accounts)
    // Names reach queue names and workflow ids.
    .filter(([account]) => isAccountName(account))
    .map(([account, settings]) => ({
      channel,
      account,
      enabled: on && settings.enabled !== false,
      settings: { ...(account === DEFAULT_ACCOUNT ? base : shared), ...settings },
    }));
  return [...first, ...named];
}
