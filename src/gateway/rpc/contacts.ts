/** `contacts.*` (ours): the people the agent knows, and what the owner does about them. */
import {
  ContactsBlockParams, ContactsGetParams, ContactsLinkParams, ContactsListParams, ContactsOwnerParams, ContactsRenameParams, ContactsUnblockParams, ContactsUnlinkParams,
} from '../../core/schema/rpc-people.js';
import { validator } from '../validate.js';
import { method } from './method.js';

export const contactsList = method({
  name: 'contacts.list',
  scope: 'operator.read',
  params: validator(ContactsListParams),
  handler: async (_params, { deps, now }) => ({ ts: now(), contacts: await deps.contacts.list() }),
});

export const contactsGet = method({
  name: 'contacts.get',
  scope: 'operator.read',
  params: validator(ContactsGetParams),
  handler: async ({ contact }, { deps }) => ({ contact: await deps.contacts.get(contact) }),
});

export const contactsRename = method({
  name: 'contacts.rename',
  scope: 'operator.pairing',
  params: validator(ContactsRenameParams),
  handler: async ({ contact, name }, { deps, principal }) => ({ ok: true, contact: await deps.contacts.rename(contact, name, principal) }),
});

export const contactsBlock = method({
  name: 'contacts.block',
  scope: 'operator.pairing',
  params: validator(ContactsBlockParams),
  handler: async ({ contact }, { deps, principal }) => ({ ok: true, contact: await deps.contacts.block(contact, principal) }),
});

export const contactsUnblock = method({
  name: 'contacts.unblock',
  scope: 'operator.pairing',
  params: validator(ContactsUnblockParams),
  handler: async ({ contact }, { deps, principal }) => ({ ok: true, contact: await deps.contacts.unblock(contact, principal) }),
});

/** Who speaks as the owner, and whose messages are one person's: only those who may everything decide that. */
export const contactsOwner = method({
  name: 'contacts.owner',
  scope: 'operator.admin',
  params: validator(ContactsOwnerParams),
  handler: async ({ contact, owner }, { deps, principal }) => ({ ok: true, contact: await deps.contacts.setOwner(contact, owner !== false, principal) }),
});

export const contactsLink = method({
  name: 'contacts.link',
  scope: 'operator.admin',
  params: validator(ContactsLinkParams),
  handler: async ({ contact, other }, { deps, principal }) => ({ ok: true, contact: await deps.contacts.link(contact, other, principal) }),
});

export const contactsUnlink = method({
  name: 'contacts.unlink',
  scope: 'operator.admin',
  params: validator(ContactsUnlinkParams),
  handler: async ({ contact }, { deps, principal }) => ({ ok: true, contact: await deps.contacts.unlink(contact, principal) }),
});

export const contactMethods = [contactsList, contactsGet, contactsRename, contactsBlock, contactsUnblock, contactsOwner, contactsLink, contactsUnlink];
