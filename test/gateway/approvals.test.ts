/** `exec.approval.*` and `approvals.*` over real sockets, from the real store. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createBus } from '../../src/bus/bus.js';
import { toolCallId } from '../../src/gateway/agent-events.js';
import { watchApprovals } from '../../src/gateway/approval-watch.js';
import { createApprovals } from '../../src/sessions/approvals.js';
import { approvalId, callKey, markHandedOn, putApproval } from '../../src/storage/approvals.js';
import { fakeEngine } from '../sessions/house.js';
import { accept, makeStore, SESSION } from '../storage/store.js';
import { type World, connected, startWorld } from './fakes.js';

let world: World | undefined;
afterEach(async () => {
  vi.useRealTimers();
  await world?.close();
  world = undefined;
});

async function open(scopes?: readonly string[]) {
  const { db } = await makeStore();
  const engine = fakeEngine();
  const events = createBus();
  const quiet = (): void => undefined;
  const approvals = createApprovals({ db, engine, events, log: { debug: quiet, info: quiet, warn: quiet, error: quiet } });
  world = await startWorld({ events, deps: { approvals } });
  const { port } = world;
  /** As the session's activity puts it. */
  const asked = async (run = 'run-1', index = 0): Promise<string> => {
    const call = { session: SESSION, run: `hash of ${run}`, runId: run, step: 1, index, callSeq: 2 };
    const id = approvalId(callKey(call));
    await db.transaction().execute((tx) => putApproval(tx, { id, agent: 'main', request: { tool: 'exec', command: 'make | tee log', cwd: '/workspace', env: { A: 'b' }, why: 'it has a pipe' }, call }));
    return id;
  };
  return { db, engine, asked, approvals, port, client: await connected(port, scopes ? { scopes } : {}) };
}

describe('an approval', () => {
  it('is listed and got as it will run, with its run, and a time that never comes; hello announces methods and events', async () => {
    const h = await open();
    const id = await h.asked();
    const entry = {
      id, createdAtMs: expect.any(Number), expiresAtMs: expect.any(Number),
      request: { tool: 'exec', command: 'make | tee log', cwd: '/workspace', env: { A: 'b' }, why: 'it has a pipe', agentId: 'main', sessionKey: SESSION, runId: 'run-1', toolCallId: toolCallId('hash of run-1', 1, 0), allowedDecisions: ['allow-once', 'allow-always', 'deny'] },
    };
    const [listed] = (await h.client.payload('exec.approval.list')) as unknown as { expiresAtMs: number }[];
    expect(listed).toMatchObject(entry);
    expect(listed!.expiresAtMs).toBeGreaterThan(Date.now() + 365 * 24 * 3_600_000);
    expect(await h.client.payload('exec.approval.get', { id })).toMatchObject({ ...entry, status: 'pending', handedOn: false, commandText: 'make | tee log' });
    expect(await h.client.payload('status')).toMatchObject({ approvals: { open: 1, ids: [id] } });
    const hello = h.client.frames.find((frame) => frame['id'] === 'connect') as { payload?: { features: { methods: string[]; events: string[] } } };
    for (const name of ['list', 'request', 'resolve', 'waitDecision', 'get']) expect(hello.payload?.features.methods).toContain(`exec.approval.${name}`);
    expect(hello.payload?.features.events).toEqual(expect.arrayContaining(['exec.approval.requested', 'exec.approval.resolved']));
  });

  it('is decided once: repeated alike it is told again, otherwise it is refused with what it was', async () => {
    const h = await open();
    const id = await h.asked();
    expect(await h.client.payload('exec.approval.resolve', { id, decision: 'allow-once' })).toEqual({ ok: true, id, decision: 'allow-once' });
    expect(h.engine.answers).toEqual([{ session: SESSION, answer: { approval: id } }]);
    expect(await h.client.payload('exec.approval.resolve', { id, decision: 'allow-once' })).toMatchObject({ ok: true });
    expect(h.engine.answers).toHaveLength(1);
    expect(await h.client.error('exec.approval.resolve', { id, decision: 'deny' })).toMatchObject({ code: 'INVALID_REQUEST', message: expect.stringContaining('already allowed once by owner'), details: { code: 'ALREADY_DECIDED' } });
    expect(await h.client.error('exec.approval.resolve', { id: 'ap-none', decision: 'deny' })).toMatchObject({ code: 'INVALID_REQUEST', details: { code: 'UNKNOWN_APPROVAL' } });
    for (const wrong of [{ id }, { id, decision: 'maybe' }, { id: '', decision: 'deny' }, { id, decision: 'deny', extra: 1 }]) expect(await h.client.error('exec.approval.resolve', wrong)).toMatchObject({ code: 'INVALID_REQUEST' });
    expect(await h.client.payload('exec.approval.list')).toEqual([]);
    expect(await h.client.payload('approvals.list', { all: true })).toMatchObject({ approvals: [{ id, status: 'allowed', decision: 'allow-once', decidedBy: 'owner' }] });
  });

  it('decided alike a second time: told what was decided, by whom, when and why, and that alone', async () => {
    const h = await open();
    const id = await h.asked();
    expect(await h.client.payload('approvals.deny', { id, reason: 'not on a Friday' })).toEqual({ ok: true, id, decision: 'deny' });
    expect(await h.client.payload('approvals.deny', { id, reason: 'nor on a Monday' })).toEqual({ ok: true, id, decision: 'deny', repeated: true, decidedBy: 'owner', resolvedAtMs: expect.any(Number), reason: 'not on a Friday' });
    expect(await h.client.error('exec.approval.resolve', { id, decision: 'allow-once' })).toMatchObject({
      message: expect.stringMatching(/already denied by owner at .* \(not on a Friday\)/), details: { code: 'ALREADY_DECIDED', decision: 'deny', hint: expect.stringContaining('asked anew') },
    });
  });

  it('allowed once can be allowed always later by who allowed it: what is to come, also what is asked already; nobody else can', async () => {
    const h = await open();
    const [id, same] = [await h.asked(), await h.asked('run-2')];
    await h.approvals.decide(id, 'allow-once', 'anna');
    expect(await h.client.error('exec.approval.resolve', { id, decision: 'allow-always' })).toMatchObject({ message: expect.stringContaining('already allowed once by anna'), details: { hint: expect.stringContaining('openclaw runs abort run-1') } });
    expect(await h.client.payload('approvals.grants')).toEqual({ grants: [] });
    await h.db.updateTable('approvals').set({ decided_by: 'owner' }).where('id', '=', id).execute();
    const told = h.engine.answers.length;
    const grant = { id: id.replace('ap-', 'gr-'), command: 'make | tee log', grantedBy: 'owner' };
    expect(await h.client.payload('exec.approval.resolve', { id, decision: 'allow-always' })).toMatchObject({ decision: 'allow-once', repeated: true, decidedBy: 'owner', grant });
    expect(await h.client.payload('approvals.grants')).toMatchObject({ grants: [grant] });
    expect(await h.client.payload('exec.approval.get', { id: same })).toMatchObject({ status: 'allowed', reason: `covered by ${id}` });
    expect(h.engine.answers.slice(told)).toEqual([{ session: SESSION, answer: { approval: same } }]);
  });

  it('however many are open, pages reach them all, each once', async () => {
    const h = await open();
    await h.db.transaction().execute(async (tx) => {
      for (let index = 0; index < 230; index += 1) await putApproval(tx, { id: `ap-n${index}`, agent: 'main', request: { tool: 'exec', command: 'ls' } });
    });
    const first = (await h.client.payload('exec.approval.list')) as unknown as { id: string }[];
    const rest = (await h.client.payload('exec.approval.list', { limit: 500, offset: 200 })) as unknown as { id: string }[];
    expect([first.length, rest.length, new Set([...first, ...rest].map(({ id }) => id)).size]).toEqual([200, 30, 230]);
    expect(await h.client.payload('approvals.list')).toMatchObject({ count: 200, totalCount: 230, hasMore: true, nextOffset: 200 });
    expect(await h.client.payload('approvals.list', { offset: 200 })).toMatchObject({ count: 30, totalCount: 230, hasMore: false, nextOffset: null });
    expect(await h.client.payload('status')).toMatchObject({ approvals: { open: 230 } });
  });

  it('denied with a reason keeps it', async () => {
    const h = await open();
    const id = await h.asked();
    await h.client.payload('approvals.deny', { id, reason: 'not on a Friday' });
    expect(await h.client.payload('exec.approval.get', { id })).toMatchObject({ status: 'denied', reason: 'not on a Friday' });
  });

  it('that was handed on names the run of its decision', async () => {
    const h = await open();
    const id = await h.asked();
    await accept(h.db, 'in-1', { run: 'hash of run-1', run_id: 'run-1' });
    await h.db.transaction().execute((tx) => markHandedOn(tx, id));
    expect(await h.client.payload('exec.approval.resolve', { id, decision: 'allow-once' })).toMatchObject({ followOnRunId: `approval-${id}` });
    expect(h.engine.delivered.map(({ item }) => item.principal)).toEqual(['owner']);
    // Once: the second answer starts no second run.
    await h.client.payload('exec.approval.resolve', { id, decision: 'allow-once' });
    expect(h.engine.delivered).toHaveLength(1);
  });

  it('belongs to who may answer for the owner; what was allowed always may be read', async () => {
    const h = await open(['operator.read', 'operator.write']);
    expect(await h.client.payload('approvals.grants')).toEqual({ grants: [] });
    for (const [method, params] of [['exec.approval.list', {}], ['exec.approval.resolve', { id: 'x', decision: 'deny' }], ['approvals.list', {}], ['approvals.revoke', { id: 'x' }]] as const) {
      expect(await h.client.error(method, params)).toMatchObject({ code: 'FORBIDDEN', details: { missingScope: 'operator.approvals' } });
    }
    const id = await h.asked();
    const approver = await connected(h.port, { scopes: ['operator.approvals'] });
    await approver.payload('exec.approval.resolve', { id, decision: 'deny' });
    await approver.until(() => approver.events('exec.approval.resolved')[0]);
    expect(h.client.events('exec.approval.resolved')).toEqual([]);
  });
});

describe('events', () => {
  it('tell what was asked and how it ended, once, also without the bus', async () => {
    const h = await open();
    const id = await h.asked();
    expect(await h.client.until(() => h.client.events('exec.approval.requested')[0])).toMatchObject({ approvalKind: 'exec', id, request: { command: 'make | tee log', runId: 'run-1' }, expiresAtMs: expect.any(Number) });
    await h.client.payload('exec.approval.resolve', { id, decision: 'allow-always' });
    expect(await h.client.until(() => h.client.events('exec.approval.resolved')[0])).toMatchObject({ id, decision: 'allow-always', resolvedBy: 'owner', status: 'allowed' });
    const second = await h.asked('run-2');
    await h.client.until(() => h.client.events('exec.approval.requested').find((event) => event['id'] === second));
    expect(h.client.events('exec.approval.requested').map((event) => event['id'])).toEqual([id, second]);
    expect(h.client.events('exec.approval.resolved')).toHaveLength(1);
  });

  it('tell that one handed on long after it was asked is what was told already; and that one is past its time', async () => {
    const { db } = await makeStore();
    const told: string[] = [];
    const quiet = (): void => undefined;
    const log = { debug: quiet, info: quiet, warn: quiet, error: quiet };
    const approvals = createApprovals({ db, engine: fakeEngine(), events: createBus(), log });
    vi.useFakeTimers({ toFake: ['Date', 'setTimeout', 'clearTimeout'] });
    const watch = watchApprovals({ approvals, events: createBus(), log, pollMs: 1_000, tell: (approval) => void told.push(`${approval.id} ${approval.state}`) });
    const pass = async (seconds: number): Promise<void> => {
      for (let second = 0; second < seconds; second += 1) {
        await vi.advanceTimersByTimeAsync(1_000);
        // The store answers in its own time.
        await new Promise((resolve) => setImmediate(resolve));
        await db.selectFrom('approvals').select('id').execute();
      }
    };
    const id = 'ap-handedon';
    await db.transaction().execute((tx) => putApproval(tx, { id, agent: 'main', request: { tool: 'exec', command: 'ls | wc' }, call: { session: SESSION, run: 'r', runId: 'r-1', step: 1, index: 0, callSeq: 2 } }));
    await approvals.request({ id: 'mine', command: 'ls', agent: 'main', timeoutMs: 20_000 });
    await pass(40);
    await db.transaction().execute((tx) => markHandedOn(tx, id));
    await pass(5);
    expect(told).toEqual([`${id} open`, 'mine open', 'mine expired']);
    watch.close();
  });
});

describe('a run that was merged into another one', () => {
  it('waits for what that one waits for', async () => {
    const h = await open();
    for (const runId of ['run-1', 'joined']) {
      await h.client.payload('chat.send', { sessionKey: SESSION, message: runId, idempotencyKey: runId });
      world!.store.take(runId);
    }
    world!.store.change('run-1', { run: 'hash of run-1' });
    world!.store.change('joined', { state: 'merged', endedAt: Date.now(), mergedInto: 'hash of run-1' });
    const id = await h.asked();
    for (const runId of ['run-1', 'joined']) expect(await h.client.payload('agent.wait', { runId, timeoutMs: 0 })).toMatchObject({ runId, status: 'timeout', waitingFor: 'approval', approvals: [id] });
  });
});

describe('waiting for a decision', () => {
  it('ends with it, finds one that was made before, and says when the time is up', async () => {
    const h = await open();
    const id = await h.asked();
    expect(await h.client.payload('exec.approval.waitDecision', { id, timeoutMs: 30 })).toMatchObject({ id, decision: null, status: 'pending' });
    const waiting = h.client.payload('exec.approval.waitDecision', { id });
    await h.client.payload('exec.approval.resolve', { id, decision: 'deny' });
    expect(await waiting).toMatchObject({ decision: 'deny', status: 'denied' });
    expect(await h.client.payload('exec.approval.waitDecision', { id })).toMatchObject({ decision: 'deny' });
    expect(await h.client.error('exec.approval.waitDecision', { id: 'ap-none' })).toMatchObject({ details: { code: 'UNKNOWN_APPROVAL' } });
  });

  it('is what a client’s own question does, in two phases when asked to; past its time it is expired and cannot be decided', async () => {
    const h = await open();
    const call = h.client.call('exec.approval.request', { command: 'rm -r build', cwd: '/x', twoPhase: true });
    const first = (await h.client.response(call))['payload'] as { id: string };
    expect(first).toMatchObject({ status: 'accepted', id: expect.stringMatching(/^ap-/) });
    await h.client.payload('exec.approval.resolve', { id: first.id, decision: 'allow-once' });
    expect((await h.client.response(call, 1))['payload']).toMatchObject({ id: first.id, decision: 'allow-once' });
    expect(await h.client.payload('exec.approval.request', { command: 'ls', timeoutMs: 40, id: 'mine' })).toMatchObject({ id: 'mine', decision: null });
    expect(await h.client.error('exec.approval.resolve', { id: 'mine', decision: 'deny' })).toMatchObject({ message: expect.stringContaining('already expired') });
    expect(await h.client.error('exec.approval.request', { command: 'ls', id: 'mine' })).toMatchObject({ message: expect.stringContaining('exists already') });
    // Shown is everything that makes a difference.
    const words = h.client.call('exec.approval.request', { commandArgv: ['rm', 'a b', "it's"], env: { PATH: '/evil' }, warningText: 'it removes', id: 'words', twoPhase: true });
    await h.client.response(words);
    expect(await h.client.payload('exec.approval.get', { id: 'words' })).toMatchObject({ request: { command: "rm 'a b' 'it'\\''s'", env: { PATH: '/evil' }, why: 'it removes' } });
    await h.client.payload('exec.approval.resolve', { id: 'words', decision: 'allow-always' });
    expect(await h.client.payload('approvals.grants')).toMatchObject({ grants: [{ id: 'gr-words', env: { PATH: '/evil' } }] });
    expect(await h.client.error('exec.approval.request', {})).toMatchObject({ code: 'INVALID_REQUEST' });
    // However many of them: they hide none that is open.
    const still = await h.asked();
    await h.db.updateTable('approvals').set({ created_at: 1 }).where('id', '=', still).execute();
    await h.db.transaction().execute(async (tx) => {
      for (let index = 0; index < 200; index += 1) await putApproval(tx, { id: `past-${index}`, agent: 'main', request: { tool: 'exec', command: 'ls' }, expiresAt: 1 });
    });
    expect(await h.client.payload('exec.approval.list')).toMatchObject([{ id: still }]);
  });
});

describe('grants', () => {
  it('are what allow-always allowed, word for word, until revoked', async () => {
    const h = await open();
    const id = await h.asked();
    await h.client.payload('exec.approval.resolve', { id, decision: 'allow-always' });
    const { grants } = (await h.client.payload('approvals.grants')) as { grants: { id: string }[] };
    expect(grants).toMatchObject([{ command: 'make | tee log', cwd: '/workspace', env: { A: 'b' }, approval: id, grantedBy: 'owner' }]);
    expect(await h.client.payload('approvals.revoke', { id: grants[0]!.id })).toMatchObject({ ok: true, grant: { command: 'make | tee log' } });
    expect(await h.client.payload('approvals.grants')).toEqual({ grants: [] });
    expect(await h.client.error('approvals.revoke', { id: grants[0]!.id })).toMatchObject({ code: 'INVALID_REQUEST', details: { code: 'UNKNOWN_GRANT' } });
  });
});
