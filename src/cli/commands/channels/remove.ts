import { ChannelCommand, accountFlag, channelArg } from '../../lib/channel-command.js';

interface Answer {
  readonly ok: true;
  readonly channel: string;
  readonly account: string;
  readonly file: string;
}

export default class ChannelsRemoveCommand extends ChannelCommand {
  static override summary = 'Take a messenger\'s account and its token out of the config. Policies, people and conversations stay.';
  static override examples = ['<%= config.bin %> channels remove telegram', '<%= config.bin %> channels remove telegram --account second'];
  static override args = channelArg;
  static override flags = accountFlag;

  async run(): Promise<Answer> {
    const { args, flags } = await this.parse(ChannelsRemoveCommand);
    const { removeAccount } = await this.files();
    const file = removeAccount(this.install(flags), { channel: args.channel, account: flags.account });
    this.log(`${args.channel} (${flags.account}) is taken out of ${file}. What waits to be sent there stays: openclaw delivery list`);
    return { ok: true, channel: args.channel, account: flags.account, file };
  }
}
