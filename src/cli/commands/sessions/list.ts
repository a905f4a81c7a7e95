import * as Flags from '@oclif/core/flags';
import { RpcCommand } from '../../lib/rpc-command.js';
import { ago, amount, columns, oneLine } from '../../lib/terminal.js';
import { textFlag } from '../../lib/text-arg.js';
import type { SessionSummary } from '../../lib/wire.js';

interface Answer {
  readonly sessions: readonly SessionSummary[];
  readonly totalCount?: number;
  readonly nextOffset?: number | null;
}

export default class SessionsListCommand extends RpcCommand {
  static override summary = 'List sessions, last used first.';
  static override examples = ['<%= config.bin %> sessions list', '<%= config.bin %> sessions list --name telegram --offset 50'];
  static override flags = {
    name: textFlag('name', 'Name a part of a key or a label.', { description: 'Only those whose key or label holds this.', helpValue: '<text>' }),
    limit: Flags.integer({ description: 'At most this many.', default: 50, min: 1, max: 500 }),
    offset: Flags.integer({ description: 'Without the first of them.', default: 0, min: 0 }),
  };

  async run(): Promise<Answer> {
    const { flags } = await this.parse(SessionsListCommand);
    return this.withGateway(flags, async (gateway) => {
      const answer = await gateway.request<Answer>('sessions.list', { limit: flags.limit, includeLastMessage: true, ...(flags.offset === 0 ? {} : { offset: flags.offset }), ...(flags.name === undefined ? {} : { search: flags.name }) });
      if (answer.sessions.length === 0) this.log((answer.totalCount ?? 0) === 0 && flags.name === undefined ? 'No sessions yet. Start one: openclaw agent -m "hello"' : 'None.');
      else this.log(columns([['SESSION', 'STATE', 'UPDATED', 'TOKENS', 'MODEL', 'LAST MESSAGE'], ...answer.sessions.map(row)]));
      if (answer.nextOffset != null && !this.jsonEnabled()) this.note(`${answer.totalCount} in all: --offset ${answer.nextOffset} shows the next`);
      return answer;
    });
  }
}

function row(session: SessionSummary): readonly string[] {
  const model = !session.model ? '-' : !session.modelProvider ? session.model : `${session.modelProvider}/${session.model}`;
  return [oneLine(session.key, 60), session.status ?? '-', ago(session.updatedAt ?? undefined), amount(session.totalTokens), model, oneLine(session.lastMessagePreview ?? '', 50)];
}
