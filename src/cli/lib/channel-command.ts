/** Base of the `channels` commands that change the config file: they work with or without a gateway. */
import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { DEFAULT_ACCOUNT } from '../../core/channel.js';
import { BaseCommand } from './base.js';

export const channelArg = { channel: Args.string({ description: 'The platform, e.g. telegram.', required: true }) };
export const accountFlag = { account: Flags.string({ description: 'Which account, where there are several.', default: DEFAULT_ACCOUNT, helpValue: '<name>' }) };

export const IN_A_MOMENT = 'A running gateway uses it within a second: openclaw channels status';

export abstract class ChannelCommand extends BaseCommand {
  static override enableJsonFlag = true;

  /** Loaded when needed, as the config's schema. */
  files(): Promise<typeof import('../../host/channel-config.js')> {
    return import('../../host/channel-config.js');
  }
}
