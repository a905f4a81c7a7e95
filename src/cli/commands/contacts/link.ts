import { contactArg, otherArg } from '../../lib/person-arg.js';
import { type ContactAnswer, showContact } from '../../lib/people-view.js';
import { RpcCommand } from '../../lib/rpc-command.js';

export default class ContactsLinkCommand extends RpcCommand {
  static override summary = 'Say that two are one person: from now on they share a session.';
  static override description = 'Approves nothing: each identity needs its own approval. What runs in the old session ends there; the old conversation stays readable.';
  static override examples = ['<%= config.bin %> contacts link c-7kfm2xwa telegram:123456789', '<%= config.bin %> contacts link ann c-2qm8t7rd'];
  static override args = { contact: contactArg, other: otherArg };

  async run(): Promise<ContactAnswer> {
    const { args, flags } = await this.parse(ContactsLinkCommand);
    return this.withGateway(flags, async (gateway) => {
      const answer = await gateway.request<ContactAnswer>('contacts.link', { contact: args.contact, other: args.other });
      this.log(showContact(answer.contact));
      return answer;
    });
  }
}
