import { ChannelCommand, IN_A_MOMENT, accountFlag, channelArg } from '../../lib/channel-command.js';

interface Answer {
  readonly ok: true;
  readonly channel: string;
  readonly account: string;
  readonly enabled: boolean;
}

export default class ChannelsDisableCommand extends ChannelCommand {
  static override summary = 'Switch a messenger off in the config. What is to be sent there waits.';
  static override examples = ['<%= config.bin %> channels disable telegram'];
  static override args = channelArg;
  static override flags = accountFlag;

  async run(): Promise<Answer> {
    const { args, flags } = await this.parse(ChannelsDisableCommand);
    const { switchAccount } = await this.files();
    switchAccount(this.install(flags), { channel: args.channel, account: flags.account }, false);
    this.log(`${args.channel} (${flags.account}) is switched off. ${IN_A_MOMENT}`);
    return { ok: true, channel: args.channel, account: flags.account, enabled: false };
  }
}
