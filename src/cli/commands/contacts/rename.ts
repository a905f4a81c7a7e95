import { contactArg, nameArg } from '../../lib/person-arg.js';
import { type ContactAnswer, showContact } from '../../lib/people-view.js';
import { RpcCommand } from '../../lib/rpc-command.js';

export default class ContactsRenameCommand extends RpcCommand {
  static override summary = 'Give a person another name. Only you and the agent see it.';
  static override examples = ['<%= config.bin %> contacts rename c-7kfm2xwa "Ann Example"'];
  static override args = { contact: contactArg, name: nameArg };

  async run(): Promise<ContactAnswer> {
    const { args, flags } = await this.parse(ContactsRenameCommand);
    return this.withGateway(flags, async (gateway) => {
      const answer = await gateway.request<ContactAnswer>('contacts.rename', { contact: args.contact, name: args.name });
      this.log(showContact(answer.contact));
      return answer;
    });
  }
}
