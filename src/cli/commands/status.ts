import { connectGateway } from '../lib/client.js';
import { DEFAULT_TIMEOUT_MS, RpcCommand } from '../lib/rpc-command.js';
import { askStatus, showStatus, statusWithout, type Status } from '../lib/status-view.js';

export default class StatusCommand extends RpcCommand {
  static override summary = 'Show the gateway, its engine, model, runs and sessions.';
  static override description = 'Works without a gateway too, and then says how to start one.';
  static override examples = ['<%= config.bin %> status', '<%= config.bin %> status --json'];

  async run(): Promise<Status> {
    const { flags } = await this.parse(StatusCommand);
    const { connectionOf } = await import('../../host/connection.js');
    const { paths } = connectionOf(this.install(flags));
    const target = await this.target(flags);
    const place = { url: target.url, stateDir: paths.stateDir, configPath: paths.configPath };
    const status = await connectGateway(target, { timeoutMs: flags.timeout ?? DEFAULT_TIMEOUT_MS })
      .then((gateway) => askStatus(gateway, place).finally(() => gateway.close()))
      .catch((error: unknown) => statusWithout(error, place));
    this.log(showStatus(status));
    return status;
  }
}
