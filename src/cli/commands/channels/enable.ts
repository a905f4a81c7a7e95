import { ChannelCommand, IN_A_MOMENT, accountFlag, channelArg } from '../../lib/channel-command.js';

interface Answer {
  readonly ok: true;
  readonly channel: string;
  readonly account: string;
  readonly enabled: boolean;
}

export default class ChannelsEnableCommand extends ChannelCommand {
  static override summary = 'Switch a messenger on in the config.';
  static override examples = ['<%= config.bin %> channels enable telegram'];
  static override args = channelArg;
  static override flags = accountFlag;

  async run(): Promise<Answer> {
    const { args, flags } = await this.parse(ChannelsEnableCommand);
    const { switchAccount } = await this.files();
    switchAccount(this.install(flags), { channel: args.channel, account: flags.account }, true);
    this.log(`${args.channel} (${flags.account}) is switched on. ${IN_A_MOMENT}`);
    return { ok: true, channel: args.channel, account: flags.account, enabled: true };
  }
}
