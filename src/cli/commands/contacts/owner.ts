import * as Flags from '@oclif/core/flags';
import { contactArg } from '../../lib/person-arg.js';
import { type ContactAnswer, showContact } from '../../lib/people-view.js';
import { RpcCommand } from '../../lib/rpc-command.js';

export default class ContactsOwnerCommand extends RpcCommand {
  static override summary = 'Make a person the owner: their messages have your rights, in your main session.';
  static override examples = ['<%= config.bin %> contacts owner c-7kfm2xwa', '<%= config.bin %> contacts owner c-7kfm2xwa --no'];
  static override args = { contact: contactArg };
  static override flags = { no: Flags.boolean({ description: 'They are the owner no more.' }) };

  async run(): Promise<ContactAnswer> {
    const { args, flags } = await this.parse(ContactsOwnerCommand);
    return this.withGateway(flags, async (gateway) => {
      const answer = await gateway.request<ContactAnswer>('contacts.owner', { contact: args.contact, ...(flags.no ? { owner: false } : {}) });
      this.log(showContact(answer.contact));
      return answer;
    });
  }
}
