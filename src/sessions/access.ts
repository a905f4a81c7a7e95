/**
 * What the config says of who may speak to the agent (PEER §1.5). Pure.
 * Invariants: an approval for direct messages opens no group; the config alone opens groups; each account is separate.
 */
import { DEFAULT_ACCOUNT } from '../core/channel.js';
import type { ConfigApprover, IdentityKey } from '../core/contact.js';
import type { InboundMessage } from '../core/message.js';
import type { Config, TelegramConfig } from '../core/schema/config.js';

/** Every channel's section has these keys. */
export type Access = Pick<TelegramConfig, 'dmPolicy' | 'allowFrom' | 'groupPolicy' | 'groupAllowFrom' | 'groups'>;
type Section = Access & { readonly accounts?: Readonly<Record<string, Access>> };

/** Anybody, in a list of senders or as a group. */
const ANY = '*';

/** An account's own keys, and its channel's where it has none. */
export function accessOf(config: Config, { channel, account }: Pick<IdentityKey, 'channel' | 'account'>): Access {
  const sections: Readonly<Record<string, Section | undefined>> = config.channels;
  const section = Object.hasOwn(sections, channel) ? sections[channel] : undefined;
  const own = section?.accounts && Object.hasOwn(section.accounts, account) ? section.accounts[account] : undefined;
  return { ...section, ...own };
}

/** @param list ids, as they are or with their channel before them */
const lists = (list: readonly string[] | undefined, { channel, sender }: IdentityKey): boolean => list?.some((entry) => [sender, `${channel}:${sender}`].includes(entry.trim())) ?? false;
const listsAny = (list: readonly string[] | undefined): boolean => list?.some((entry) => entry.trim() === ANY) ?? false;

/** `channel:sender`, or with the account between them. */
const names = (entry: string, { channel, account, sender }: IdentityKey): boolean => [`${channel}:${sender}`, `${channel}:${account}:${sender}`].includes(entry.trim());

export const isConfigOwner = (config: Config, key: IdentityKey): boolean => config.commands.ownerAllowFrom.some((entry) => names(entry, key));

/** @returns the name in `session.identityLinks` that this sender goes by */
export const linkedName = (config: Config, key: IdentityKey): string | undefined => Object.entries(config.session.identityLinks).find(([, entries]) => entries.some((entry) => names(entry, key)))?.[0];

export type Admission =
  | { readonly verdict: 'admitted'; readonly by: ConfigApprover }
  /** Only to those whom a person approved (`paired`), or made the owner. What becomes of `others`. */
  | { readonly verdict: 'closed'; readonly paired: boolean; readonly owner: boolean; readonly others: 'ask' | 'refused'; readonly reason: string };

/** May they write to the agent directly? */
export function directAdmission(config: Config, key: IdentityKey): Admission {
  const { dmPolicy = 'pairing', allowFrom } = accessOf(config, key);
  if (dmPolicy === 'disabled') return { verdict: 'closed', paired: false, owner: false, others: 'refused', reason: 'direct messages are off' };
  if (isConfigOwner(config, key)) return { verdict: 'admitted', by: 'ownerAllowFrom' };
  // A list of ids opens nothing to everybody by a slip: there `*` is nobody.
  if (lists(allowFrom, key) || (dmPolicy !== 'allowlist' && listsAny(allowFrom))) return { verdict: 'admitted', by: 'allowFrom' };
  switch (dmPolicy) {
    case 'pairing':
      return { verdict: 'closed', paired: true, owner: true, others: 'ask', reason: 'not paired' };
    case 'open':
      return { verdict: 'closed', paired: true, owner: true, others: 'refused', reason: 'dmPolicy is open and allowFrom has no "*"' };
    case 'allowlist':
      return { verdict: 'closed', paired: false, owner: true, others: 'refused', reason: 'not in allowFrom' };
  }
}

/** May this sender speak to the agent in this group? Whether the agent was named comes later. */
export function groupRefusal(config: Config, message: InboundMessage, isOwner: boolean): string | undefined {
  const key: IdentityKey = { channel: message.channel, account: message.account, sender: message.sender.id };
  const { groupPolicy = 'allowlist', groupAllowFrom, groups = {} } = accessOf(config, key);
  if (groupPolicy === 'disabled') return 'groups are off';
  const id = message.conversation.parentId ?? message.conversation.id;
  const group = Object.hasOwn(groups, id) ? groups[id] : groups[ANY];
  if (group?.enabled === false) return 'the group is off';
  if (!group && groupPolicy === 'allowlist') return 'the group is not in groups';
  const senders = group?.allowFrom ?? groupAllowFrom;
  return isOwner || !senders || listsAny(senders) || lists(senders, key) ? undefined : 'the sender is not in the list of the group';
}

/** How an account is named in a command, where it has to be. */
export const accountFlag = (account: string): string => (account === DEFAULT_ACCOUNT ? '' : ` --account ${account}`);
