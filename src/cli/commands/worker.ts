import { BaseCommand } from '../lib/base.js';

export default class WorkerCommand extends BaseCommand {
  static override summary = 'Run only a worker, beside a Temporal server of your own.';
  static override description = 'Works for the Temporal that TEMPORAL_ADDRESS, TEMPORAL_PROFILE or temporal.address names; else for the embedded one of a running gateway, or one on 127.0.0.1:7233. Its events reach a gateway of the same state directory.';
  static override examples = ['TEMPORAL_ADDRESS=127.0.0.1:7233 <%= config.bin %> worker'];

  async run(): Promise<void> {
    const { flags } = await this.parse(WorkerCommand);
    this.keepRunningWithoutReader();
    const { runWorker } = await import('../../host/worker.js');
    process.exitCode = await runWorker({
      ...this.install(flags),
      ...(flags['log-level'] === undefined ? {} : { logLevel: flags['log-level'] }),
    });
  }
}
