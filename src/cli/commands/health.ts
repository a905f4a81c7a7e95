import { RpcCommand } from '../lib/rpc-command.js';
import { duration, paint } from '../lib/terminal.js';

interface Health {
  readonly ok: boolean;
  readonly sessions?: { readonly count?: number };
}

export default class HealthCommand extends RpcCommand {
  static override summary = 'Ask the gateway whether it works. Fails when it does not.';
  static override examples = ['<%= config.bin %> health && echo up'];

  async run(): Promise<Health> {
    const { flags } = await this.parse(HealthCommand);
    const begin = performance.now();
    return this.withGateway(flags, async (gateway) => {
      const health = await gateway.request<Health>('health', {});
      const word = health.ok ? paint('green', 'ok') : paint('red', 'not ok');
      this.log(`Gateway ${word} (version ${gateway.hello.server.version}, answered in ${duration(performance.now() - begin)})`);
      if (!health.ok) process.exitCode = 1;
      return health;
    });
  }
}
