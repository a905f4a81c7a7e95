import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../../lib/base.js';

export default class GatewayCommand extends BaseCommand {
  static override summary = 'Run the gateway in this terminal: engine, worker and door in one process.';
  static override description = 'Ctrl-C stops it. Runs in progress go on where they stood when it starts again.';
  static override examples = ['<%= config.bin %> gateway', '<%= config.bin %> gateway --port 18800', '<%= config.bin %> --dev gateway'];
  static override flags = {
    port: Flags.integer({ description: 'Port to listen on (also: OPENCLAW_GATEWAY_PORT, gateway.port).', min: 1, max: 65_535 }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(GatewayCommand);
    this.keepRunningWithoutReader();
    const { bootGateway } = await import('../../../host/boot.js');
    process.exitCode = await bootGateway({
      ...this.install(flags),
      ...(flags.port === undefined ? {} : { port: flags.port }),
      ...(flags['log-level'] === undefined ? {} : { logLevel: flags['log-level'] }),
    });
  }
}
