/**
 * Messenger accounts in the config file, for the CLI: set up, switch, take out. Thin: the work is in `storage/config`.
 * Invariant: a secret goes into the file (0600) and nowhere else; only accounts of platforms that there are get in.
 */
import { configuredAccounts, channelKind, CHANNELS } from '../adapters/registry.js';
import { DEFAULT_ACCOUNT, isAccountName } from '../core/channel.js';
import { CodedError, invalidRequest } from '../core/errors.js';
import { loadConfig, type PathOptions } from '../storage/config/index.js';
import { configSet, configUnset } from './config.js';

export interface AccountRef {
  readonly channel: string;
  readonly account: string;
}

/** Where the account's secret comes from: itself, a variable, a file. */
export type SecretSource = { readonly token: string } | { readonly env: string } | { readonly file: string };

export interface ChannelConfigured extends AccountRef {
  readonly enabled: boolean;
}

/** The key of each platform's secret. */
const SECRET_KEYS: Readonly<Record<string, string>> = { telegram: 'botToken' };

export const listConfigured = (options: PathOptions): readonly ChannelConfigured[] =>
  configuredAccounts(loadConfig(options).config, options.env).map(({ channel, account, enabled }) => ({ channel, account, enabled }));

/** @returns the config file. @throws CodedError CHANNEL_UNKNOWN, INVALID_REQUEST, CONFIG_… */
export function addAccount(options: PathOptions, ref: AccountRef, source: SecretSource): string {
  check(ref);
  const key = SECRET_KEYS[ref.channel]!;
  const secret = 'token' in source ? source.token : 'env' in source ? `\${${source.env}}` : { source: 'file', path: source.file };
  const at = placeOf(ref);
  const { path } = configSet(options, `${at}.${key}`, secret);
  configSet(options, `${at}.enabled`, true);
  // A section that is switched off switches all its accounts off.
  if (ref.account !== DEFAULT_ACCOUNT && loadConfig(options).config.channels.telegram.enabled === false) configSet(options, `channels.${ref.channel}.enabled`, true);
  return path;
}

/** Takes out its secret and what is its own; policies of the section stay. @throws CodedError CHANNEL_NOT_CONFIGURED, CONFIG_… */
export function removeAccount(options: PathOptions, ref: AccountRef): string {
  check(ref);
  requireConfigured(options, ref);
  const at = placeOf(ref);
  if (ref.account !== DEFAULT_ACCOUNT) return configUnset(options, at).path;
  const section = loadConfig(options).config.channels.telegram as Readonly<Record<string, unknown>>;
  const own = [SECRET_KEYS[ref.channel]!, 'enabled'].filter((key) => section[key] !== undefined);
  if (own.length === 0) throw new CodedError('CHANNEL_NOT_CONFIGURED', `${ref.channel} takes its secret from the environment alone`, 'Take TELEGRAM_BOT_TOKEN out of the environment of the gateway, or use: openclaw channels disable telegram');
  return own.map((key) => configUnset(options, `${at}.${key}`).path)[0]!;
}

/** @throws CodedError CHANNEL_NOT_CONFIGURED, CONFIG_… */
export function switchAccount(options: PathOptions, ref: AccountRef, enabled: boolean): string {
  check(ref);
  requireConfigured(options, ref);
  return configSet(options, `${placeOf(ref)}.enabled`, enabled).path;
}

function check({ channel, account }: AccountRef): void {
  if (!channelKind(channel)) throw new CodedError('CHANNEL_UNKNOWN', `there is no channel ${channel}`, `There is: ${CHANNELS.map((kind) => kind.channel).join(', ')}`);
  if (!isAccountName(account)) throw invalidRequest(`an account's name has up to 32 lower-case letters, digits, - and _, not "${account}"`);
}

function requireConfigured(options: PathOptions, { channel, account }: AccountRef): void {
  if (listConfigured(options).some((one) => one.channel === channel && one.account === account)) return;
  throw new CodedError('CHANNEL_NOT_CONFIGURED', `${channel} (${account}) is not configured`, `Set it up: openclaw channels add ${channel}${account === DEFAULT_ACCOUNT ? '' : ` --account ${account}`}`);
}

const placeOf = ({ channel, account }: AccountRef): string => (account === DEFAULT_ACCOUNT ? `channels.${channel}` : `channels.${channel}.accounts.${account}`);
