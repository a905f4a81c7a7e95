import * as Flags from '@oclif/core/flags';
import { RpcCommand } from '../../lib/rpc-command.js';
import { sessionArg } from '../../lib/text-arg.js';

interface Answer {
  readonly session: string;
  readonly was: 'running' | 'failing' | 'gone';
  readonly problem?: string;
  readonly runs: readonly string[];
}

const FOUND = { running: 'was well', failing: 'was stuck', gone: 'did not run' } as const;

export default class SessionsRecoverCommand extends RpcCommand {
  static override summary = 'Start a stuck session anew from its rows, at its last finished step.';
  static override description = 'Runs keep their ids, finished steps are not repeated, commands that run are attached to. A session that is well needs no recovering, and is left alone without --force.';
  static override examples = ['<%= config.bin %> sessions recover main', '<%= config.bin %> sessions recover agent:main:work --json'];
  static override args = { key: sessionArg('The session, as "sessions list" and "status" name it.') };
  static override flags = { force: Flags.boolean({ description: 'Also when it is well.' }) };

  async run(): Promise<Answer> {
    const { args, flags } = await this.parse(SessionsRecoverCommand);
    return this.withGateway(flags, async (gateway) => {
      const answer = await gateway.request<Answer>('sessions.recover', { key: args.key, ...(flags.force ? { force: true } : {}) });
      this.log(`Session ${answer.session} ${FOUND[answer.was]}${answer.problem === undefined ? '' : ` (${answer.problem})`}.`);
      this.log(answer.runs.length === 0 ? 'It has nothing unfinished: the next message starts it.' : `It was started anew. These runs go on: ${answer.runs.join(', ')}`);
      return answer;
    });
  }
}
