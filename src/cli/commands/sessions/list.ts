import * as Flags from '@oclif/core/flags';
import { RpcCommand } from '../../lib/rpc-command.js';
import { ago, amount, columns, oneLine } from '../../lib/terminal.js';
import type { SessionSummary } from '../../lib/wire.js';

interface Answer {
  readonly sessions: readonly SessionSummary[];
  readonly totalCount?: number;
}

export default class SessionsListCommand extends RpcCommand {
  static override summary = 'List sessions, last used first.';
  static override examples = ['<%= config.bin %> sessions list'];
  static override flags = { limit: Flags.integer({ description: 'At most this many.', default: 50, min: 1, max: 500 }) };

  async run(): Promise<Answer> {
    const { flags } = await this.parse(SessionsListCommand);
    return this.withGateway(flags, async (gateway) => {
      const answer = await gateway.request<Answer>('sessions.list', { limit: flags.limit, includeLastMessage: true });
      if (answer.sessions.length === 0) this.log('No sessions yet. Start one: openclaw agent -m "hello"');
      else this.log(columns([['SESSION', 'STATE', 'UPDATED', 'TOKENS', 'MODEL', 'LAST MESSAGE'], ...answer.sessions.map(row)]));
      return answer;
    });
  }
}

function row(session: SessionSummary): readonly string[] {
  const model = !session.model ? '-' : !session.modelProvider ? session.model : `${session.modelProvider}/${session.model}`;
  return [oneLine(session.key, 60), session.status ?? '-', ago(session.updatedAt ?? undefined), amount(session.totalTokens), model, oneLine(session.lastMessagePreview ?? '', 50)];
}
