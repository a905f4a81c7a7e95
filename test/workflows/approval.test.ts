/** Approvals on a real server: asked once, waited for without a limit, carried out once, whatever happens meanwhile. */
import { describe, expect, test } from 'vitest';
import { createBookkeeping } from '../../src/activities/bookkeeping.js';
import { textResult } from '../../src/activities/tools/types.js';
import { listApprovals, listGrants, revokeGrant, undeliveredDecisions } from '../../src/storage/approvals.js';
import { askedTool, callsTools, newestResults, newestText, says, scriptedModels, tool, toolset } from '../servers/scripted.js';
import { type House, type HouseOptions, useServer } from './harness.js';

const { session, open: openHouse } = useServer('a');

/** `act <n>` is asked about; `note <n>` never. `go 1 0 2` calls act with these, then tells the results. */
async function open(options: Partial<HouseOptions> = {}) {
  const models = scriptedModels();
  const done: string[] = [];
  const act = askedTool('act', async (args) => (done.push(`act ${String(args['n'])}`), textResult(`acted ${String(args['n'])}`)));
  const note = tool('note', 'side-effecting', async (args) => (done.push(`note ${String(args['n'])}`), textResult('noted')));
  models.on(/^go /, (request) => {
    const results = newestResults(request);
    if (results.length > 0) return says(results.join(' | '));
    return callsTools(...newestText(request).slice(3).split(' ').map((word) => (word.startsWith('n') ? { name: 'note', args: { n: Number(word.slice(1)) } } : { name: 'act', args: { n: Number(word) } })));
  });
  models.on('[approval', (request) => says(`told: ${newestText(request)}`));
  return { h: await openHouse({ models, tools: toolset(act, note), ...options }), models, done };
}

async function asked(h: House, howMany = 1) {
  await h.until(`${howMany} open approvals`, async () => (await listApprovals(h.db, { open: true, limit: 50 })).length === howMany);
  return (await listApprovals(h.db, { open: true, limit: 50 })).toReversed();
}

test('a call that is asked about waits; allowed, it runs once, and later calls of the batch run after it', async () => {
  const { h, done } = await open();
  const key = session();
  await h.send(key, 'r1', 'go 1 n2');
  const [approval] = await asked(h);
  expect(approval).toMatchObject({ state: 'open', request: { tool: 'act', command: 'act 1', why: 'a test' }, call: { session: key, runId: 'r1', step: 1, index: 0 } });
  expect(h.events.filter((e) => e.type === 'approval')).toMatchObject([{ id: approval!.id, runId: 'r1' }]);
  await h.until('it shows', async () => (await h.engine.view(key))?.state === 'waiting-approval');
  expect(await h.engine.view(key)).toMatchObject({ asks: [approval!.id] });
  expect(done).toEqual([]);
  await h.approvals.decide(approval!.id, 'allow-once', 'owner');
  expect(await h.ended('r1')).toMatchObject({ state: 'ok', outcome: { text: 'acted 1 | noted' } });
  expect(done).toEqual(['act 1', 'note 2']);
  expect((await listApprovals(h.db, { limit: 5 }))[0]).toMatchObject({ state: 'allowed', decision: 'allow-once', decidedBy: 'owner', settledAt: expect.any(Number) });
});

test('denied, it does not run, and the model reads that the owner said no', async () => {
  const { h, done } = await open();
  await h.send(session(), 'r1', 'go 1');
  const [approval] = await asked(h);
  await h.approvals.decide(approval!.id, 'deny', 'owner');
  expect((await h.ended('r1')).outcome?.text).toContain('the owner said no');
  expect(done).toEqual([]);
  await h.send(session(), 'r2', 'go 1');
  const [second] = await asked(h);
  await h.approvals.decide(second!.id, 'deny', 'owner', 'not today');
  expect((await h.ended('r2')).outcome?.text).toContain("The owner's reason: not today");
});

test('what runs is what was shown: allowed for a folder that is another one by now, it does not run', async () => {
  let cwd = '/shown';
  const done: string[] = [];
  const models = scriptedModels();
  models.on('go', (request) => (newestResults(request).length === 0 ? callsTools({ name: 'act', args: { n: 1 } }) : says(newestResults(request).join())));
  const act = { ...askedTool('act', async () => (done.push(cwd), textResult('acted'))), approval: async () => ({ tool: 'act', command: 'act', cwd }) };
  const { h } = await open({ models, tools: toolset(act) });
  await h.send(session(), 'r1', 'go');
  const [approval] = await asked(h);
  cwd = '/another';
  await h.approvals.decide(approval!.id, 'allow-once', 'owner');
  expect((await h.ended('r1')).outcome?.text).toContain('nobody was asked');
  expect(done).toEqual([]);
});

test('an attempt that asks after its run was sealed asks nobody', async () => {
  const { h } = await open();
  const key = session();
  const { inboundId, run } = await h.send(key, 'r1', 'go 1');
  const [approval] = await asked(h);
  await h.control.stop(key, {}, 'owner');
  await h.ended('r1');
  await h.db.deleteFrom('approvals').where('id', '=', approval!.id).execute();
  const row = await h.db.selectFrom('sessions').select(['generation', 'conversation']).where('key', '=', key).executeTakeFirstOrThrow();
  const late = createBookkeeping(h.deps).requestApproval({ session: key, generation: Number(row.generation), conversation: row.conversation, inboundId, run, step: 1, index: 0, callSeq: 2 });
  expect(await late).toMatchObject({ state: 'cancelled' });
  expect(await listApprovals(h.db, { limit: 5 })).toEqual([]);
});

test('all questions of a batch are put at once, and may be answered in any order', async () => {
  const { h, done } = await open();
  await h.send(session(), 'r1', 'go 1 2 3');
  const all = await asked(h, 3);
  expect(all.map((a) => a.request.command).toSorted()).toEqual(['act 1', 'act 2', 'act 3']);
  const idOf = (command: string): string => all.find((a) => a.request.command === command)!.id;
  await h.approvals.decide(idOf('act 3'), 'allow-once', 'owner');
  await h.approvals.decide(idOf('act 2'), 'deny', 'owner');
  await h.approvals.decide(idOf('act 1'), 'allow-once', 'owner');
  expect((await h.ended('r1')).outcome?.text).toMatch(/^acted 1 \| NotApproved: the owner said no.* \| acted 3$/);
  expect(done).toEqual(['act 1', 'act 3']);
});

test('a decision is made once: the same again changes nothing, another one is refused with what it was', async () => {
  const { h, done } = await open();
  await h.send(session(), 'r1', 'go 1');
  const [approval] = await asked(h);
  await Promise.all([h.approvals.decide(approval!.id, 'allow-once', 'owner'), h.approvals.decide(approval!.id, 'allow-once', 'owner')]);
  await expect(h.approvals.decide(approval!.id, 'deny', 'owner')).rejects.toMatchObject({ code: 'INVALID_REQUEST', message: expect.stringContaining('already allowed once by owner') });
  await expect(h.approvals.decide('ap-unknown', 'deny', 'owner')).rejects.toMatchObject({ code: 'INVALID_REQUEST', message: expect.stringContaining('no approval ap-unknown') });
  await h.ended('r1');
  expect(done).toEqual(['act 1']);
});

test('allow-always covers exactly that request from then on, until it is revoked', async () => {
  const { h, done } = await open();
  const key = session();
  await h.send(key, 'r1', 'go 1');
  const [approval] = await asked(h);
  await h.approvals.decide(approval!.id, 'allow-always', 'owner');
  await h.ended('r1');
  await h.send(key, 'r2', 'go 1');
  await h.ended('r2');
  expect(done).toEqual(['act 1', 'act 1']);
  await h.send(key, 'r3', 'go 2');
  const [other] = await asked(h);
  await h.approvals.decide(other!.id, 'deny', 'owner');
  await h.ended('r3');
  const [grant] = await listGrants(h.db);
  expect(grant).toMatchObject({ request: { command: 'act 1' }, approval: approval!.id, grantedBy: 'owner' });
  await revokeGrant(h.db, grant!.id);
  await h.send(key, 'r4', 'go 1');
  await asked(h);
});

test('allow-always also answers the same question where it was put already', async () => {
  const { h, done } = await open();
  await h.send(session(), 'r1', 'go 1 1');
  await h.send(session(), 'r2', 'go 1 2');
  const all = await asked(h, 4);
  await h.approvals.decide(all.find((a) => a.request.command === 'act 1')!.id, 'allow-always', 'owner');
  const [other] = await asked(h);
  expect(other!.request.command).toBe('act 2');
  await h.approvals.decide(other!.id, 'deny', 'owner');
  await Promise.all([h.ended('r1'), h.ended('r2')]);
  expect(done).toEqual(['act 1', 'act 1', 'act 1']);
});

test('waiting counts against no time limit of the run', async () => {
  const { h } = await open();
  await h.send(session(), 'r1', 'go 1', { timeoutMs: 1_500 });
  const [approval] = await asked(h);
  await new Promise((resolve) => setTimeout(resolve, 2_000));
  await h.approvals.decide(approval!.id, 'allow-once', 'owner');
  expect(await h.ended('r1')).toMatchObject({ state: 'ok' });
});

test('another message does not wait behind an approval: the call is handed on, and the later decision runs it once in a run of its own', async () => {
  const { h, done, models } = await open();
  const key = session();
  await h.send(key, 'r1', 'go 1 n2');
  const [approval] = await asked(h);
  await h.send(key, 'r2', 'hello');
  expect((await h.ended('r1')).outcome?.text).toMatch(new RegExp(`^waiting for approval ${approval!.id}: .* \\| noted$`));
  expect(await h.ended('r2')).toMatchObject({ state: 'ok', outcome: { text: 'echo: hello' } });
  expect(done).toEqual(['note 2']);
  expect((await listApprovals(h.db, { open: true, limit: 5 }))[0]).toMatchObject({ id: approval!.id, handedOnAt: expect.any(Number) });
  await h.approvals.decide(approval!.id, 'allow-once', 'owner');
  await h.approvals.decide(approval!.id, 'allow-once', 'owner');
  const told = await h.ended(`approval-${approval!.id}`);
  expect(told.outcome?.text).toContain('In run r1 you asked to run: act 1');
  expect(told.outcome?.text).toContain('acted 1');
  expect(done).toEqual(['note 2', 'act 1']);
  // Pairs stay whole: what the model sees of the first run has one result per call.
  const last = models.requests.at(-1)!;
  const calls = last.messages.flatMap((m) => (m.role === 'assistant' ? m.calls.map((c) => c.id) : []));
  expect(last.messages.flatMap((m) => (m.role === 'tool' ? [m.callId] : []))).toEqual(calls);
});

test('a late yes whose call fails for good is told too, and the session works on', async () => {
  const models = scriptedModels();
  models.on('go', (request) => (newestResults(request).length === 0 ? callsTools({ name: 'act', args: { n: 1 } }) : says('handed on')));
  models.on('[approval', (request) => says(`told: ${newestText(request)}`));
  const failing = { ...askedTool('act', () => Promise.reject(new Error('the disk is on fire'))), policy: 'read-only' as const };
  const { h } = await open({ models, tools: toolset(failing) });
  const key = session();
  await h.send(key, 'r1', 'go', { background: true });
  await h.ended('r1');
  const [approval] = await asked(h);
  await h.approvals.decide(approval!.id, 'allow-once', 'owner');
  expect((await h.ended(`approval-${approval!.id}`)).outcome?.text).toMatch(/It failed:\n.*the disk is on fire/);
  await h.send(key, 'r2', 'hello');
  expect(await h.ended('r2')).toMatchObject({ state: 'ok' });
});

test('a late no is told in a run of its own, and nothing runs', async () => {
  const { h, done } = await open();
  const key = session();
  await h.send(key, 'r1', 'go 1');
  const [approval] = await asked(h);
  await h.send(key, 'r2', 'hello');
  await h.ended('r2');
  await h.approvals.decide(approval!.id, 'deny', 'owner', 'not today');
  expect((await h.ended(`approval-${approval!.id}`)).outcome?.text).toMatch(/The owner said no \(not today\): it has not run/);
  expect(done).toEqual([]);
});

test('a run nobody sits beside never waits inside its turn', async () => {
  const { h, done } = await open();
  await h.send(session(), 'r1', 'go 1', { background: true });
  expect((await h.ended('r1')).outcome?.text).toContain('waiting for approval');
  const [approval] = await asked(h);
  await h.approvals.decide(approval!.id, 'allow-once', 'owner');
  await h.ended(`approval-${approval!.id}`);
  expect(done).toEqual(['act 1']);
});

test('a session with a handed-on approval stays, and shows what it waits for; with its decision it goes idle', async () => {
  const { h } = await open({ settings: { idleMs: 1_000 } });
  const key = session();
  await h.send(key, 'r1', 'go 1', { background: true });
  await h.ended('r1');
  const [approval] = await asked(h);
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  expect(await h.engine.view(key)).toMatchObject({ state: 'idle', asks: [approval!.id] });
  await h.approvals.decide(approval!.id, 'deny', 'owner');
  await h.until('it completes', async () => (await h.handle(key).describe()).status.name === 'COMPLETED');
});

test('stopping the run closes its question; it cannot be allowed any more', async () => {
  const { h, done } = await open();
  const key = session();
  await h.send(key, 'r1', 'go 1');
  const [approval] = await asked(h);
  await h.until('it waits', async () => (await h.engine.view(key))?.state === 'waiting-approval');
  await h.control.stop(key, {}, 'owner');
  expect(await h.ended('r1')).toMatchObject({ state: 'aborted' });
  await expect(h.approvals.decide(approval!.id, 'allow-once', 'owner')).rejects.toMatchObject({ message: expect.stringContaining('already cancelled') });
  expect(done).toEqual([]);
});

test('a decision whose run is stopped before it is carried out is nobody’s business any more', async () => {
  const { h, done } = await open();
  const key = session();
  await h.send(key, 'r1', 'go 1 2');
  const all = await asked(h, 2);
  const second = all.find((a) => a.request.command === 'act 2')!;
  await h.approvals.decide(second.id, 'allow-once', 'owner');
  await h.control.stop(key, {}, 'owner');
  await h.ended('r1');
  expect(done).toEqual([]);
  expect(await undeliveredDecisions(h.db, Date.now() + 1)).toEqual([]);
  expect((await listApprovals(h.db, { limit: 5 })).every((a) => a.settledAt !== undefined)).toBe(true);
});

test('a workflow that vanished while it waited asks nothing anew; the decision made meanwhile is carried out once', async () => {
  const { h, done, models } = await open();
  const key = session();
  await h.send(key, 'r1', 'go 1');
  const [approval] = await asked(h);
  const calls = models.requests.length;
  await h.handle(key).terminate('by hand');
  await h.approvals.decide(approval!.id, 'allow-once', 'owner');
  expect(await h.ended('r1')).toMatchObject({ state: 'ok', outcome: { text: 'acted 1' } });
  expect(done).toEqual(['act 1']);
  expect(models.requests.length).toBe(calls + 1);
  expect(await listApprovals(h.db, { limit: 5 })).toHaveLength(1);
});

test('a decision whose signal was lost is signalled again by the sweeper', async () => {
  const { h, done } = await open();
  await h.send(session(), 'r1', 'go 1');
  const [approval] = await asked(h);
  // As a process leaves it that dies between commit and signal.
  await h.db.updateTable('approvals').set({ state: 'allowed', decision: 'allow-once', decided_by: 'owner', decided_at: Date.now() - 60_000 }).where('id', '=', approval!.id).execute();
  await h.approvals.resignal();
  await h.ended('r1');
  expect(done).toEqual(['act 1']);
});

describe('with short histories', () => {
  const few = useServer('cut', { 'limit.historyCount.suggestContinueAsNew': 25 });

  test('every wait is a point to continue as new: a long wait survives it with its question', async () => {
    const models = scriptedModels();
    const done: string[] = [];
    models.on('go', (request) => (newestResults(request).length < 1 || !newestResults(request)[0]!.includes('acted') ? callsTools({ name: 'act', args: { n: 1 } }) : says(newestResults(request).join())));
    const h = await few.open({ models, tools: toolset(askedTool('act', async () => (done.push('act'), textResult('acted')))) });
    const key = few.session();
    await h.send(key, 'r1', 'go');
    const [approval] = await asked(h);
    // Signals that mean nothing fill the history until it is cut.
    const first = (await h.handle(key).describe()).runId;
    await h.until('the history was cut while it waited', async () => {
      await h.engine.decided({ session: key, agent: 'main', channel: 'rpc' }, { approval: 'ap-other' });
      return (await h.handle(key).describe()).runId !== first;
    });
    expect((await h.engine.view(key))?.asks).toEqual([approval!.id]);
    await h.approvals.decide(approval!.id, 'allow-once', 'owner');
    expect(await h.ended('r1')).toMatchObject({ state: 'ok' });
    expect(done).toEqual(['act']);
  });
});
