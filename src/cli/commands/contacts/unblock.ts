import { contactArg } from '../../lib/person-arg.js';
import { type ContactAnswer, showContact } from '../../lib/people-view.js';
import { RpcCommand } from '../../lib/rpc-command.js';

export default class ContactsUnblockCommand extends RpcCommand {
  static override summary = 'Hear a person again: as before, if they were let in; else they may ask.';
  static override examples = ['<%= config.bin %> contacts unblock c-7kfm2xwa'];
  static override args = { contact: contactArg };

  async run(): Promise<ContactAnswer> {
    const { args, flags } = await this.parse(ContactsUnblockCommand);
    return this.withGateway(flags, async (gateway) => {
      const answer = await gateway.request<ContactAnswer>('contacts.unblock', { contact: args.contact });
      this.log(showContact(answer.contact));
      return answer;
    });
  }
}
