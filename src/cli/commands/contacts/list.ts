import { type ContactInfo, showContacts } from '../../lib/people-view.js';
import { RpcCommand } from '../../lib/rpc-command.js';

interface Answer {
  readonly contacts: readonly ContactInfo[];
}

export default class ContactsListCommand extends RpcCommand {
  static override summary = 'List the people the agent knows, owners first.';
  static override examples = ['<%= config.bin %> contacts list'];

  async run(): Promise<Answer> {
    const { flags } = await this.parse(ContactsListCommand);
    return this.withGateway(flags, async (gateway) => {
      const answer = await gateway.request<Answer>('contacts.list', {});
      // Whoever was linked to somebody else has nothing of their own any more.
      const shown = answer.contacts.filter(({ identities, role }) => identities.length > 0 || role === 'owner');
      this.log(shown.length === 0 ? 'Nobody yet. Whoever writes to the agent waits to be let in: openclaw pairing list' : showContacts(shown));
      return answer;
    });
  }
}
