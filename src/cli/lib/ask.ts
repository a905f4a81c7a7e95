/** From the words of `openclaw agent` to the request on the wire. */
import { randomUUID } from 'node:crypto';
import { text } from 'node:stream/consumers';
import type { WireAttachment } from './attach.js';
import { readAttachment } from './attach.js';
import { usageError } from './fail.js';
import type { Question } from './follow.js';

export interface AskFlags {
  readonly message?: string | undefined;
  readonly session: string;
  readonly model?: string | undefined;
  readonly thinking?: string | undefined;
  readonly queue?: string | undefined;
  readonly attach?: readonly string[] | undefined;
  readonly 'run-id'?: string | undefined;
}

/** @throws CodedError USAGE */
export async function questionOf(flags: AskFlags, stdin: NodeJS.ReadStream): Promise<Question> {
  const message = flags.message === '-' ? await text(stdin) : (flags.message ?? '');
  const attachments: readonly WireAttachment[] = (flags.attach ?? []).map(readAttachment);
  if (message.trim() === '' && attachments.length === 0) {
    throw usageError('there is no message', 'openclaw agent -m "your message", or -m - to read it from standard input');
  }
  // `chat.send` takes the mode, `agent` takes the model; neither takes both.
  if (flags.queue !== undefined && flags.model !== undefined) throw usageError('--queue and --model cannot be used together', 'Set the model with: openclaw config set agents.defaults.model <provider/model>');
  const runId = flags['run-id'] ?? randomUUID();
  const common = {
    message,
    sessionKey: flags.session,
    idempotencyKey: runId,
    ...(flags.thinking === undefined ? {} : { thinking: flags.thinking }),
    ...(attachments.length === 0 ? {} : { attachments }),
  };
  if (flags.queue !== undefined) return { runId, send: { method: 'chat.send', params: { ...common, queueMode: flags.queue } } };
  return { runId, send: { method: 'agent', params: { ...common, deliver: false, ...(flags.model === undefined ? {} : { model: flags.model }) } } };
}
