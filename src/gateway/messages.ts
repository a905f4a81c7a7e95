/**
 * Transcript rows as the wire's chat messages. Pure.
 * Invariant: one row is one message, in order of `seq`; a tool result names its call by the same id the call has.
 */
import { toolCallId } from './agent-events.js';
import type { HistoryRow } from './deps.js';
import { usageOf } from './outcome.js';

export type ChatMessage = Readonly<Record<string, unknown>>;

/** @param maxChars longest text of one message; longer ones are cut and say so */
export function chatMessage(row: HistoryRow, maxChars: number): ChatMessage {
  const { content, runId } = row;
  const cut = (text: string): string => (text.length <= maxChars ? text : `${text.slice(0, maxChars)}\n…(truncated)…`);
  const text = (value: string) => ({ type: 'text', text: cut(value) });
  const base = { timestamp: row.createdAt, __openclaw: { id: messageId(row), seq: row.seq, ...(runId === undefined ? {} : { runId }) } };
  switch (content.type) {
    case 'user':
      return {
        role: 'user',
        content: cut(content.text),
        ...(runId === undefined ? {} : { idempotencyKey: `${runId}:user` }),
        ...base,
        __openclaw: {
          ...base.__openclaw,
          sender: content.sender,
          ...(content.attachments.length > 0
            ? { attachments: content.attachments.map(({ kind, mime, size, name, media, problem }) => ({ kind, mime, size, name, hash: media?.hash, problem })) }
            : {}),
        },
      };
    case 'assistant':
      return {
        role: 'assistant',
        content: [
          ...(content.reasoning && content.reasoning.text !== '' ? [{ type: 'thinking', thinking: cut(content.reasoning.text) }] : []),
          ...(content.text === '' ? [] : [text(content.text)]),
          ...content.calls.map((call) => ({ type: 'toolCall', id: toolCallId(row.run, row.step, call.index), name: call.tool, arguments: call.args })),
        ],
        provider: content.provider,
        model: content.model,
        usage: usageOf(content.usage, content.costUsd),
        stopReason: content.stop === 'tool_calls' ? 'toolUse' : content.stop,
        ...base,
      };
    case 'tool':
      return {
        role: 'toolResult',
        toolCallId: toolCallId(row.run, row.step, content.index),
        toolName: content.tool,
        content: content.blocks.map((block) => (block.type === 'text' ? text(block.text) : { type: 'text', text: `[image ${block.mime}]` })),
        isError: content.isError,
        ...(content.details === undefined ? {} : { details: content.details }),
        ...base,
      };
    case 'aborted':
      return { role: 'assistant', content: content.text === '' ? [] : [text(content.text)], stopReason: 'aborted', errorMessage: content.reason, ...base };
    case 'error':
      return { role: 'assistant', content: [], stopReason: 'error', errorMessage: content.message, errorCode: content.code, ...base };
    case 'notice':
      return { role: 'system', content: [text(content.text)], ...base };
  }
}

/** A row never changes its seq, so this names it for good. */
export const messageId = (row: HistoryRow): string => `${row.conversation}:${row.seq}`;

/** @returns the seq in a message id, when it is of this conversation */
export function seqOf(id: string, conversation: string | undefined): number | undefined {
  const colon = id.lastIndexOf(':');
  const seq = Number(id.slice(colon + 1));
  return colon > 0 && id.slice(0, colon) === conversation && Number.isSafeInteger(seq) ? seq : undefined;
}
