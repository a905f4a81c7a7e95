/**
 * What goes back to where a message came from, beside the answer of its run.
 */
import { RPC_CHANNEL } from '../core/names.js';
import { type NewDelivery, addressOf } from '../core/channel.js';
import { enqueueDelivery } from '../storage/deliveries.js';
import type { Tx } from '../storage/fence.js';
import type { Inbound } from '../storage/inbound.js';

/** Once per message and kind; a caller over RPC reads its row instead. @returns whether something is to be sent */
export async function enqueueReply(tx: Tx, { inboundId, session, run, message }: Inbound, reply: Pick<NewDelivery, 'kind' | 'source' | 'buttons'>): Promise<boolean> {
  if (message.channel === RPC_CHANNEL) return false;
  return enqueueDelivery(tx, {
    id: `${reply.kind}-${inboundId}`, to: addressOf(message), ...reply, session, run,
    ...(message.conversation.kind === 'direct' ? {} : { replyTo: message.messageId }),
  });
}
