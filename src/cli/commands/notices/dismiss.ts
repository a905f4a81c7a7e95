import { RpcCommand } from '../../lib/rpc-command.js';
import { keyArg } from '../../lib/text-arg.js';

interface Answer {
  readonly ok: boolean;
  readonly key: string;
}

export default class NoticesDismissCommand extends RpcCommand {
  static override summary = 'Put a notice away. It comes back when it happens again.';
  static override examples = ['<%= config.bin %> notices dismiss engine-fresh'];
  static override args = { key: keyArg('Its key, from "notices list".', 'See the keys there are: openclaw notices list') };

  async run(): Promise<Answer> {
    const { args, flags } = await this.parse(NoticesDismissCommand);
    return this.withGateway(flags, async (gateway) => {
      const answer = await gateway.request<Answer>('notices.dismiss', { key: args.key });
      this.log(`Put away: ${answer.key}`);
      return answer;
    });
  }
}
