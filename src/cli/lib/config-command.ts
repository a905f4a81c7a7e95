/** Base of the `config` commands: they work on the file, with or without a gateway. */
import { BaseCommand } from './base.js';

export abstract class ConfigCommand extends BaseCommand {
  static override enableJsonFlag = true;

  /** Loaded when needed: the config's schema takes as long to load as the rest of the CLI. */
  files(): Promise<typeof import('../../host/config.js')> {
    return import('../../host/config.js');
  }
}
