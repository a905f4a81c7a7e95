import { RpcCommand } from '../../lib/rpc-command.js';
import { showNotices } from '../../lib/notice-view.js';
import type { NoticeInfo } from '../../lib/wire.js';

interface Answer {
  readonly notices: readonly NoticeInfo[];
}

export default class NoticesListCommand extends RpcCommand {
  static override summary = 'List what needs your attention, and what to do.';
  static override examples = ['<%= config.bin %> notices list'];

  async run(): Promise<Answer> {
    const { flags } = await this.parse(NoticesListCommand);
    return this.withGateway(flags, async (gateway) => {
      const answer = await gateway.request<Answer>('notices.list', {});
      this.log(answer.notices.length === 0 ? 'Nothing needs your attention.' : showNotices(answer.notices, true));
      return answer;
    });
  }
}
