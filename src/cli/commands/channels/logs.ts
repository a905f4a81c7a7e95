import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../../lib/base.js';
import { type LogLine, channelLines, showLines } from '../../lib/channel-logs.js';

interface Answer {
  readonly file: string;
  readonly lines: readonly LogLine[];
}

export default class ChannelsLogsCommand extends BaseCommand {
  static override enableJsonFlag = true;
  static override summary = 'Show what the gateway\'s log says of messengers. Works without a gateway.';
  static override examples = ['<%= config.bin %> channels logs', '<%= config.bin %> channels logs telegram --limit 500'];
  static override args = { channel: Args.string({ description: 'Only this one.' }) };
  static override flags = {
    account: Flags.string({ description: 'Only this account.', helpValue: '<name>' }),
    limit: Flags.integer({ description: 'How many of the newest lines.', default: 100, min: 1, max: 10_000, helpValue: '<n>' }),
  };

  async run(): Promise<Answer> {
    const { args, flags } = await this.parse(ChannelsLogsCommand);
    const [{ connectionOf }, { logFile }] = await Promise.all([import('../../../host/connection.js'), import('../../../host/log.js')]);
    const file = logFile(connectionOf(this.install(flags)).paths.stateDir);
    const lines = channelLines(file, { channel: args.channel, account: flags.account, limit: flags.limit });
    this.log(lines.length === 0 ? `Nothing about messengers in ${file}.` : showLines(lines));
    return { file, lines };
  }
}
