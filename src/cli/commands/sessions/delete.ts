import * as Flags from '@oclif/core/flags';
import { CodedError } from '../../../core/errors.js';
import { usageError } from '../../lib/fail.js';
import { exportHint } from '../../lib/hints.js';
import { RpcCommand } from '../../lib/rpc-command.js';
import type { SessionInfo } from '../../lib/session-view.js';
import { sessionArg } from '../../lib/text-arg.js';
import { askYesNo, mayAsk } from '../../lib/yes-no.js';

interface Answer {
  readonly ok: boolean;
  readonly key: string;
  readonly deleted: boolean;
}

/** A long session goes in many small pieces. */
const DELETE_MS = 300_000;

export default class SessionsDeleteCommand extends RpcCommand {
  static override summary = 'Delete a session with everything that was said in it.';
  static override description = 'Transcript, attachments that nothing else names, commands’ output and settings are gone for good; numbers of usage stay. A session at work is left alone. Its next message begins it anew.';
  static override examples = ['<%= config.bin %> sessions delete agent:main:work', '<%= config.bin %> sessions delete agent:main:work --yes'];
  static override args = { key: sessionArg('The session, as "sessions list" names it.') };
  static override flags = { yes: Flags.boolean({ description: 'Without a question.' }) };

  async run(): Promise<Answer> {
    const { args, flags } = await this.parse(SessionsDeleteCommand);
    if (!flags.yes && (this.jsonEnabled() || !mayAsk())) throw usageError('nobody is there to be asked', 'Add --yes to delete it without a question.');
    return this.withGateway(flags, async (gateway) => {
      const { session } = await gateway.request<{ readonly session: SessionInfo }>('sessions.get', { key: args.key });
      const rows = session.conversations.reduce((sum, one) => sum + one.rows, 0);
      const what = `${session.key} (${session.conversations.length === 1 ? '1 conversation' : `${session.conversations.length} conversations`}, ${rows} rows)`;
      if (!flags.yes && !(await askYesNo(`Delete ${what} for good? Save it first: ${exportHint(session.key)}`))) throw new CodedError('STOPPED', 'nothing was deleted');
      const answer = await gateway.request<Answer>('sessions.delete', { key: session.key }, { timeoutMs: flags.timeout ?? DELETE_MS });
      this.log(answer.deleted ? `Deleted: ${what}.` : `${session.key} was deleted already.`);
      return answer;
    });
  }
}
