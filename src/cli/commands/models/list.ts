import { RpcCommand } from '../../lib/rpc-command.js';
import { amount, columns, paint } from '../../lib/terminal.js';

interface Model {
  readonly id: string;
  readonly provider: string;
  readonly name?: string;
  readonly contextWindow?: number;
  readonly available?: boolean;
}

export default class ModelsListCommand extends RpcCommand {
  static override summary = 'List the models that are configured or built in.';
  static override examples = ['<%= config.bin %> models list'];

  async run(): Promise<{ readonly models: readonly Model[] }> {
    const { flags } = await this.parse(ModelsListCommand);
    return this.withGateway(flags, async (gateway) => {
      const answer = await gateway.request<{ readonly models: readonly Model[] }>('models.list', {});
      this.log(columns([['MODEL', 'CONTEXT', 'USABLE'], ...answer.models.map(row)]));
      return answer;
    });
  }
}

function row(model: Model): readonly string[] {
  const ref = model.id.startsWith(`${model.provider}/`) ? model.id : `${model.provider}/${model.id}`;
  return [ref, amount(model.contextWindow), model.available === false ? paint('dim', 'no key') : paint('green', 'yes')];
}
