/**
 * Which session a person's direct messages have (`session.dmScope`, PEER §1.1). Pure. Invariant: by default one session a
 * person, whatever the platform, and the owner's is the main one.
 */
import type { Contact, IdentityKey } from '../core/contact.js';
import { DEFAULT_AGENT } from '../core/names.js';
import type { Config } from '../core/schema/config.js';
import { mainSessionKey } from '../core/session-key.js';
import { requireSessionKey } from './keys.js';

export type DirectSession = (at: Pick<IdentityKey, 'channel' | 'account'>, person: Pick<Contact, 'id' | 'role'>) => string;

export function directSession(config: Config): DirectSession {
  const { dmScope } = config.session;
  return ({ channel, account }, { id, role }) => {
    if (role === 'owner' || dmScope === 'main') return mainSessionKey(DEFAULT_AGENT);
    const scope = { 'per-peer': '', 'per-channel-peer': `${channel}:`, 'per-account-channel-peer': `${channel}:${account}:` }[dmScope];
    return requireSessionKey(`agent:${DEFAULT_AGENT}:${scope}direct:${id}`).key;
  };
}
