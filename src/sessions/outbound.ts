/**
 * A message the owner sends through a messenger: RPC `send` and `openclaw message send`. The tool `message` takes the
 * same two steps inside an activity: `resolveTarget`, then a delivery with an id of its own.
 * Invariant: the same key sends once, whatever is killed between the request and its answer.
 */
import type { DeliveryState, NewDelivery } from '../core/channel.js';
import { invalidRequest } from '../core/errors.js';
import type { Attachment } from '../core/message.js';
import { LIMITS } from '../core/names.js';
import { deliveryById } from '../storage/deliveries.js';
import { platformIdsOf } from '../storage/delivery-parts.js';
import type { Db } from '../storage/sqlite.js';
import { type SendingAccount, type TargetRequest, resolveTarget } from '../storage/targets.js';
import type { Deliveries } from './deliveries.js';
import { runHash } from './keys.js';

export interface SendRequest extends TargetRequest {
  readonly text: string;
  readonly attachments: readonly Attachment[];
  readonly replyTo?: string;
  readonly session?: string;
  /** The caller's; the same one sends once. */
  readonly key: string;
  readonly principal: string;
}

export interface SendAnswer {
  readonly delivery: string;
  readonly channel: string;
  readonly account: string;
  readonly conversation: string;
  readonly label: string;
  /** As far as it got while the caller waited. */
  readonly state: DeliveryState;
  readonly reason?: string;
  readonly platformIds: readonly string[];
}

export interface Outbound {
  /** Durable once it resolves. @throws CodedError INVALID_REQUEST */
  send(request: SendRequest): Promise<SendAnswer>;
}

export interface OutboundDeps {
  readonly db: Db;
  readonly deliveries: Deliveries;
  readonly accounts: () => readonly SendingAccount[];
}

/** A platform that works answers in this time; who waits longer reads `delivery list`. */
const WAIT_MS = 8_000;
const LOOK_MS = 50;
const OPEN: readonly DeliveryState[] = ['queued', 'frozen'];

export function createOutbound({ db, deliveries, accounts }: OutboundDeps, options: { readonly waitMs?: number } = {}): Outbound {
  return {
    async send(request) {
      if (request.text.trim() === '' && request.attachments.length === 0) throw invalidRequest('the message is empty');
      if (request.text.length > LIMITS.messageChars) throw invalidRequest(`a message has at most ${LIMITS.messageChars} characters`);
      const { address, label } = await resolveTarget(db, request, accounts());
      const delivery: NewDelivery = {
        id: `message-${runHash(request.principal, 'send', request.key)}`, to: address, kind: 'message', source: { type: 'text', markdown: request.text }, attachments: request.attachments,
        ...(request.replyTo === undefined ? {} : { replyTo: request.replyTo }),
        ...(request.session === undefined ? {} : { session: request.session }),
      };
      if (!(await deliveries.send(delivery))) {
        const known = await deliveryById(db, delivery.id);
        if (JSON.stringify([known?.to, known?.source]) !== JSON.stringify([delivery.to, delivery.source])) throw invalidRequest('the idempotency key was already used for another message; use a new one');
      }
      const { state, reason } = await settled(delivery.id);
      return {
        delivery: delivery.id, channel: address.channel, account: address.account, conversation: address.conversation.id, label, state,
        ...(reason === undefined ? {} : { reason }),
        platformIds: await platformIdsOf(db, delivery.id),
      };
    },
  };

  async function settled(id: string): Promise<{ readonly state: DeliveryState; readonly reason?: string }> {
    for (const limit = Date.now() + (options.waitMs ?? WAIT_MS); ; ) {
      const { state, reason } = (await deliveryById(db, id))!;
      if (!OPEN.includes(state) || Date.now() >= limit) return { state, ...(reason === undefined ? {} : { reason }) };
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
  }
}
