/**
 * `send` (the peer's) and `delivery.list|retry|discard` (ours): what leaves through a messenger, and what could not.
 * Invariant: a list names recipients and reasons, never what was to be said.
 */
import { validateSendParams } from '@openclaw/gateway-protocol';
import { DEAD_DELIVERY_STATES, type Delivery, OPEN_DELIVERY_STATES } from '../../core/delivery.js';
import { invalidRequest } from '../../core/errors.js';
import type { Attachment, AttachmentKind } from '../../core/message.js';
import { LIMITS } from '../../core/names.js';
import type { MediaStore } from '../../core/ports.js';
import { DeliveryDiscardParams, DeliveryListParams, DeliveryRetryParams } from '../../core/schema/rpc.js';
import { validator } from '../validate.js';
import { refuseUnavailable, sessionOf } from './accept.js';
import { method } from './method.js';

const DEFAULT_LIMIT = 50;
/** What `all` means at most: more are a second call. */
const ALL = 1_000;

export const send = method({
  name: 'send',
  scope: 'operator.write',
  params: validateSendParams,
  async handler(params, { deps, principal }) {
    refuseUnavailable('send', params, ['mediaUrl', 'mediaUrls', 'gifPlayback', 'silent', 'parseMode']);
    if (params.idempotencyKey.length > LIMITS.idempotencyKey) throw invalidRequest(`send: idempotencyKey is longer than ${LIMITS.idempotencyKey} characters`);
    const sent = await deps.outbound.send({
      to: params.to, text: params.message ?? '', key: params.idempotencyKey, principal,
      attachments: params.buffer === undefined ? [] : [await attachmentOf(params.buffer, params, deps.media)],
      ...(params.channel === undefined ? {} : { channel: params.channel }),
      ...(params.accountId === undefined ? {} : { account: params.accountId }),
      ...(params.threadId === undefined ? {} : { thread: params.threadId }),
      ...(params.replyToId === undefined ? {} : { replyTo: params.replyToId }),
      ...(params.sessionKey === undefined ? {} : { session: sessionOf('send', params.sessionKey, params.agentId) }),
    });
    const { delivery, channel, account, conversation, label, state, reason, platformIds } = sent;
    return {
      ok: state !== 'failed', runId: params.idempotencyKey, deliveryId: delivery, channel, accountId: account, to: conversation, name: label,
      // The peer's words are those of a send that is over.
      status: OPEN_DELIVERY_STATES.includes(state) ? 'queued' : state,
      ...(platformIds.length === 0 ? {} : { messageId: platformIds[0], messageIds: platformIds }),
      ...(reason === undefined ? {} : { reason }),
    };
  },
});

async function attachmentOf(buffer: string, { filename, contentType, asVoice, forceDocument }: { readonly filename?: string; readonly contentType?: string; readonly asVoice?: boolean; readonly forceDocument?: boolean }, media: MediaStore): Promise<Attachment> {
  const content = Buffer.from(buffer.replace(/^data:[^,]*,/, ''), 'base64');
  if (content.length === 0) throw invalidRequest('send: buffer is no base64, or empty');
  const { hash, mime, size } = await media.put(content, contentType);
  return { kind: forceDocument ? 'document' : asVoice ? 'voice' : kindOf(mime), mime, size, media: { hash }, ...(filename === undefined ? {} : { name: filename }) };
}

const kindOf = (mime: string): AttachmentKind => (mime.startsWith('image/') ? 'image' : mime.startsWith('audio/') ? 'audio' : mime.startsWith('video/') ? 'video' : 'document');

export const deliveryList = method({
  name: 'delivery.list',
  scope: 'operator.read',
  params: validator(DeliveryListParams),
  async handler({ all, channel, accountId, limit }, { deps, now }) {
    const found = await deps.deliveries.list({
      limit: limit ?? DEFAULT_LIMIT,
      ...(all ? {} : { states: [...DEAD_DELIVERY_STATES, ...OPEN_DELIVERY_STATES] }),
      ...(channel === undefined ? {} : { channel }),
      ...(accountId === undefined ? {} : { account: accountId }),
    });
    return { ts: now(), deliveries: found.map(deliveryView) };
  },
});

export const deliveryRetry = method({
  name: 'delivery.retry',
  scope: 'operator.write',
  params: validator(DeliveryRetryParams),
  async handler(params, { deps }) {
    const ids = params.id === undefined ? await deadOnes(deps.deliveries.list, params) : [params.id];
    for (const id of ids) await deps.deliveries.retry(id);
    return { ok: true, ids };
  },
});

export const deliveryDiscard = method({
  name: 'delivery.discard',
  scope: 'operator.write',
  params: validator(DeliveryDiscardParams),
  async handler(params, { deps }) {
    const ids = params.id === undefined ? await deadOnes(deps.deliveries.list, params) : [params.id];
    for (const id of ids) await deps.deliveries.discard(id);
    return { ok: true, ids };
  },
});

/** Oldest first: they keep their order when they are sent again. */
async function deadOnes(list: (query: { readonly states: typeof DEAD_DELIVERY_STATES; readonly channel?: string; readonly limit: number }) => Promise<readonly Delivery[]>, { all, channel }: { readonly all?: boolean; readonly channel?: string }): Promise<readonly string[]> {
  if (all !== true) throw invalidRequest('which delivery? Give its id, or all: true');
  return (await list({ states: DEAD_DELIVERY_STATES, limit: ALL, ...(channel === undefined ? {} : { channel }) })).toReversed().map(({ id }) => id);
}

const deliveryView = ({ id, to, kind, state, reason, session, queuedAt, endedAt, parts }: Delivery) => ({
  id, kind, state, channel: to.channel, accountId: to.account, to: to.conversation.id, conversation: to.conversation, queuedAt, parts,
  ...(reason === undefined ? {} : { reason }),
  ...(session === undefined ? {} : { sessionKey: session }),
  ...(endedAt === undefined ? {} : { endedAt }),
});

export const deliveryMethods = [send, deliveryList, deliveryRetry, deliveryDiscard];
