/**
 * What a messenger hears when a run ends: its answer, or honestly why there is none. A caller over RPC reads the row.
 * Invariant: one delivery a run, written in the transaction that ends it.
 */
import { type DeliverySource, addressOf } from '../core/channel.js';
import { FAILURES, RPC_CHANNEL } from '../core/names.js';
import type { RunOutcome } from '../core/run.js';
import { enqueueDelivery } from '../storage/deliveries.js';
import type { Tx } from '../storage/fence.js';
import type { Inbound } from '../storage/inbound.js';
import { rowAt } from '../storage/transcript.js';

/** The model has nothing to say. */
export const NO_REPLY = 'NO_REPLY';

export async function enqueueAnswer(tx: Tx, inbound: Inbound, outcome: RunOutcome): Promise<void> {
  const { message, session, run, request } = inbound;
  if (message.channel === RPC_CHANNEL) return;
  const source = await sourceOf(tx, inbound, outcome);
  if (!source) return;
  // The message of a late decision is ours: the platform does not know it.
  const isTheirs = request.followOn === undefined;
  await enqueueDelivery(tx, {
    id: `reply-${run}`, kind: 'reply', source, session, run,
    to: addressOf(message),
    ...(isTheirs && message.conversation.kind !== 'direct' ? { replyTo: message.messageId } : {}),
  });
}

/** Nothing for a run that was stopped or replaced: whoever did that knows. */
async function sourceOf(tx: Tx, { session, role, runId }: Inbound, outcome: RunOutcome): Promise<DeliverySource | undefined> {
  const content = outcome.seq === undefined ? undefined : (await rowAt(tx, session, outcome.seq))?.content;
  switch (outcome.state) {
    case 'ok':
      return content?.type !== 'assistant' || content.text.trim() === NO_REPLY ? undefined : { type: 'row', session, seq: outcome.seq! };
    case 'error': {
      const code = outcome.code ?? FAILURES.Internal;
      const why = content?.type === 'error' ? content.message : content?.type === 'aborted' ? content.reason : 'the run failed';
      // What failed inside is the owner's business.
      const markdown = role === 'owner' ? `I could not answer: ${why} (${code})\n\n${nextStep(code)} Details: \`openclaw runs show ${runId}\`` : `I could not answer this (${code}). Please send it again later; the owner can see what went wrong.`;
      return { type: 'text', markdown };
    }
    case 'aborted':
      return undefined;
  }
}

function nextStep(code: string): string {
  switch (code) {
    case FAILURES.Auth:
    case FAILURES.ModelUnavailable:
      return 'See which models can be used: `openclaw models status`.';
    case FAILURES.ContextOverflow:
      return 'Begin a new conversation with /new.';
    case FAILURES.BudgetExceeded:
      return 'See the budgets: `openclaw budgets list`.';
    case FAILURES.StepLimit:
    case FAILURES.RunTimeout:
      return 'Ask for less at once.';
    default:
      return 'Send it again.';
  }
}
