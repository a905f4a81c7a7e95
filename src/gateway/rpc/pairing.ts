/**
 * `pairing.*` (ours) and `channels.pairing.*` (the peer's): strangers who wait for the owner.
 * Invariant: every answer comes from the rows; a decision is answered when it is carried out.
 */
import { validateChannelsPairingApproveParams, validateChannelsPairingDismissParams, validateChannelsPairingListParams } from '@openclaw/gateway-protocol';
import { invalidRequest } from '../../core/errors.js';
import type { PairingDecision, PairingRequest } from '../../core/pairing.js';
import { PairingApproveParams, PairingBlockParams, PairingDenyParams, PairingListParams } from '../../core/schema/rpc-people.js';
import type { PairingTarget } from '../../sessions/pairing.js';
import { validator } from '../validate.js';
import { type CallContext, method } from './method.js';

const SCOPE = 'operator.pairing';

interface Which {
  readonly channel: string;
  readonly code?: string;
  readonly sender?: string;
  readonly id?: string;
  readonly account?: string;
}

function targetOf({ channel, account, code, sender, id }: Which): PairingTarget {
  const at = { channel: channel.trim().toLowerCase(), account };
  const given = [code, sender, id].filter((one) => one !== undefined);
  if (given.length !== 1) throw invalidRequest('whom? Give one of code, sender, id');
  return code !== undefined ? { ...at, code } : sender !== undefined ? { ...at, sender } : { ...at, id: id! };
}

async function decide({ deps, principal }: CallContext, which: Which, decision: PairingDecision, owner?: boolean) {
  const done = await deps.pairing.decide(targetOf(which), { decision, by: principal, ...(owner === true ? { owner } : {}) });
  const { id, channel, account, sender, state, contact, handed } = done;
  return { ok: true, id, channel, account, sender, state, handed, ...(contact === undefined ? {} : { contact: await deps.contacts.get(contact) }) };
}

export const pairingList = method({
  name: 'pairing.list',
  scope: SCOPE,
  params: validator(PairingListParams),
  async handler(of, { deps, now }) {
    const at = now();
    const requests = await deps.pairing.list(of);
    return { ts: at, requests: requests.map((request) => ({ ...request, expired: request.expiresAt <= at })), hasOwner: await deps.pairing.hasOwner(), limits: deps.pairing.limits() };
  },
});

export const pairingApprove = method({
  name: 'pairing.approve',
  scope: SCOPE,
  params: validator(PairingApproveParams),
  // Whoever makes owners is one.
  alsoScope: ({ owner }) => (owner === true ? 'operator.admin' : undefined),
  handler: ({ owner, ...which }, context) => decide(context, which, 'approve', owner),
});

export const pairingDeny = method({
  name: 'pairing.deny',
  scope: SCOPE,
  params: validator(PairingDenyParams),
  handler: (which, context) => decide(context, which, 'deny'),
});

export const pairingBlock = method({
  name: 'pairing.block',
  scope: SCOPE,
  params: validator(PairingBlockParams),
  handler: (which, context) => decide(context, which, 'block'),
});

/** The peer's names. Codes are not part of its list. */
export const channelsPairingList = method({
  name: 'channels.pairing.list',
  scope: SCOPE,
  params: validateChannelsPairingListParams,
  async handler({ channel, accountId }, { deps }) {
    const requests = await deps.pairing.list({ ...(channel === undefined ? {} : { channel }), ...(accountId === undefined ? {} : { account: accountId }) });
    const accounts = new Map(requests.map((request) => [`${request.channel}:${request.account}`, placeOf(request)]));
    const { ttlMs, maxPending } = deps.pairing.limits();
    return {
      accounts: [...accounts.values()],
      requests: requests.map((request) => ({
        requestId: request.id, ...placeOf(request), senderId: request.sender, senderLabel: labelOf(request),
        createdAt: new Date(request.requestedAt).toISOString(), lastSeenAt: new Date(request.lastAt).toISOString(), expiresAt: new Date(request.expiresAt).toISOString(),
      })),
      commandOwnerConfigured: await deps.pairing.hasOwner(),
      limits: { pendingPerAccount: maxPending, ttlMs },
    };
  },
});

/** `notify` makes no difference: whoever is let in is told. */
export const channelsPairingApprove = method({
  name: 'channels.pairing.approve',
  scope: SCOPE,
  params: validateChannelsPairingApproveParams,
  alsoScope: ({ bootstrapCommandOwner }) => (bootstrapCommandOwner === true ? 'operator.admin' : undefined),
  async handler({ channel, accountId, requestId, bootstrapCommandOwner }, context) {
    const isFirst = bootstrapCommandOwner === true && !(await context.deps.pairing.hasOwner());
    const { id, sender } = await decide(context, { channel, account: accountId, id: requestId }, 'approve', isFirst);
    return { requestId: id, senderId: sender, notification: 'sent', commandOwnerBootstrap: isFirst ? 'configured' : bootstrapCommandOwner === true ? 'already-configured' : 'not-requested' };
  },
});

export const channelsPairingDismiss = method({
  name: 'channels.pairing.dismiss',
  scope: SCOPE,
  params: validateChannelsPairingDismissParams,
  async handler({ channel, accountId, requestId }, context) {
    const { id, sender } = await decide(context, { channel, account: accountId, id: requestId }, 'deny');
    return { requestId: id, senderId: sender };
  },
});

const placeOf = ({ channel, account }: PairingRequest) => ({ channel, channelLabel: `${channel[0]?.toUpperCase()}${channel.slice(1)}`, accountId: account, notifySupported: true });
const labelOf = ({ name, username, sender }: PairingRequest): string => [name, username === undefined ? undefined : `@${username}`].filter((part) => part !== undefined && part !== '').join(' ') || sender;

export const pairingMethods = [pairingList, pairingApprove, pairingDeny, pairingBlock, channelsPairingList, channelsPairingApprove, channelsPairingDismiss];
