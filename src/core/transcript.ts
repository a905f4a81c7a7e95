/**
 * The transcript's vocabulary: what a row is and what identifies it. Pure.
 * Invariant: `(session, seq)` is written once, and an existing row answers only if its whole identity matches.
 */
import type { Attachment, Sender } from './message.js';
import type { Reasoning, StopReason, Usage } from './model.js';

/** `tool.<index>` rows hold the result of call `<index>` of their step. */
export type RowKind = 'user' | 'assistant' | 'aborted' | 'error' | 'notice' | `tool.${number}`;

export interface RowIdentity {
  readonly conversation: string;
  /** Hash of the run id. */
  readonly run: string;
  readonly step: number;
  readonly kind: RowKind;
}

export type Block =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'image'; readonly hash: string; readonly mime: string };

export interface ToolCall {
  /** Position in the batch: with run and step it identifies the call. */
  readonly index: number;
  /** The provider's own id: data, used only to pair call and result on the wire. May repeat or be empty. */
  readonly callId: string;
  readonly tool: string;
  /** Parsed arguments; `{}` when they could not be parsed. */
  readonly args: Readonly<Record<string, unknown>>;
  /** The model's own text of the arguments, kept when it is no JSON object. */
  readonly malformed?: string;
}

export type RowContent =
  | {
      readonly type: 'user';
      readonly text: string;
      readonly sender: Sender;
      readonly attachments: readonly Attachment[];
    }
  | {
      readonly type: 'assistant';
      readonly text: string;
      readonly calls: readonly ToolCall[];
      readonly reasoning?: Reasoning;
      readonly provider: string;
      readonly model: string;
      readonly stop: StopReason;
      readonly usage: Usage;
      readonly costUsd?: number;
    }
  | {
      readonly type: 'tool';
      readonly index: number;
      readonly tool: string;
      readonly callId: string;
      readonly isError: boolean;
      readonly blocks: readonly Block[];
      /** Facts for pages and CLI: exit code, path, bytes, reference to the whole output. */
      readonly details?: Readonly<Record<string, unknown>>;
    }
  /** A turn stopped here. `text` is what the model had said so far. */
  | { readonly type: 'aborted'; readonly text: string; readonly reason: string; readonly draft?: string }
  /** A turn failed here. Shown to people; not sent to the model. */
  | { readonly type: 'error'; readonly code: string; readonly message: string }
  /** Something a person must see that no model said; with `forModel` the model reads it too. */
  | { readonly type: 'notice'; readonly text: string; readonly forModel?: boolean };

export interface TranscriptRow extends RowIdentity {
  readonly session: string;
  readonly seq: number;
  readonly generation: number;
  readonly content: RowContent;
  /** Epoch milliseconds. */
  readonly createdAt: number;
}
