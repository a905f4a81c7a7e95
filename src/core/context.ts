/**
 * The one function that turns transcript rows into what a model reads. Pure, so that a turn's prompt is the same on
 * every machine and attempt.
 * Invariants: every tool call is followed by exactly one result; call ids are unique within the prompt; the system
 * prompt and the older messages are byte-identical from call to call as long as nothing is cut (providers cache them).
 */
import type { PromptBlock, PromptCall, PromptMessage } from './model.js';
import type { Attachment, MediaRef } from './message.js';
import type { TranscriptRow } from './transcript.js';

export interface ContextOptions {
  /** Tokens the messages may take: the model's window less system prompt, tools and output. */
  readonly maxTokens: number;
  /** The model takes images; otherwise they are described. */
  readonly images: boolean;
  /** Bytes of the largest image a model gets; larger ones are described. Absent: any. */
  readonly imageBytes?: number;
  /** Lines of the conversation say who spoke (groups). */
  readonly speakers: boolean;
}

export interface AssembledContext {
  readonly messages: readonly PromptMessage[];
  /** Estimated tokens of `messages`. */
  readonly tokens: number;
  /** Rows left out at the old end because they did not fit. */
  readonly omitted: number;
}

/** English text averages about four characters a token; code and other scripts fewer, so this errs high enough at 3.5. */
export const estimateTokens = (text: string): number => Math.ceil(text.length / 3.5);
/** Providers bill an image at about this. */
const IMAGE_TOKENS = 1_500;
/** The image formats that every provider takes. */
export const SHOWN_IMAGES: ReadonlySet<string> = new Set(['image/png', 'image/jpeg', 'image/gif', 'image/webp']);
/** Characters of one transcript in the prompt: as much as of one tool result. `read` gives the rest. */
const TRANSCRIPT_CHARS = 16_000;
/** Characters of a name that a sender chose. */
const NAME_CHARS = 200;
/** Digits of a content's hash that name it to the model: 48 bits are unique in any session. */
const REFERENCE_DIGITS = 12;
export const OMITTED_MARK = '[Earlier messages of this conversation are not shown: they no longer fit.]';
/** What the model reads for a call whose result was never recorded. */
export const NO_RESULT = 'No result was recorded for this call. Check before repeating it.';

/**
 * @param rows rows of one conversation in order of `seq`
 */
export function assembleContext(rows: readonly TranscriptRow[], options: ContextOptions): AssembledContext {
  const turns = groupTurns(rows).map((turn) => renderTurn(turn, options));
  let tokens = 0;
  let first = turns.length;
  // From the newest back; the newest turn always stays, whatever its size.
  while (first > 0) {
    const next = turns[first - 1]!;
    if (first < turns.length && tokens + next.tokens > options.maxTokens) break;
    tokens += next.tokens;
    first -= 1;
  }
  const kept = turns.slice(first);
  const messages = kept.flatMap((turn) => turn.messages);
  const omitted = turns.slice(0, first).reduce((count, turn) => count + turn.rows, 0);
  // Rows that start in the middle of a turn were cut by whoever read them.
  if (omitted > 0 || (messages.length > 0 && messages[0]!.role !== 'user')) messages.unshift({ role: 'user', blocks: [{ type: 'text', text: OMITTED_MARK }] });
  return { messages: mergeUsers(messages), tokens, omitted };
}

/** A turn starts with a user row; cutting between turns never parts a call from its result. */
function groupTurns(rows: readonly TranscriptRow[]): TranscriptRow[][] {
  const turns: TranscriptRow[][] = [];
  for (const row of rows) {
    const last = turns.at(-1);
    if (!last || (row.content.type === 'user' && last.some((other) => other.content.type !== 'user'))) turns.push([row]);
    else last.push(row);
  }
  return turns;
}

interface RenderedTurn {
  readonly messages: readonly PromptMessage[];
  readonly tokens: number;
  readonly rows: number;
}

function renderTurn(rows: readonly TranscriptRow[], options: ContextOptions): RenderedTurn {
  const messages: PromptMessage[] = [];
  const results = new Map<string, TranscriptRow>();
  for (const row of rows) if (row.content.type === 'tool') results.set(`${row.run}:${row.step}.${row.content.index}`, row);

  for (const row of rows) {
    const content = row.content;
    switch (content.type) {
      case 'user':
        messages.push({ role: 'user', blocks: userBlocks(content.text, content.attachments, options.speakers ? (content.sender.name ?? content.sender.id) : undefined, options) });
        break;
      case 'assistant': {
        // The provider's own ids repeat across turns; this one is unique and stable.
        const calls: PromptCall[] = content.calls.map((call) => ({ id: promptCallId(row, call.index), name: call.tool, args: call.args }));
        messages.push({ role: 'assistant', text: content.text, calls, ...(content.reasoning ? { reasoning: content.reasoning } : {}) });
        for (const call of content.calls) {
          const found = results.get(`${row.run}:${row.step}.${call.index}`);
          // One below its answer belonged to an answer that the store lost.
          const result = found && found.seq > row.seq ? found.content : undefined;
          messages.push(
            result?.type === 'tool'
              ? { role: 'tool', callId: promptCallId(row, call.index), name: call.tool, isError: result.isError, blocks: toolBlocks(result.blocks, options.images) }
              : { role: 'tool', callId: promptCallId(row, call.index), name: call.tool, isError: true, blocks: [{ type: 'text', text: NO_RESULT }] },
          );
        }
        break;
      }
      case 'aborted':
        if (content.text.trim() !== '') messages.push({ role: 'assistant', text: content.text, calls: [] });
        messages.push({ role: 'user', blocks: [{ type: 'text', text: `[The turn was stopped here: ${content.reason}.]` }] });
        break;
      case 'error':
        messages.push({ role: 'user', blocks: [{ type: 'text', text: '[The turn failed here and got no answer.]' }] });
        break;
      case 'notice':
        if (content.forModel === true) messages.push({ role: 'user', blocks: [{ type: 'text', text: content.text }] });
        break;
      case 'tool': // rendered with its call
        break;
    }
  }
  const sendable = messages.map(wellFormed);
  return { messages: sendable, tokens: sendable.reduce((sum, message) => sum + messageTokens(message), 0), rows: rows.length };
}

/** Half a surrogate pair is no JSON to providers: one such row would make every later call of the conversation fail. */
function wellFormed(message: PromptMessage): PromptMessage {
  if (message.role === 'assistant') {
    return { ...message, text: message.text.toWellFormed(), calls: message.calls.map((call) => ({ ...call, args: wellFormedArgs(call.args) })) };
  }
  return { ...message, blocks: message.blocks.map((block) => (block.type === 'text' ? { ...block, text: block.text.toWellFormed() } : block)) };
}

function wellFormedArgs(args: PromptCall['args']): PromptCall['args'] {
  const text = JSON.stringify(args);
  // JSON escapes a surrogate only when it is alone.
  if (!/\\ud[89a-f]/.test(text)) return args;
  return JSON.parse(text, (_key, value: unknown) => (typeof value === 'string' ? value.toWellFormed() : value)) as PromptCall['args'];
}

/** Letters and digits only: every provider takes it. At most 40 characters (OpenAI's limit). */
const promptCallId = (row: TranscriptRow, index: number): string => `call_${row.seq}_${index}`;

function userBlocks(text: string, attachments: readonly Attachment[], speaker: string | undefined, options: ContextOptions): PromptBlock[] {
  const blocks: PromptBlock[] = [];
  const line = speaker === undefined ? text : `${speaker}: ${text}`;
  if (line !== '') blocks.push({ type: 'text', text: line });
  for (const attachment of attachments) {
    const image = shownImage(attachment, options);
    blocks.push(image ?? { type: 'text', text: describeAttachment(attachment) });
    if (image && attachment.caption) blocks.push({ type: 'text', text: attachment.caption });
  }
  return blocks.length > 0 ? blocks : [{ type: 'text', text: '(empty message)' }];
}

function toolBlocks(blocks: readonly { readonly type: string }[], images: boolean): PromptBlock[] {
  const out = (blocks as readonly PromptBlock[]).map((block): PromptBlock => (block.type === 'image' && !images ? { type: 'text', text: `[image, ${block.mime}, not shown: this model does not see images]` } : block));
  return out.length > 0 ? out : [{ type: 'text', text: '(no output)' }];
}

/** A picture sent as a file is one too. */
function shownImage(a: Attachment, options: ContextOptions): PromptBlock | undefined {
  if (!options.images || (a.kind !== 'image' && a.kind !== 'document') || !a.media || a.mime === undefined || !SHOWN_IMAGES.has(a.mime)) return undefined;
  if (options.imageBytes !== undefined && (a.size ?? 0) > options.imageBytes) return undefined;
  return { type: 'image', mime: a.mime, hash: a.media.hash };
}

/** What `read` takes as the path of an attachment. */
export const mediaReference = (ref: MediaRef): string => `media:${ref.hash.slice(0, REFERENCE_DIGITS)}`;

/** One line that says what is known of an attachment the model does not see, and how to open what it has. */
export function describeAttachment(a: Attachment): string {
  const { location, contact } = a;
  const facts = [
    a.name === undefined ? undefined : oneLine(a.name),
    a.mime,
    a.size === undefined ? undefined : `${a.size} bytes`,
    a.durationMs === undefined ? undefined : `${Math.round(a.durationMs / 1000)} s`,
    a.problem === undefined ? undefined : oneLine(a.problem),
    location && `${location.latitude}, ${location.longitude}${location.title ? ` (${oneLine(location.title)})` : ''}`,
    contact && oneLine([contact.name, contact.phone].filter(Boolean).join(' ')),
    a.media && mediaReference(a.media),
    a.transcript === undefined && a.transcriptProblem !== undefined ? `not transcribed: ${a.transcriptProblem}` : undefined,
  ].filter((fact) => fact !== undefined && fact !== '');
  const head = `[${a.kind}${facts.length > 0 ? `: ${facts.join(', ')}` : ''}]`;
  return [head, a.caption, a.transcript === undefined ? undefined : transcriptText(a.transcript, a.media)].filter(Boolean).join(' ');
}

function transcriptText(transcript: string, media: MediaRef | undefined): string {
  if (transcript === '') return 'Transcript: (no words were heard)';
  if (transcript.length <= TRANSCRIPT_CHARS) return `Transcript: ${transcript}`;
  const cut = transcript.slice(0, TRANSCRIPT_CHARS);
  return `Transcript: ${cut} [… ${transcript.length - cut.length} more characters${media ? `; all of it: read ${mediaReference(media)}` : ''}]`;
}

/** What a sender wrote must not look like a line of ours. */
const oneLine = (text: string): string => text.replace(/[\s\u0000-\u001f\u007f]+/g, ' ').trim().slice(0, NAME_CHARS);

/** Providers want user and assistant to alternate: neighbouring user messages become one. */
function mergeUsers(messages: readonly PromptMessage[]): PromptMessage[] {
  const out: PromptMessage[] = [];
  for (const message of messages) {
    const last = out.at(-1);
    if (message.role === 'user' && last?.role === 'user') out[out.length - 1] = { role: 'user', blocks: [...last.blocks, ...message.blocks] };
    else out.push(message);
  }
  return out;
}

function messageTokens(message: PromptMessage): number {
  // Every message costs a few tokens of framing.
  let tokens = 4;
  if (message.role === 'assistant') {
    tokens += estimateTokens(message.text) + (message.reasoning ? estimateTokens(message.reasoning.text) : 0);
    for (const call of message.calls) tokens += estimateTokens(call.name) + estimateTokens(JSON.stringify(call.args)) + 8;
    return tokens;
  }
  for (const block of message.blocks) tokens += block.type === 'text' ? estimateTokens(block.text) : IMAGE_TOKENS;
  return tokens;
}
