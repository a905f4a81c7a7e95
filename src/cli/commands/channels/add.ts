import { resolve } from 'node:path';
import * as Flags from '@oclif/core/flags';
import type { SecretSource } from '../../../host/channel-config.js';
import { ChannelCommand, IN_A_MOMENT, accountFlag, channelArg } from '../../lib/channel-command.js';
import { readSecret } from '../../lib/secret-input.js';

interface Answer {
  readonly ok: true;
  readonly channel: string;
  readonly account: string;
  readonly file: string;
}

export default class ChannelsAddCommand extends ChannelCommand {
  static override summary = 'Set up a messenger, or give it another token. The token is asked for, or read from a pipe.';
  static override description = 'It is written to the config file (mode 0600) and shown nowhere. --token puts it into the shell\'s history: rather paste or pipe it.';
  static override examples = [
    '<%= config.bin %> channels add telegram',
    '<%= config.bin %> channels add telegram --account second < token.txt',
    '<%= config.bin %> channels add telegram --token-env TELEGRAM_BOT_TOKEN',
    '<%= config.bin %> channels add telegram --token-file ~/.secrets/telegram',
  ];
  static override args = channelArg;
  static override flags = {
    ...accountFlag,
    token: Flags.string({ description: 'The token itself; "-" reads it from a pipe.', helpValue: '<token>', exclusive: ['token-file', 'token-env'] }),
    'token-file': Flags.string({ description: 'A file of mode 0600 that holds it: read whenever the channel starts.', helpValue: '<path>', exclusive: ['token-env'] }),
    'token-env': Flags.string({ description: 'A variable of the gateway\'s environment that holds it.', helpValue: '<name>' }),
  };

  async run(): Promise<Answer> {
    const { args, flags } = await this.parse(ChannelsAddCommand);
    const { addAccount } = await this.files();
    const source: SecretSource =
      flags['token-file'] !== undefined ? { file: flags['token-file'].startsWith('~/') ? flags['token-file'] : resolve(flags['token-file']) }
      : flags['token-env'] !== undefined ? { env: flags['token-env'] }
      : { token: flags.token === undefined || flags.token === '-' ? await readSecret(`Token of ${args.channel}`) : flags.token };
    if (flags.token !== undefined && flags.token !== '-') this.warnings(['the token is now in the history of this shell; next time paste it when asked.']);
    const file = addAccount(this.install(flags), { channel: args.channel, account: flags.account }, source);
    this.log(`${args.channel} (${flags.account}) is set up in ${file}. ${IN_A_MOMENT}`);
    return { ok: true, channel: args.channel, account: flags.account, file };
  }
}
