/** `pairing.*` and the peer's `channels.pairing.*` on the wire: shapes, who is asked for what, and how a refusal reads. */
import { ChannelsPairingApproveResultSchema, ChannelsPairingDismissResultSchema, ChannelsPairingListResultSchema } from '@openclaw/gateway-protocol';
import { afterEach, expect, test } from 'vitest';
import { CodedError } from '../../src/core/errors.js';
import type { PairingRequest } from '../../src/core/pairing.js';
import type { PairingControl, PairingTarget } from '../../src/sessions/pairing.js';
import { validator } from '../../src/gateway/validate.js';
import { connected, startWorld, type World } from './fakes.js';

let world: World;
afterEach(() => world.close());

const request: PairingRequest = { id: 'pr-1', channel: 'telegram', account: 'default', sender: '11', code: 'CLAW-7X9K', name: 'Ann', username: 'ann', held: 2, requestedAt: 1_000, lastAt: 2_000, expiresAt: 3_000 };

async function open(over: Partial<PairingControl> = {}) {
  const asked: { readonly target: PairingTarget; readonly owner: boolean; readonly by: string }[] = [];
  const pairing: PairingControl = {
    hold: async () => ({ status: 'held' }), list: async () => [request], hasOwner: async () => false, limits: () => ({ ttlMs: 3_600_000, maxPending: 3 }), sweep: async () => undefined,
    async decide(target, { decision, by, owner }) {
      asked.push({ target, owner: owner === true, by });
      return { channel: 'telegram', account: 'default', sender: '11', id: 'pr-1', state: decision === 'approve' ? 'approved' : 'denied', handed: 2, ...(decision === 'approve' ? { contact: 'c-1' } : {}) };
    },
    ...over,
  };
  const contact = { id: 'c-1', name: 'Ann', role: 'guest' as const, blocked: false, createdAt: 1, identities: [] };
  world = await startWorld();
  const contacts = { ...world.deps.contacts, get: async () => contact };
  await world.close();
  world = await startWorld({ deps: { pairing, contacts } });
  return { raw: await connected(world.port), asked };
}

test('ours: codes for the owner, one way to name a stranger, and what became of them', async () => {
  const { raw, asked } = await open();
  expect(await raw.payload('pairing.list')).toMatchObject({ requests: [{ ...request, expired: true }], hasOwner: false, limits: { maxPending: 3 } });
  expect(await raw.payload('pairing.approve', { channel: 'Telegram', code: '7x9k', owner: true })).toEqual({
    ok: true, id: 'pr-1', channel: 'telegram', account: 'default', sender: '11', state: 'approved', handed: 2, contact: { id: 'c-1', name: 'Ann', role: 'guest', blocked: false, createdAt: 1, identities: [] },
  });
  await raw.payload('pairing.deny', { channel: 'telegram', sender: '11', account: 'work' });
  expect(asked).toEqual([
    { target: { channel: 'telegram', code: '7x9k' }, owner: true, by: 'owner' },
    { target: { channel: 'telegram', account: 'work', sender: '11' }, owner: false, by: 'owner' },
  ]);
});

test('the peer\'s: its shapes, without codes, by the id of a request', async () => {
  const { raw, asked } = await open();
  const check = (schema: Parameters<typeof validator>[0], value: unknown): void => {
    const fits = validator(schema);
    expect(fits(value), JSON.stringify(fits.errors)).toBe(true);
  };
  const listed = await raw.payload('channels.pairing.list', {});
  check(ChannelsPairingListResultSchema, listed);
  expect(listed).toMatchObject({ requests: [{ requestId: 'pr-1', senderId: '11', senderLabel: 'Ann @ann', createdAt: '1970-01-01T00:00:01.000Z' }], commandOwnerConfigured: false, limits: { pendingPerAccount: 3, ttlMs: 3_600_000 } });
  expect(JSON.stringify(listed)).not.toContain('7X9K');
  const which = { channel: 'telegram', accountId: 'default', requestId: 'pr-1' };
  const approved = await raw.payload('channels.pairing.approve', { ...which, bootstrapCommandOwner: true });
  check(ChannelsPairingApproveResultSchema, approved);
  expect(approved).toMatchObject({ notification: 'sent', commandOwnerBootstrap: 'configured' });
  check(ChannelsPairingDismissResultSchema, await raw.payload('channels.pairing.dismiss', which));
  expect(asked.map(({ target, owner }) => ({ ...target, owner }))).toEqual([{ channel: 'telegram', account: 'default', id: 'pr-1', owner: true }, { channel: 'telegram', account: 'default', id: 'pr-1', owner: false }]);
});

test('an owner is made by the first approval alone, where the peer\'s clients ask for it', async () => {
  const { raw, asked } = await open({ hasOwner: async () => true });
  expect(await raw.payload('channels.pairing.approve', { channel: 'telegram', accountId: 'default', requestId: 'pr-1', bootstrapCommandOwner: true })).toMatchObject({ commandOwnerBootstrap: 'already-configured' });
  expect(asked).toMatchObject([{ owner: false }]);
});

test('too many wrong codes say when to try again; status counts who waits', async () => {
  const { raw } = await open({ decide: () => Promise.reject(new CodedError('PAIRING_RATE_LIMITED', 'too many wrong pairing codes', 'Try again in 9 s.', { retryAfterMs: 9_000 })) });
  expect(await raw.error('pairing.approve', { channel: 'telegram', code: 'x' })).toMatchObject({ code: 'UNAVAILABLE', retryable: true, retryAfterMs: 9_000, details: { code: 'PAIRING_RATE_LIMITED' } });
  expect(await raw.payload('status')).toMatchObject({ pairing: { waiting: 1, held: 2, oldestAtMs: 1_000 } });
});
