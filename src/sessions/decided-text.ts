/** What became of an approval, as people in a chat read it. Pure. */
import type { Approval } from '../core/approval.js';

export function decidedText({ state, decision, request, decidedBy, reason, id }: Approval): string {
  const by = decidedBy === undefined ? '' : ` by ${decidedBy}`;
  switch (state) {
    case 'allowed':
      return `Allowed${decision === 'allow-always' ? ' from now on' : ' once'}${by}: \`${request.command}\``;
    case 'denied':
      return `Denied${by}${reason === undefined ? '' : ` (${reason})`}: \`${request.command}\``;
    case 'cancelled':
    case 'expired':
      return `Nobody waits for it any more (${reason ?? state}): \`${request.command}\``;
    case 'open':
      return `Waits for your decision (${id}): \`${request.command}\``;
  }
}
