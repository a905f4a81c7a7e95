import { RpcCommand } from '../../lib/rpc-command.js';
import { type ResetAnswer, showReset } from '../../lib/session-view.js';
import { sessionArg } from '../../lib/text-arg.js';

/** A running turn is sealed first; the gateway gives up before this. */
const RESET_MS = 40_000;

export default class SessionsResetCommand extends RpcCommand {
  static override summary = 'Begin a new conversation in a session, as /new does.';
  static override description = 'What runs is stopped, what waits is dropped, open questions are cancelled. The old conversation is kept, and no longer read by the model.';
  static override examples = ['<%= config.bin %> sessions reset main'];
  static override args = { key: sessionArg('The session, as "sessions list" names it.') };

  async run(): Promise<ResetAnswer> {
    const { args, flags } = await this.parse(SessionsResetCommand);
    return this.withGateway(flags, async (gateway) => {
      const answer = await gateway.request<ResetAnswer>('sessions.reset', { key: args.key }, { timeoutMs: flags.timeout ?? RESET_MS });
      this.log(showReset(answer));
      return answer;
    });
  }
}
