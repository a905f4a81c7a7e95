/** Commands about who somebody is. */
import { identityText } from '../../core/contact.js';
import { LINK_MINUTES } from '../link-codes.js';
import type { CommandKind } from './types.js';

export const people = {
  whoami: {
    summary: 'Who you are to me.',
    async run(_args, { who, session }) {
      const { contact, identity, role } = who;
      return { text: [`You are **${contact.name}**${role === 'owner' ? ', my owner' : ''}.`, `Contact \`${contact.id}\` · \`${identityText(identity)}\` (${identity.state})`, `Session \`${session}\``].join('\n\n') };
    },
  },
  link: {
    summary: 'Connect your accounts on other messengers.',
    usage: '[code]',
    async run(args, { who, message }, deps) {
      if (message.conversation.kind !== 'direct') return { text: 'Please do that in our direct conversation: the code is for you alone.' };
      if (args === '') {
        const code = await deps.linkCodes.make(who.contact, who.identity);
        return { text: `Type \`/link ${code}\` to me on your other messenger within ${LINK_MINUTES} minutes. There you must be approved already.` };
      }
      const contact = await deps.linkCodes.use(args, who.identity);
      return { text: `Linked: here you are **${contact.name}** now. One conversation goes on with you, whichever messenger you use; what was said here before can still be read.` };
    },
  },
} satisfies Readonly<Record<string, CommandKind>>;
