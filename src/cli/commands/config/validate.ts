import { ConfigCommand } from '../../lib/config-command.js';

export default class ConfigValidateCommand extends ConfigCommand {
  static override summary = 'Check the config file. Errors are named with line and column; unknown keys only warn.';
  static override examples = ['<%= config.bin %> config validate'];

  async run(): Promise<unknown> {
    const { flags } = await this.parse(ConfigValidateCommand);
    const { path, exists, warnings } = (await this.files()).configValidate(this.install(flags));
    this.warnings(warnings);
    this.log(exists ? `${path} is valid.` : `${path} does not exist: the defaults are used.`);
    return { ok: true, path, exists, warnings };
  }
}
