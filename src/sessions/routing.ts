/**
 * Which session a message belongs to, and whether it is said to the agent at all (PEER §1.1, §1.5).
 * Invariant: one session a person for direct messages, one a group, channel, thread or topic.
 */
import type { Contact, Identity } from '../core/contact.js';
import type { InboundMessage } from '../core/message.js';
import { DEFAULT_AGENT } from '../core/names.js';
import type { Config } from '../core/schema/config.js';
import { mainSessionKey } from '../core/session-key.js';
import { throughAlias } from '../storage/aliases.js';
import type { Tx } from '../storage/fence.js';
import type { Db } from '../storage/sqlite.js';
import { accessOf } from './access.js';
import { directSession } from './direct-session.js';
import { requireSessionKey } from './keys.js';

export async function sessionOf(db: Db | Tx, config: Config, message: InboundMessage, { contact, identity, role }: { readonly contact: Contact; readonly identity: Identity; readonly role: Contact['role'] }): Promise<string> {
  if (message.conversation.kind !== 'direct') return groupSession(config, message);
  const own = directSession(config);
  return throughAlias(db, own(identity, { id: identity.home, role: 'guest' }), own(identity, { id: contact.id, role }), contact.id);
}

/** Pure. */
export function groupSession(config: Config, { channel, conversation }: Pick<InboundMessage, 'channel' | 'conversation'>): string {
  if (config.session.groupScope === 'main') return mainSessionKey(DEFAULT_AGENT);
  const { kind, id, parentId } = conversation;
  const base = `agent:${DEFAULT_AGENT}:${channel}`;
  if (kind !== 'thread' || parentId === undefined) return requireSessionKey(`${base}:${kind === 'channel' ? 'channel' : 'group'}:${id}`).key;
  return requireSessionKey(`${base}:group:${parentId}:${channel === 'telegram' ? 'topic' : 'thread'}:${id}`).key;
}

/** In groups the agent answers who names it, replies to it, or uses a command; elsewhere what is said is only overheard. */
export function isAddressed(config: Config, message: InboundMessage, activation: 'mention' | 'always' | undefined): boolean {
  if (message.conversation.kind === 'direct') return true;
  const { groups = {} } = accessOf(config, message);
  const id = message.conversation.parentId ?? message.conversation.id;
  const group = Object.hasOwn(groups, id) ? groups[id] : groups['*'];
  if (activation === 'always' || (activation === undefined && group?.requireMention === false)) return true;
  if (message.mentions.some(({ self }) => self) || message.replyTo?.self === true) return true;
  return config.messages.groupChat.mentionPatterns.some((pattern) => matches(pattern, message.text));
}

/** A pattern that is none matches nothing: the config's check tells of it. */
function matches(pattern: string, text: string): boolean {
  try {
    return new RegExp(pattern, 'i').test(text);
  } catch {
    return false;
  }
}
