import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { messageOf } from '../../../core/errors.js';
import { usageError } from '../../lib/fail.js';
import { RpcCommand } from '../../lib/rpc-command.js';

export default class GatewayCallCommand extends RpcCommand {
  static override summary = 'Call one RPC method and print its answer.';
  static override examples = ['<%= config.bin %> gateway call health', `<%= config.bin %> gateway call runs.list --params '{"limit": 5}'`];
  static override args = { method: Args.string({ description: 'Name of the method.', required: true }) };
  static override flags = {
    params: Flags.string({ description: 'Its parameters, JSON.', default: '{}' }),
    'expect-final': Flags.boolean({ description: 'Wait for the second answer of methods that give two (agent).' }),
  };

  async run(): Promise<unknown> {
    const { args, flags } = await this.parse(GatewayCallCommand);
    const params = parseParams(flags.params);
    return this.withGateway(flags, async (gateway) => {
      // The answer of a long method may take as long as it likes unless --timeout says otherwise.
      const final = flags['expect-final'] ? { onAccepted: () => undefined, timeoutMs: flags.timeout ?? null } : {};
      const answer = await gateway.request<unknown>(args.method, params, final);
      this.log(JSON.stringify(answer, null, 2));
      return answer;
    });
  }
}

function parseParams(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw usageError(`--params is no JSON: ${messageOf(error)}`);
  }
}
