import * as Flags from '@oclif/core/flags';
import { ConfigCommand } from '../../lib/config-command.js';

export default class ConfigFileCommand extends ConfigCommand {
  static override summary = 'Print where the config file is.';
  static override examples = ['<%= config.bin %> config file', '$EDITOR "$(<%= config.bin %> config file)"'];
  static override flags = { show: Flags.boolean({ description: 'Print its text too, secrets hidden.' }) };

  async run(): Promise<unknown> {
    const { flags } = await this.parse(ConfigFileCommand);
    if (!flags.show) {
      // A broken file must not hide where it is.
      const { connectionPaths } = await import('../../../host/connection.js');
      const { configPath } = connectionPaths(this.install(flags));
      this.log(configPath);
      return { path: configPath };
    }
    const { path, exists, raw } = (await this.files()).configFile(this.install(flags));
    this.log(`${path}\n\n${exists ? raw : '(no file: the defaults are used)'}`);
    return { path, exists, raw };
  }
}
