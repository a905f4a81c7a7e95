import { randomUUID } from 'node:crypto';
import { text } from 'node:stream/consumers';
import * as Flags from '@oclif/core/flags';
import { readAttachment } from '../../lib/attach.js';
import { usageError } from '../../lib/fail.js';
import { RpcCommand } from '../../lib/rpc-command.js';
import { oneLine, paint } from '../../lib/terminal.js';

interface Answer {
  readonly ok: boolean;
  readonly runId: string;
  readonly deliveryId: string;
  readonly channel: string;
  readonly accountId: string;
  readonly to: string;
  readonly name: string;
  readonly status: string;
  readonly messageId?: string;
  readonly reason?: string;
}

/** The gateway waits some seconds for the platform before it answers "queued". */
const ANSWER_MS = 20_000;

export default class MessageSendCommand extends RpcCommand {
  static override summary = 'Send a message through a messenger, to a person or a group.';
  static override description = 'It is kept until it is sent: when the platform is away, the command ends with "queued". The same --key sends once.';
  static override examples = [
    '<%= config.bin %> message send --to ann -m "Dinner at eight"',
    '<%= config.bin %> message send --to telegram:123456789 -m "hello"',
    '<%= config.bin %> message send --to group:-1001234 --channel telegram -m - < report.md',
  ];
  static override flags = {
    to: Flags.string({ char: 't', description: 'A contact\'s id or name, "owner", or a platform id.', required: true, helpValue: '<who>' }),
    message: Flags.string({ char: 'm', description: 'The text, Markdown; "-" reads it from standard input.', helpValue: '<text>' }),
    channel: Flags.string({ description: 'The messenger, where it is not clear.', helpValue: '<channel>' }),
    account: Flags.string({ description: 'The account that sends.', helpValue: '<name>' }),
    thread: Flags.string({ description: 'The topic or thread.', helpValue: '<id>' }),
    'reply-to': Flags.string({ description: 'The platform\'s id of the message it answers.', helpValue: '<id>' }),
    attach: Flags.string({ char: 'a', description: 'A file to send with it.', helpValue: '<path>' }),
    key: Flags.string({ description: 'Idempotency key.', helpValue: '<key>' }),
  };

  async run(): Promise<Answer> {
    const { flags } = await this.parse(MessageSendCommand);
    const message = flags.message === '-' ? await text(process.stdin) : (flags.message ?? '');
    const file = flags.attach === undefined ? undefined : readAttachment(flags.attach);
    if (message.trim() === '' && !file) throw usageError('there is no message', 'openclaw message send --to <who> -m "your message"');
    return this.withGateway(flags, async (gateway) => {
      const answer = await gateway.request<Answer>('send', {
        to: flags.to, message, idempotencyKey: flags.key ?? randomUUID(),
        ...(flags.channel === undefined ? {} : { channel: flags.channel }),
        ...(flags.account === undefined ? {} : { accountId: flags.account }),
        ...(flags.thread === undefined ? {} : { threadId: flags.thread }),
        ...(flags['reply-to'] === undefined ? {} : { replyToId: flags['reply-to'] }),
        ...(file ? { buffer: file.content, filename: file.fileName, ...(file.mimeType === undefined ? {} : { contentType: file.mimeType }) } : {}),
      }, { timeoutMs: flags.timeout ?? ANSWER_MS });
      this.log(`${paint(answer.status === 'sent' ? 'green' : answer.ok ? 'yellow' : 'red', answer.status)} to ${oneLine(answer.name, 60)} on ${answer.channel} (${answer.accountId})${answer.reason === undefined ? '' : `: ${oneLine(answer.reason, 200)}`} · ${answer.deliveryId}`);
      if (!answer.ok) process.exitCode = 1;
      return answer;
    });
  }
}
