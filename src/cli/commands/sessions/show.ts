import { RpcCommand } from '../../lib/rpc-command.js';
import { type SessionInfo, showSession } from '../../lib/session-view.js';
import { sessionArg } from '../../lib/text-arg.js';

interface Answer {
  readonly session: SessionInfo;
}

export default class SessionsShowCommand extends RpcCommand {
  static override summary = 'Show a session: what it does, what waits, how it is set, its conversations, what it cost.';
  static override examples = ['<%= config.bin %> sessions show main', '<%= config.bin %> sessions show agent:main:telegram:group:-100123 --json'];
  static override args = { key: sessionArg('The session, as "sessions list" names it.') };

  async run(): Promise<Answer> {
    const { args, flags } = await this.parse(SessionsShowCommand);
    return this.withGateway(flags, async (gateway) => {
      const answer = await gateway.request<Answer>('sessions.get', { key: args.key });
      this.log(showSession(answer.session));
      return answer;
    });
  }
}
