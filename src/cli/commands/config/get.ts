import * as Args from '@oclif/core/args';
import { ConfigCommand } from '../../lib/config-command.js';

export default class ConfigGetCommand extends ConfigCommand {
  static override summary = 'Print a value of the config, or all of it, with defaults filled in. Secrets are hidden.';
  static override examples = ['<%= config.bin %> config get', '<%= config.bin %> config get gateway.port'];
  static override args = { path: Args.string({ description: 'Dotted path.' }) };

  async run(): Promise<unknown> {
    const { args, flags } = await this.parse(ConfigGetCommand);
    const { value, warnings } = (await this.files()).configGet(this.install(flags), args.path);
    this.warnings(warnings);
    this.log(typeof value === 'string' ? value : JSON.stringify(value, null, 2));
    return args.path === undefined ? value : { path: args.path, value };
  }
}
