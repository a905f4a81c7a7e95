/** Transcript rows for tests, numbered as a session numbers them. */
import type { Attachment } from '../../src/core/message.js';
import { NO_USAGE, type PromptMessage } from '../../src/core/model.js';
import type { Block, RowContent, RowKind, ToolCall, TranscriptRow } from '../../src/core/transcript.js';

export interface Writer {
  readonly rows: TranscriptRow[];
  /** A new run with its user row. */
  user(text: string, over?: { readonly name?: string; readonly id?: string; readonly attachments?: readonly Attachment[] }): void;
  /** The run's next answer. */
  answer(text: string, calls?: readonly (Partial<ToolCall> & { readonly tool: string })[], more?: { readonly reasoning?: { readonly provider: string; readonly blocks: readonly unknown[]; readonly text: string } }): void;
  result(index: number, blocks: string | readonly Block[], isError?: boolean): void;
  aborted(text: string, reason: string): void;
  error(message: string): void;
  notice(text: string): void;
}

export function writeRows(): Writer {
  const rows: TranscriptRow[] = [];
  let run = 0;
  let step = 0;
  let tools: readonly string[] = [];
  const push = (kind: RowKind, content: RowContent): void => {
    rows.push({ session: 'agent:main:main', seq: rows.length + 1, conversation: 'conversation', run: `run${run}`, step, kind, generation: 1, content, createdAt: 0 });
  };
  return {
    rows,
    user(text, over = {}) {
      run += 1;
      step = 0;
      push('user', { type: 'user', text, sender: { id: over.id ?? 'ann', ...(over.name === undefined ? {} : { name: over.name }) }, attachments: over.attachments ?? [] });
    },
    answer(text, calls = [], more = {}) {
      step += 1;
      tools = calls.map((call) => call.tool);
      push('assistant', { type: 'assistant', text, calls: calls.map((call, index) => ({ index, callId: `c${index}`, args: {}, ...call })), provider: 'fake', model: 'one', stop: calls.length > 0 ? 'tool_calls' : 'stop', usage: NO_USAGE, ...more });
    },
    result(index, blocks, isError = false) {
      push(`tool.${index}`, { type: 'tool', index, tool: tools[index] ?? 'read', callId: `c${index}`, isError, blocks: typeof blocks === 'string' ? [{ type: 'text', text: blocks }] : blocks });
    },
    aborted: (text, reason) => push('aborted', { type: 'aborted', text, reason }),
    error: (message) => push('error', { type: 'error', code: 'Internal', message }),
    notice: (text) => push('notice', { type: 'notice', text }),
  };
}

/** A prompt as one line a message: who, and what it says. */
export const said = (messages: readonly PromptMessage[]): string[] =>
  messages.map((message) => {
    if (message.role === 'assistant') return `assistant: ${[message.text, ...message.calls.map((call) => `${call.name}(${JSON.stringify(call.args)})`)].filter((part) => part !== '').join(' ')}`;
    const text = message.blocks.map((block) => (block.type === 'text' ? block.text : `<image ${block.mime} ${block.hash}>`)).join(' | ');
    return message.role === 'tool' ? `${message.isError ? 'error' : 'result'} of ${message.name}: ${text}` : `user: ${text}`;
  });
