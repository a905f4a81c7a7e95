import * as Flags from '@oclif/core/flags';
import { connectGateway } from '../lib/client.js';
import { DEEP_TIMEOUT_MS, gatewayChecks, reportOf, showReport, type Report } from '../lib/doctor.js';
import { DEFAULT_TIMEOUT_MS, RpcCommand } from '../lib/rpc-command.js';

export default class DoctorCommand extends RpcCommand {
  static override summary = 'Check this installation and say what to do about what is wrong. Fails when something is.';
  static override examples = ['<%= config.bin %> doctor', '<%= config.bin %> doctor --deep', '<%= config.bin %> doctor --json'];
  static override flags = { deep: Flags.boolean({ description: 'Also call the model.' }) };

  async run(): Promise<Report> {
    const { flags } = await this.parse(DoctorCommand);
    const { localChecks } = await import('../../host/doctor-local.js');
    const local = localChecks(this.install(flags));
    const timeoutMs = flags.timeout ?? (flags.deep ? DEEP_TIMEOUT_MS : DEFAULT_TIMEOUT_MS);
    const connect = async () => connectGateway(await this.target(flags), { timeoutMs: flags.timeout ?? DEFAULT_TIMEOUT_MS });
    const report = reportOf(local, await gatewayChecks(connect, flags.deep, timeoutMs));
    this.log(showReport(report));
    if (!report.ok) process.exitCode = 1;
    return report;
  }
}
