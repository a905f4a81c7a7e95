/**
 * Words of a command line that name something.
 * Invariant: an empty one never reaches the gateway; it is used wrongly, and the hint says where the names are.
 */
import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { usageError } from './fail.js';

/** @param hint where a person finds what to give */
export const filled = (name: string, hint: string) => async (text: string): Promise<string> => {
  if (text.trim() === '') throw usageError(`${name} is empty`, hint);
  return text;
};

const RUNS = 'See the runs there are: openclaw runs list';
const SESSIONS = 'See the sessions there are: openclaw sessions list';

export const runArg = () => Args.string({ description: 'Its run id.', required: true, parse: filled('the run id', RUNS) });
/** An argument that must be given, and not empty. */
export const idArg = (description: string, hint: string) => Args.string({ description, required: true, parse: filled('the id', hint) });
export const sessionArg = (description: string) => Args.string({ description, required: true, parse: filled('the session', SESSIONS) });
export const keyArg = (description: string, hint: string) => Args.string({ description, required: true, parse: filled('the key', hint) });

export const sessionFlag = (description: string) => Flags.string({ description, parse: filled('--session', SESSIONS) });
export const textFlag = (name: string, hint: string, options: { readonly description: string; readonly helpValue: string }) => Flags.string({ ...options, parse: filled(`--${name}`, hint) });
