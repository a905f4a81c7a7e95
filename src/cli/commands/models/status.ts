import { RpcCommand } from '../../lib/rpc-command.js';
import { columns, paint } from '../../lib/terminal.js';

interface ProviderState {
  readonly provider: string;
  readonly available: boolean;
  readonly source?: string;
  readonly problem?: string;
}

interface Answer {
  readonly primary: string;
  readonly fallbacks: readonly string[];
  readonly configured: boolean;
  readonly providers: readonly ProviderState[];
}

export default class ModelsStatusCommand extends RpcCommand {
  static override summary = 'Show which models are used, in which order, and where their keys come from.';
  static override examples = ['<%= config.bin %> models status'];

  async run(): Promise<Answer> {
    const { flags } = await this.parse(ModelsStatusCommand);
    return this.withGateway(flags, async (gateway) => {
      const answer = await gateway.request<Answer>('models.status', {});
      this.log(`In use: ${[answer.primary, ...answer.fallbacks].join(', then ')}\n`);
      if (!answer.configured) this.log(`${paint('yellow', 'No model is set up.')} Set ANTHROPIC_API_KEY (or another provider's key) and start the gateway again.\n`);
      this.log(columns([['PROVIDER', 'USABLE', 'KEY FROM', 'PROBLEM'], ...answer.providers.map(row)]));
      return answer;
    });
  }
}

const row = (state: ProviderState): readonly string[] => [
  state.provider,
  state.available ? paint('green', 'yes') : paint('red', 'no'),
  state.source ?? '-',
  state.problem ?? '',
];
