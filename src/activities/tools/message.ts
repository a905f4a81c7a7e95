/**
 * `message`: the agent writes to somebody through a messenger. The same way out as RPC `send` and `openclaw message send`.
 *
 * Invariants: only in the owner's own sessions; to people the owner let in and conversations the agent speaks in, anybody
 * else by approval; the delivery's id is the call's, so a retry sends nothing twice and no claim is needed.
 */
import { constants } from 'node:fs';
import { basename } from 'node:path';
import Type from 'typebox';
import type { ApprovalRequest } from '../../core/approval.js';
import type { Address } from '../../core/channel.js';
import type { Attachment } from '../../core/message.js';
import { LIMITS } from '../../core/names.js';
import { openInside, resolveInside } from './files.js';
import { problemResult } from './problems.js';
import { textResult, type Tool, type ToolEnv } from './types.js';

const parameters = Type.Object({
  to: Type.String({ minLength: 1, description: 'Name, id or "owner"' }),
  text: Type.String(),
  channel: Type.Optional(Type.String()),
  replyTo: Type.Optional(Type.String()),
  attach: Type.Optional(Type.Array(Type.String(), { maxItems: 10 })),
});

interface Args {
  readonly to: string;
  readonly text: string;
  readonly channel?: string;
  readonly replyTo?: string;
  readonly attach?: readonly string[];
}

/** Absent while no messenger is configured. */
export function createMessageTool(env: ToolEnv): Tool | undefined {
  const { outbound } = env;
  if (!outbound || outbound.channels().length === 0) return undefined;
  return {
    name: 'message',
    description: 'Write to somebody on a messenger. Your answer here needs no tool.',
    parameters,
    policy: 'side-effecting',

    async approval(given, key): Promise<ApprovalRequest | undefined> {
      const args = given as unknown as Args;
      // What is refused anyway is not asked.
      if (!(await outbound.isOwners(key))) return undefined;
      const target = await outbound.resolve(args).catch(() => undefined);
      const files = target?.known === false ? await attachmentsOf(args, env).catch(() => undefined) : undefined;
      return !target || !files ? undefined : { tool: 'message', command: shown(args, target.address, files), why: `${target.label} is no contact of yours and no conversation the agent speaks in` };
    },

    async run(given, context) {
      const args = given as unknown as Args;
      if (!(await outbound.isOwners(context.key))) return textResult('Messages are sent only from the owner\'s own sessions, not from groups or other people\'s.', true);
      if (args.text.trim() === '' && !args.attach?.length) return textResult('The message is empty.', true);
      try {
        const { address, known, label } = await outbound.resolve(args);
        if (!known && !context.approved) return textResult(`${label} is no contact, and the owner has not allowed this message.`, true);
        const attachments = await attachmentsOf(args, env);
        await context.deliver({
          id: `message-${context.key}`, to: address, kind: 'message', source: { type: 'text', markdown: args.text }, session: context.session, attachments,
          ...(args.replyTo === undefined ? {} : { replyTo: args.replyTo }),
        });
        return textResult(`On its way to ${label} on ${address.channel}. It is kept until it is sent; if it cannot be, the owner is told.`, false, { delivery: `message-${context.key}`, channel: address.channel });
      } catch (error) {
        return problemResult(error);
      }
    },
  };
}

/** All of it: the owner allows what is shown, and a file that is another one by then was not. */
const shown = ({ text, replyTo }: Args, { channel, account, conversation }: Address, files: readonly Attachment[]): string =>
  [`message to ${conversation.id} on ${channel} (${account})`, ...(replyTo === undefined ? [] : [`in reply to ${replyTo}`]), ...files.map(({ name, media }) => `with ${name} (${media!.hash.slice(0, 12)})`), text].join('\n');

const attachmentsOf = ({ attach = [] }: Args, env: ToolEnv): Promise<Attachment[]> => Promise.all(attach.map((path) => attachmentOf(path, env)));

/** @throws CodedError PATH_REFUSED, NOT_FOUND, MEDIA_TOO_LARGE */
async function attachmentOf(path: string, env: ToolEnv): Promise<Attachment> {
  const where = { workspace: env.workspace, roots: env.config.fs.roots, stateDir: env.stateDir };
  const real = await resolveInside(path, where);
  const file = await openInside(real, constants.O_RDONLY, where);
  try {
    const { size: bytes } = await file.stat();
    // Only as far as the store takes: it says that the rest is too much.
    const content = bytes > LIMITS.mediaBytes ? Buffer.alloc(LIMITS.mediaBytes + 1) : await file.readFile();
    const { hash, mime, size } = await env.media.put(content);
    const kind = mime.startsWith('image/') ? 'image' : mime.startsWith('audio/') ? 'audio' : mime.startsWith('video/') ? 'video' : 'document';
    return { kind, mime, size, name: basename(real), media: { hash } };
  } finally {
    await file.close();
  }
}
