/** Parameters of `pairing.*` and `contacts.*`, ours alone. All closed, as in `rpc.ts`. */
import { Type, type TSchema } from 'typebox';

const closed = <T extends Record<string, TSchema>>(properties: T) => Type.Object(properties, { additionalProperties: false });
const text = Type.String({ minLength: 1, maxLength: 512 });

export const PairingListParams = closed({
  channel: Type.Optional(text),
  account: Type.Optional(text),
});

/** One of `code`, `sender` and `id`. */
const whichStranger = {
  channel: text,
  code: Type.Optional(text),
  sender: Type.Optional(text),
  id: Type.Optional(text),
  /** Where several accounts have one that fits. */
  account: Type.Optional(text),
};
export const PairingApproveParams = closed({
  ...whichStranger,
  /** This person is the owner. */
  owner: Type.Optional(Type.Boolean()),
});
export const PairingDenyParams = closed(whichStranger);
export const PairingBlockParams = closed(whichStranger);

export const ContactsListParams = closed({});
/** A contact's id or name, or an identity: `channel:sender`. */
const person = { contact: text };
export const ContactsGetParams = closed(person);
export const ContactsRenameParams = closed({ ...person, name: Type.String({ minLength: 1, maxLength: 100 }) });
export const ContactsBlockParams = closed(person);
export const ContactsUnblockParams = closed(person);
export const ContactsOwnerParams = closed({
  ...person,
  /** False: a guest again. */
  owner: Type.Optional(Type.Boolean()),
});
export const ContactsLinkParams = closed({
  ...person,
  /** Who is the same person: an identity, or another contact with all it has. */
  other: text,
});
export const ContactsUnlinkParams = closed(person);
