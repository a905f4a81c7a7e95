/**
 * The message schema every inbound and outbound path shares. Pure types; platform formats exist only in `adapters/`.
 * An inbound message is stored whole in its `inbound` row; workflows and signals carry its id, never its text.
 */
import type { Root } from 'mdast';

export type ConversationKind = 'direct' | 'group' | 'channel' | 'thread';

export interface Conversation {
  readonly kind: ConversationKind;
  /** The platform's id of the conversation. */
  readonly id: string;
  /** For a thread: the conversation that holds it. */
  readonly parentId?: string;
  readonly title?: string;
}

export interface Sender {
  /** The platform's id; for RPC the principal. */
  readonly id: string;
  readonly name?: string;
  readonly username?: string;
  readonly isBot?: boolean;
}

export interface Mention {
  readonly id: string;
  readonly name?: string;
  /** It names the agent itself. */
  readonly self: boolean;
}

export interface ReplyTo {
  readonly messageId: string;
  readonly sender?: Sender;
  /** The quoted text, as far as the platform gives it. */
  readonly quote?: string;
  /** The replied-to message is the agent's own. */
  readonly self?: boolean;
}

export type AttachmentKind = 'image' | 'voice' | 'audio' | 'video' | 'document' | 'sticker' | 'location' | 'contact';

export interface MediaRef {
  /** SHA-256 of the content, hex: its name in the `media/` store. */
  readonly hash: string;
}

export interface Attachment {
  readonly kind: AttachmentKind;
  readonly mime?: string;
  /** Bytes. */
  readonly size?: number;
  readonly name?: string;
  /** Absent for kinds without content (location, contact) and for content that could not be fetched. */
  readonly media?: MediaRef;
  /** Why there is no media, for the model and the person. */
  readonly problem?: string;
  readonly caption?: string;
  /** Voice and audio, when a transcription provider is configured. */
  readonly transcript?: string;
  /** Why there is no transcript, for the model and the person. */
  readonly transcriptProblem?: string;
  /** Milliseconds, for voice, audio and video. */
  readonly durationMs?: number;
  readonly location?: { readonly latitude: number; readonly longitude: number; readonly title?: string };
  readonly contact?: { readonly name?: string; readonly phone?: string };
}

/** What happened on the platform. */
export type InboundEvent =
  | { readonly type: 'message' }
  | { readonly type: 'edit'; /** Grows with each edit; part of the message key. */ readonly version: string }
  | { readonly type: 'delete' }
  | { readonly type: 'reaction'; readonly emoji: string; readonly removed: boolean };

export interface InboundMessage {
  readonly channel: string;
  readonly account: string;
  readonly conversation: Conversation;
  readonly sender: Sender;
  /** The platform's message id; for RPC the client's idempotency key. */
  readonly messageId: string;
  readonly event: InboundEvent;
  /** Epoch milliseconds, by the platform's clock. */
  readonly time: number;
  readonly text: string;
  /** Present when the platform's formatting says more than `text`. */
  readonly mdast?: Root;
  readonly mentions: readonly Mention[];
  readonly replyTo?: ReplyTo;
  readonly attachments: readonly Attachment[];
}

/** Message key: unique over all channels; an edit adds its version, a reaction what it was. A thread's id is unique only in what holds it, and message ids are unique there. */
export function messageKey(m: Pick<InboundMessage, 'channel' | 'account' | 'conversation' | 'messageId' | 'event' | 'sender'>): string {
  const base = [m.channel, m.account, m.conversation.parentId ?? m.conversation.id, m.messageId].map(encoded).join('/');
  switch (m.event.type) {
    case 'message':
      return base;
    case 'edit':
      return `${base}#edit/${encoded(m.event.version)}`;
    case 'delete':
      return `${base}#delete`;
    case 'reaction':
      return `${base}#reaction/${encoded(m.sender.id)}/${encoded(m.event.emoji)}/${m.event.removed ? 'off' : 'on'}`;
  }
}

/** `encodeURIComponent` throws on half a surrogate pair; no platform has such an id, but a client can send one. */
const encoded = (part: string): string => encodeURIComponent(part.toWellFormed());
