import * as Args from '@oclif/core/args';
import { CodedError } from '../../../core/errors.js';
import { RpcCommand } from '../../lib/rpc-command.js';
import { duration, paint } from '../../lib/terminal.js';

interface Result {
  readonly ok: boolean;
  readonly ref: string;
  readonly latencyMs: number;
  readonly code?: string;
  readonly error?: string;
}

interface Answer {
  readonly ok: boolean;
  readonly results: readonly Result[];
}

/** A model that is asleep or far away may take this long for its first word. */
const TIMEOUT_MS = 60_000;

export default class ModelsTestCommand extends RpcCommand {
  static override summary = 'Send one short request to a model. Fails when it does not answer.';
  static override examples = ['<%= config.bin %> models test', '<%= config.bin %> models test anthropic/claude-opus-4-6'];
  static override args = { model: Args.string({ description: 'provider/model; the one in use unless given.' }) };

  async run(): Promise<Answer> {
    const { args, flags } = await this.parse(ModelsTestCommand);
    return this.withGateway(flags, async (gateway) => {
      const answer = await gateway.request<Answer>('models.test', args.model === undefined ? {} : { model: args.model }, { timeoutMs: flags.timeout ?? TIMEOUT_MS });
      const failed = answer.results.find((result) => !result.ok);
      if (failed) {
        const why = failed.error ?? failed.code ?? 'no reason given';
        throw new CodedError('MODEL_FAILED', `${failed.ref} did not answer: ${why}`, 'See where its key comes from: openclaw models status', { results: answer.results });
      }
      for (const result of answer.results) this.log(`${result.ref} ${paint('green', 'answered')} in ${duration(result.latencyMs)}.`);
      return answer;
    });
  }
}
