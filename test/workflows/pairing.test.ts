/** Strangers on a real server: held until the owner's word, handed over once and in order, whatever is killed between. */
import { historyFromJSON } from '@temporalio/common/lib/proto-utils.js';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { Worker } from '@temporalio/worker';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { identityOf } from '../../src/storage/contacts.js';
import { holdMessage } from '../../src/storage/held.js';
import { pairingOf } from '../../src/storage/pairing.js';
import { routeOf } from '../../src/storage/routes.js';
import { startServer, workflowBundle } from './harness.js';
import { type Lobby, buildLobby } from './pairing-harness.js';
import { recordPairing } from './record-pairing.js';

let env: TestWorkflowEnvironment;
let count = 0;
const lobbies: Lobby[] = [];

beforeAll(async () => {
  env = await startServer();
});
afterEach(async () => {
  for (const lobby of lobbies.splice(0)) await lobby.close();
});
afterAll(() => env?.teardown());

async function open(options: Partial<Parameters<typeof buildLobby>[1]> = {}) {
  const [channel, account] = ['telegram', `bot${(count += 1)}`];
  const lobby = await buildLobby(env, { account, ...options });
  lobbies.push(lobby);
  const key = { channel, account, sender: 'ann' };
  const approve = async (owner?: true) => lobby.pairing.decide({ channel, code: await lobby.code('ann') }, { decision: 'approve', by: 'owner', ...(owner ? { owner } : {}) });
  return { lobby, channel, account, key, approve };
}

describe('a stranger', () => {
  it('is told one code, repeats are silent, and Temporal knows neither the code nor a word of theirs', async () => {
    const { lobby, channel, account } = await open();
    for (const id of ['m1', 'm2', 'm3']) expect(await lobby.say('ann', id)).toEqual({ status: 'held' });
    const code = await lobby.code('ann');
    await lobby.say('ann', 'm4');
    const details = async (): Promise<string> => (await lobby.handle('ann').query<{ readonly currentDetails: string }>('__temporal_workflow_metadata')).currentDetails;
    await expect.poll(details).toMatch(/waits for the owner.*4 held/);
    const told = await lobby.told();
    expect(told).toHaveLength(1);
    expect(told[0]).toContain(`openclaw pairing approve ${channel} ${code} --account ${account}`);
    expect(lobby.handed()).toEqual([]);

    const described = await lobby.handle('ann').describe();
    expect(await described.staticSummary()).toBe(`pairing · ${channel} (${account}) · ann`);
    const history = JSON.stringify((await lobby.handle('ann').fetchHistory()).events) + (await details());
    const decoded = history.replaceAll(/"([A-Za-z0-9+/=]{8,})"/g, (_, text: string) => Buffer.from(text, 'base64').toString());
    for (const secret of [code, 'secret words', 'Person']) expect(history + decoded).not.toContain(secret);
  });

  it('who was let in: all of it is handed over in order and once, they are told, and from then on they are somebody', async () => {
    const { lobby, key, approve } = await open();
    for (const id of ['m1', 'm2', 'm3']) await lobby.say('ann', id);
    const done = await approve();
    expect(done).toMatchObject({ state: 'approved', handed: 3, sender: 'ann' });
    expect(lobby.handed()).toEqual(['m1', 'm2', 'm3'].map((id) => lobby.idOf('ann', id)));
    expect(await lobby.row('ann', 'm2')).toMatchObject({ state: 'signalled', session: `agent:main:direct:${done.contact}`, principal: `contact:${done.contact}`, role: 'guest', message: { text: 'secret words of m2' } });
    expect((await lobby.told()).at(-1)).toContain('let in');
    expect(await routeOf(lobby.db, `agent:main:direct:${done.contact}`)).toMatchObject({ channel: 'telegram', conversation: { id: 'ann' } });
    expect(await identityOf(lobby.db, key)).toMatchObject({ state: 'approved', approvedBy: 'owner', direct: { id: 'ann' } });
    expect(await lobby.people.identify(lobby.message('ann', 'm4'))).toMatchObject({ verdict: 'allowed', role: 'guest', contact: { id: done.contact, name: 'Person ann' } });
    expect(await lobby.say('ann', 'm4')).toEqual({ status: 'approved' });
    expect(await lobby.handle('ann').result()).toEqual({ ended: 'let in', handed: 3 });
    expect(await lobby.pairing.list()).toEqual([]);
  });

  it('who is made the owner writes to the main session', async () => {
    const { lobby, approve } = await open();
    expect(await lobby.pairing.hasOwner()).toBe(false);
    await lobby.say('ann', 'm1');
    await approve(true);
    expect(await lobby.row('ann', 'm1')).toMatchObject({ session: 'agent:main:main', principal: 'owner', role: 'owner' });
    expect(await lobby.pairing.hasOwner()).toBe(true);
    expect(await lobby.people.identify(lobby.message('ann', 'm2'))).toMatchObject({ verdict: 'allowed', role: 'owner' });
  });

  it('who was denied is told nothing, and what was held is dropped; who was blocked stays so', async () => {
    const { lobby, channel } = await open();
    for (const [sender, decision] of [['ann', 'deny'], ['bob', 'block']] as const) {
      await lobby.say(sender, 'm1');
      expect(await lobby.pairing.decide({ channel, code: await lobby.code(sender) }, { decision, by: 'owner' })).toMatchObject({ state: decision === 'deny' ? 'denied' : 'blocked', handed: 0 });
      expect(await lobby.row(sender, 'm1')).toMatchObject({ state: 'dropped' });
      expect(await lobby.say(sender, 'm2')).toMatchObject({ status: 'dropped' });
    }
    expect(await lobby.told()).toHaveLength(2);
    expect(await lobby.people.identify(lobby.message('ann', 'm3'))).toMatchObject({ verdict: 'unknown' });
    expect(await lobby.people.identify(lobby.message('bob', 'm3'))).toEqual({ verdict: 'refused', reason: 'blocked' });
    expect(lobby.handed()).toEqual([]);
  });

  it('whom a line of the config lets in meanwhile is handed over with their next message, in order', async () => {
    const { lobby, key } = await open();
    for (const id of ['m1', 'm2']) await lobby.say('ann', id);
    await lobby.code('ann');
    lobby.state.config = { channels: { telegram: { allowFrom: ['ann'] } } };
    expect(await lobby.people.identify(lobby.message('ann', 'm3'))).toMatchObject({ verdict: 'unknown', reason: 'earlier messages are still held' });
    await lobby.say('ann', 'm3');
    expect(await lobby.handle('ann').result()).toEqual({ ended: 'let in', handed: 3 });
    expect(lobby.handed()).toEqual(['m1', 'm2', 'm3'].map((id) => lobby.idOf('ann', id)));
    expect(await identityOf(lobby.db, key)).toMatchObject({ state: 'approved', approvedBy: 'allowFrom' });
    expect(await lobby.people.identify(lobby.message('ann', 'm4'))).toMatchObject({ verdict: 'allowed' });
    // Nobody gave them a word they waited for.
    expect(await lobby.told()).toHaveLength(1);
  });
});

describe('a code', () => {
  it('is taken in lower case and without its prefix, and a wrong one is not; after ten wrong ones nothing is, for a minute', async () => {
    const { lobby, channel } = await open();
    await lobby.say('ann', 'm1');
    const code = await lobby.code('ann');
    const order = { decision: 'approve', by: 'owner' } as const;
    const wrong = code.endsWith('A') ? 'CLAW-BBBB' : 'CLAW-AAAA';
    await expect(lobby.pairing.decide({ channel, code: wrong }, order)).rejects.toMatchObject({ code: 'PAIRING_UNKNOWN' });
    await expect(lobby.pairing.decide({ channel: 'other', code }, order)).rejects.toMatchObject({ code: 'PAIRING_UNKNOWN' });
    for (let i = 0; i < 8; i += 1) await expect(lobby.pairing.decide({ channel, code: 'not a code' }, order)).rejects.toMatchObject({ code: 'PAIRING_UNKNOWN' });
    await expect(lobby.pairing.decide({ channel, code }, order)).rejects.toMatchObject({ code: 'PAIRING_RATE_LIMITED', details: { retryAfterMs: expect.any(Number) } });
    const { createPairing } = await import('../../src/sessions/pairing.js');
    const later = createPairing({ db: lobby.db, engine: lobby.engine, limits: () => ({ ttlMs: 1, maxPending: 1 }), configOwners: () => [], log: { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined } });
    expect(await later.decide({ channel, code: code.slice(5).toLowerCase() }, order)).toMatchObject({ state: 'approved' });
  });

  it('expires, what is held does not, and the next message brings a new one; who does not write again is let in by name', async () => {
    const { lobby, channel } = await open({ config: { pairing: { ttlMinutes: 1 } } });
    await lobby.say('ann', 'm1');
    const first = await lobby.code('ann');
    // A minute is long: the row's clock is put back, as it would be found.
    await lobby.db.updateTable('pairing').set({ expires_at: Date.now() - 1 }).execute();
    await lobby.handle('ann').signal('held', { inboundId: '' });
    expect(await lobby.handle('ann').result()).toMatchObject({ ended: expect.stringContaining('expired') });
    const order = { decision: 'approve', by: 'owner' } as const;
    await expect(lobby.pairing.decide({ channel, code: first }, order)).rejects.toMatchObject({ code: 'PAIRING_UNKNOWN' });
    expect(await lobby.pairing.list()).toMatchObject([{ sender: 'ann', held: 1 }]);
    await lobby.say('ann', 'm2');
    await expect.poll(async () => (await lobby.told()).length).toBe(2);
    await lobby.db.updateTable('pairing').set({ expires_at: Date.now() - 1 }).execute();
    expect(await lobby.pairing.decide({ channel, sender: 'ann' }, order)).toMatchObject({ state: 'approved', handed: 2 });
    expect(lobby.handed()).toEqual(['m1', 'm2'].map((id) => lobby.idOf('ann', id)));
  });

  it('ends by its timer', async () => {
    const { lobby } = await open();
    await lobby.db.updateTable('pairing').set({ expires_at: 0 }).execute();
    await lobby.say('ann', 'm1');
    await lobby.code('ann');
    await lobby.db.updateTable('pairing').set({ expires_at: Date.now() + 1_500 }).execute();
    await lobby.handle('ann').signal('held', { inboundId: '' });
    expect(await lobby.handle('ann').result()).toMatchObject({ ended: expect.stringContaining('expired'), handed: 0 });
  });
});

describe('the hand-over', () => {
  it('may be asked for again, at once and later, and happens once', async () => {
    const { lobby, channel, key } = await open();
    for (const id of ['m1', 'm2', 'm3']) await lobby.say('ann', id);
    const code = await lobby.code('ann');
    const order = { decision: 'approve', by: 'owner' } as const;
    const answers = await Promise.all([1, 2, 3].map(() => lobby.engine.decide(key, order)));
    for (const answer of answers) expect(answer).toMatchObject({ state: 'approved' });
    expect(await lobby.engine.decide(key, order)).toMatchObject({ state: 'approved', handed: 0 });
    expect(await lobby.engine.decide(key, { ...order, decision: 'deny' })).toMatchObject({ state: 'approved' });
    await expect(lobby.pairing.decide({ channel, code }, order)).rejects.toMatchObject({ code: 'PAIRING_UNKNOWN' });
    expect(lobby.handed()).toEqual(['m1', 'm2', 'm3'].map((id) => lobby.idOf('ann', id)));
    expect((await lobby.told()).filter((text) => text.includes('let in.'))).toHaveLength(1);
  });

  it('takes along what arrives while it goes on, behind what was there, and nothing overtakes it', async () => {
    const { lobby, approve } = await open();
    const ids = Array.from({ length: 20 }, (_, i) => `m${i}`);
    for (const id of ids.slice(0, 8)) await lobby.say('ann', id);
    await lobby.code('ann');
    const approving = approve();
    const direct: string[] = [];
    for (const id of ids.slice(8)) {
      const { verdict } = await lobby.people.identify(lobby.message('ann', id));
      const held = verdict === 'unknown' ? await lobby.say('ann', id) : { status: 'approved' as const };
      if (held.status === 'approved') direct.push(id);
      else expect(held).toEqual({ status: 'held' });
    }
    const { handed } = await approving;
    await lobby.handle('ann').result();
    expect(handed + direct.length).toBeGreaterThanOrEqual(8);
    // Held ones first, all of them, in their order; whatever came through the door came after.
    expect(lobby.handed()).toEqual(ids.filter((id) => !direct.includes(id)).map((id) => lobby.idOf('ann', id)));
    expect(direct).toEqual(ids.slice(ids.length - direct.length));
  });

  it('lets nobody in while something of theirs is still held', async () => {
    const { lobby, key, approve } = await open();
    for (const id of ['m1', 'm2']) await lobby.say('ann', id);
    await lobby.code('ann');
    const late = ['m3', 'm4', 'm5'];
    const states: unknown[] = [];
    lobby.state.onSignal = async () => {
      states.push((await identityOf(lobby.db, key))?.state);
      const next = late.shift();
      if (next !== undefined) expect(await lobby.say('ann', next)).toEqual({ status: 'held' });
    };
    expect(await approve()).toMatchObject({ handed: 5 });
    expect(states).toEqual(Array.from({ length: 5 }, () => undefined));
    expect(lobby.handed()).toEqual(['m1', 'm2', 'm3', 'm4', 'm5'].map((id) => lobby.idOf('ann', id)));
  });

  it('waits for an engine that is away, and goes on in order', async () => {
    const { lobby, approve } = await open();
    for (const id of ['m1', 'm2']) await lobby.say('ann', id);
    await lobby.code('ann');
    lobby.state.engineAway = true;
    const approving = approve();
    await expect.poll(async () => (await lobby.handle('ann').describe()).raw.pendingActivities?.[0]?.attempt ?? 0).toBeGreaterThan(1);
    expect(await lobby.row('ann', 'm2')).toMatchObject({ state: 'held' });
    lobby.state.engineAway = false;
    expect(await approving).toMatchObject({ state: 'approved' });
    expect(lobby.handed()).toEqual(['m1', 'm2'].map((id) => lobby.idOf('ann', id)));
  });

  it.each(['decidePairing:after', 'signal 2:before', 'signal 2:after', 'handOver:after', 'tellAdmitted:after'])('survives SIGKILL at %s', async (point) => {
    const { lobby, key, approve } = await open();
    for (const id of ['m1', 'm2', 'm3']) await lobby.say('ann', id);
    await lobby.code('ann');
    await expect.poll(async () => (await lobby.handle('ann').describe()).raw.pendingActivities?.length ?? 0).toBe(0);
    await lobby.stopActivities();
    const { gone } = await lobby.startDoomed(point);
    const approving = approve();
    await gone;
    expect(await identityOf(lobby.db, key)).toMatchObject(point.startsWith('tell') || point === 'handOver:after' ? { state: 'approved' } : {});
    await lobby.startActivities();
    expect(await approving).toMatchObject({ state: 'approved' });
    expect(lobby.handed()).toEqual(['m1', 'm2', 'm3'].map((id) => lobby.idOf('ann', id)));
    for (const id of ['m1', 'm2', 'm3']) expect((await lobby.row('ann', id)).state).toBe('signalled');
    expect((await lobby.told()).filter((text) => text.includes('let in.'))).toHaveLength(1);
    expect(await pairingOf(lobby.db, key)).toMatchObject({ settledAt: expect.any(Number) });
  });
});

describe('its histories', () => {
  it('replay, as those of a release are recorded', async () => {
    const recorded = await recordPairing(env);
    expect([...recorded.keys()]).toEqual(['pairing-waits', 'pairing-let-in', 'pairing-denied', 'pairing-expired']);
    const bundle = await workflowBundle();
    for (const json of recorded.values()) await Worker.runReplayHistory({ workflowBundle: bundle }, historyFromJSON(JSON.parse(json) as Parameters<typeof historyFromJSON>[0]), 'pairing:replayed');
  });
});

describe('the sweep', () => {
  it('finds whom a lost signal left without a code, and whose approval was not carried out', async () => {
    const { lobby, key } = await open();
    const message = lobby.message('ann', 'm1');
    await lobby.db.transaction().execute((tx) => holdMessage(tx, { id: lobby.idOf('ann', 'm1'), messageKey: 'k', payloadHash: 'h', message }, lobby.pairing.limits()));
    await new Promise((resolve) => setTimeout(resolve, 2));
    await lobby.pairing.sweep();
    await lobby.code('ann');
    await lobby.handle('ann').terminate('as if its engine were lost');
    await lobby.db.updateTable('pairing').set({ state: 'approved', decided_at: 1, decided_by: 'owner', contact: await contactId(lobby) }).execute();
    await lobby.pairing.sweep();
    await lobby.handle('ann').result();
    expect(lobby.handed()).toEqual([lobby.idOf('ann', 'm1')]);
    expect(await identityOf(lobby.db, key)).toMatchObject({ state: 'approved' });
  });
});

async function contactId(lobby: Lobby): Promise<string> {
  const { putContact } = await import('../../src/storage/contacts.js');
  return (await lobby.db.transaction().execute((tx) => putContact(tx, { name: 'Ann' }))).id;
}
