/**
 * Anthropic's thinking, kept and given back.
 * Invariant: thinking goes back unmodified, in its place between text and calls, and only to the model that wrote it:
 * signatures are checked, and another model's thinking is refused or ignored.
 *
 * `reasoning.blocks` holds, in order: `{type: 'from', model}`, the thinking blocks as they came, and, where something
 * else stood between them, `{type: 'text', chars}` and `{type: 'call', index}` as place holders.
 */
import type Anthropic from '@anthropic-ai/sdk';
import type { PromptCall, PromptMessage } from '../../core/model.js';

export type Thinking = Anthropic.ThinkingBlockParam | Anthropic.RedactedThinkingBlockParam;
export type Piece = Thinking | { readonly type: 'text'; readonly chars: number } | { readonly type: 'call'; readonly index: number };
type Assistant = Extract<PromptMessage, { readonly role: 'assistant' }>;

/** @returns what to store: undefined when the answer holds no thinking */
export function keepReasoning(provider: string, model: string, pieces: readonly Piece[]): { readonly provider: string; readonly blocks: readonly unknown[]; readonly text: string } | undefined {
  const last = pieces.findLastIndex(isThinking);
  if (last < 0) return undefined;
  const text = pieces.map((piece) => (piece.type === 'thinking' ? piece.thinking : '')).join('');
  // What follows the last thinking is text and calls in their usual order: no place holders needed.
  const firstOther = pieces.findIndex((piece) => !isThinking(piece));
  const kept = firstOther < 0 || firstOther > last ? pieces.slice(0, last + 1) : pieces;
  return { provider, blocks: [{ type: 'from', model }, ...kept], text };
}

/** @returns the pieces when they may go back to this model */
export function replayable(message: PromptMessage, provider: string, model: string): readonly Piece[] | undefined {
  if (message.role !== 'assistant' || message.reasoning?.provider !== provider) return undefined;
  const [from, ...pieces] = message.reasoning.blocks as readonly ({ readonly type: string; readonly model?: string } | Piece)[];
  if (from?.type !== 'from' || !('model' in from) || from.model !== model) return undefined;
  return pieces as readonly Piece[];
}

export function replayContent(message: Assistant, pieces: readonly Piece[] | undefined, toBlock: (call: PromptCall) => Anthropic.ToolUseBlockParam): Anthropic.ContentBlockParam[] {
  const interleaved = pieces && placed(message, pieces, toBlock);
  if (interleaved) return interleaved;
  return [
    ...(pieces ?? []).filter(isThinking),
    ...(message.text.trim() === '' ? [] : [{ type: 'text', text: message.text } as const]),
    ...message.calls.map(toBlock),
  ];
}

/** @returns undefined when there are no place holders, or when they do not fit the message (calls past the limit were dropped, say) */
function placed(message: Assistant, pieces: readonly Piece[], toBlock: (call: PromptCall) => Anthropic.ToolUseBlockParam): Anthropic.ContentBlockParam[] | undefined {
  if (pieces.every(isThinking)) return undefined;
  const out: Anthropic.ContentBlockParam[] = [];
  let at = 0;
  let calls = 0;
  for (const piece of pieces) {
    if (isThinking(piece)) out.push(piece);
    else if (piece.type === 'text') {
      const text = message.text.slice(at, at + piece.chars);
      at += piece.chars;
      if (text.trim() !== '') out.push({ type: 'text', text });
    } else {
      const call = message.calls[piece.index];
      if (!call) return undefined;
      calls += 1;
      out.push(toBlock(call));
    }
  }
  return at === message.text.length && calls === message.calls.length ? out : undefined;
}

const isThinking = (piece: Piece): piece is Thinking => piece.type === 'thinking' || piece.type === 'redacted_thinking';
