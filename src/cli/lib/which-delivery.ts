/** Which delivery a command is about: one, or all that failed or are held. */
import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { usageError } from './fail.js';

export const whichArgs = { id: Args.string({ description: 'Its id, from "delivery list".' }) };
export const whichFlags = {
  all: Flags.boolean({ description: 'Every one that failed or is held.' }),
  channel: Flags.string({ description: 'With --all: only of this messenger.', helpValue: '<channel>', dependsOn: ['all'] }),
};

/** @throws CodedError USAGE */
export function whichOf(id: string | undefined, { all, channel }: { readonly all: boolean; readonly channel?: string | undefined }): Readonly<Record<string, unknown>> {
  if ((id === undefined) === !all) throw usageError('give the id of a delivery, or --all', 'See them with: openclaw delivery list');
  return id === undefined ? { all: true, ...(channel === undefined ? {} : { channel }) } : { id };
}
