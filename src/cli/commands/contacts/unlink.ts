import { contactArg } from '../../lib/person-arg.js';
import { type ContactAnswer, showContact } from '../../lib/people-view.js';
import { RpcCommand } from '../../lib/rpc-command.js';

export default class ContactsUnlinkCommand extends RpcCommand {
  static override summary = 'Give an identity back to the person it was before it was linked.';
  static override examples = ['<%= config.bin %> contacts unlink telegram:123456789'];
  static override args = { contact: contactArg };

  async run(): Promise<ContactAnswer> {
    const { args, flags } = await this.parse(ContactsUnlinkCommand);
    return this.withGateway(flags, async (gateway) => {
      const answer = await gateway.request<ContactAnswer>('contacts.unlink', { contact: args.contact });
      this.log(showContact(answer.contact));
      return answer;
    });
  }
}
