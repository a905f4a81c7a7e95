import * as Flags from '@oclif/core/flags';
import { usageError } from '../../lib/fail.js';
import { RpcCommand } from '../../lib/rpc-command.js';
import { type SearchAnswer, showHits } from '../../lib/session-view.js';
import { sessionFlag } from '../../lib/text-arg.js';

export default class SessionsSearchCommand extends RpcCommand {
  static override summary = 'Find what was said, by you or by the agent.';
  static override description = 'Every word must occur; one of three letters and more may be the beginning of a word that does. Newest first. Results of tools are not searched.';
  static override examples = ['<%= config.bin %> sessions search flight lisbon', '<%= config.bin %> sessions search invoice --session main --limit 5'];
  static override strict = false;
  static override usage = 'sessions search WORDS...';
  static override flags = {
    session: sessionFlag('Only in this session.'),
    limit: Flags.integer({ description: 'At most this many.', default: 10, min: 1, max: 25 }),
  };

  async run(): Promise<SearchAnswer> {
    const { argv, flags } = await this.parse(SessionsSearchCommand);
    const query = argv.map(String).join(' ').trim();
    if (query === '') throw usageError('there is nothing to look for', 'openclaw sessions search flight lisbon');
    return this.withGateway(flags, async (gateway) => {
      const answer = await gateway.request<SearchAnswer>('sessions.search', { query, limit: flags.limit, ...(flags.session === undefined ? {} : { sessionKeys: [flags.session] }) });
      this.log(showHits(answer, flags.limit));
      return answer;
    });
  }
}
