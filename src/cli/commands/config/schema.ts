import { ConfigCommand } from '../../lib/config-command.js';

export default class ConfigSchemaCommand extends ConfigCommand {
  static override summary = 'Print the JSON schema of the config file: every key, its meaning and default.';
  static override examples = ['<%= config.bin %> config schema > openclaw.schema.json'];

  async run(): Promise<unknown> {
    await this.parse(ConfigSchemaCommand);
    const schema = (await this.files()).configSchema();
    this.log(JSON.stringify(schema, null, 2));
    return schema;
  }
}
