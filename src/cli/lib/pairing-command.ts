/** What `pairing approve`, `deny` and `block` share: how a stranger is named. */
import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { usageError } from './fail.js';

export const strangerArgs = {
  channel: Args.string({ description: 'The messenger they wrote on, e.g. telegram.', required: true }),
  code: Args.string({ description: 'Their code, from "pairing list" or from themselves; in any case, with or without CLAW-.' }),
};

export const strangerFlags = {
  sender: Flags.string({ description: 'Their id on the messenger, in place of a code.', helpValue: '<id>' }),
  account: Flags.string({ description: 'The account they wrote to, where several have one that fits.', helpValue: '<name>' }),
};

export interface Stranger {
  readonly channel: string;
  readonly code?: string;
  readonly sender?: string;
  readonly account?: string;
}

/** @throws CodedError USAGE */
export function strangerOf(args: { readonly channel: string; readonly code?: string | undefined }, flags: { readonly sender?: string | undefined; readonly account?: string | undefined }): Stranger {
  const channel = args.channel.trim().toLowerCase();
  const [code, sender, account] = [args.code, flags.sender, flags.account].map((one) => (one?.trim() ? one.trim() : undefined));
  if (channel === '' || (code === undefined) === (sender === undefined)) throw usageError('name one stranger: by a code, or by --sender', 'See who waits: openclaw pairing list');
  return { channel, ...(code === undefined ? {} : { code }), ...(sender === undefined ? {} : { sender }), ...(account === undefined ? {} : { account }) };
}
