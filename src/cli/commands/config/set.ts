import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { ConfigCommand } from '../../lib/config-command.js';
import { parseValue } from '../../lib/value.js';

export default class ConfigSetCommand extends ConfigCommand {
  static override summary = 'Set a value in the config file. Comments and other keys stay; a wrong value is refused.';
  static override description = 'The value is JSON5 if it can be read as such, else text. A running gateway uses it within a second; gateway.*, temporal.* and logging.* after a restart.';
  static override examples = [
    '<%= config.bin %> config set agents.defaults.model anthropic/claude-opus-4-6',
    '<%= config.bin %> config set gateway.port 18800',
    `<%= config.bin %> config set tools.fs.roots '["~/notes"]'`,
  ];
  static override args = {
    path: Args.string({ description: 'Dotted path.', required: true }),
    value: Args.string({ description: 'The value.', required: true }),
  };
  static override flags = { string: Flags.boolean({ description: 'Take the value as text, whatever it looks like.' }) };

  async run(): Promise<unknown> {
    const { args, flags } = await this.parse(ConfigSetCommand);
    const files = await this.files();
    const { path, changed, warnings } = files.configSet(this.install(flags), args.path, flags.string ? args.value : parseValue(args.value));
    this.warnings(warnings);
    this.log(changed ? `Set ${args.path} in ${path}. ${files.appliesWhen(args.path)}` : `${args.path} already had that value.`);
    return { ok: true, path: args.path, file: path, changed };
  }
}
