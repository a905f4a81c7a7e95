import { contactArg } from '../../lib/person-arg.js';
import { type ContactAnswer, showContact } from '../../lib/people-view.js';
import { RpcCommand } from '../../lib/rpc-command.js';

export default class ContactsShowCommand extends RpcCommand {
  static override summary = 'Show a person: their identities, what each may do.';
  static override examples = ['<%= config.bin %> contacts show c-7kfm2xwa', '<%= config.bin %> contacts show telegram:123456789'];
  static override args = { contact: contactArg };

  async run(): Promise<ContactAnswer> {
    const { args, flags } = await this.parse(ContactsShowCommand);
    return this.withGateway(flags, async (gateway) => {
      const answer = await gateway.request<ContactAnswer>('contacts.get', { contact: args.contact });
      this.log(showContact(answer.contact));
      return answer;
    });
  }
}
