/** How a person is named on the command line. */
import * as Args from '@oclif/core/args';
import { usageError } from './fail.js';

const named = (description: string) =>
  Args.string({
    description,
    required: true,
    parse: async (text) => {
      if (text.trim() === '') throw usageError('nobody is named', 'See who there is: openclaw contacts list');
      return text.trim();
    },
  });

export const contactArg = named('Their id or name, from "contacts list", or one of their identities: channel:sender.');
export const otherArg = named('Who is the same person: an identity, or another contact with all it has.');
export const nameArg = named('The new name.');
