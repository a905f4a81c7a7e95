import * as Args from '@oclif/core/args';
import { ConfigCommand } from '../../lib/config-command.js';

export default class ConfigUnsetCommand extends ConfigCommand {
  static override summary = 'Remove a value from the config file; its default is used again.';
  static override examples = ['<%= config.bin %> config unset gateway.port'];
  static override args = { path: Args.string({ description: 'Dotted path.', required: true }) };

  async run(): Promise<unknown> {
    const { args, flags } = await this.parse(ConfigUnsetCommand);
    const files = await this.files();
    const { path } = files.configUnset(this.install(flags), args.path);
    this.log(`Removed ${args.path} from ${path}. ${files.appliesWhen(args.path)}`);
    return { ok: true, path: args.path, file: path };
  }
}
