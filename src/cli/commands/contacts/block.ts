import { contactArg } from '../../lib/person-arg.js';
import { type ContactAnswer, showContact } from '../../lib/people-view.js';
import { RpcCommand } from '../../lib/rpc-command.js';

export default class ContactsBlockCommand extends RpcCommand {
  static override summary = 'Hear nothing of a person any more, or of one identity; they are told nothing.';
  static override examples = ['<%= config.bin %> contacts block c-7kfm2xwa', '<%= config.bin %> contacts block telegram:123456789'];
  static override args = { contact: contactArg };

  async run(): Promise<ContactAnswer> {
    const { args, flags } = await this.parse(ContactsBlockCommand);
    return this.withGateway(flags, async (gateway) => {
      const answer = await gateway.request<ContactAnswer>('contacts.block', { contact: args.contact });
      this.log(showContact(answer.contact));
      return answer;
    });
  }
}
