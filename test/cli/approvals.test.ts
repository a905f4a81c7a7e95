/** `approvals`, and what `agent` and `runs wait` do when their run asks: at a terminal and without one. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { connectGateway } from '../../src/cli/lib/client.js';
import { visible } from '../../src/cli/lib/terminal.js';
import { UNANSWERED_MS, watchUnanswered } from '../../src/cli/lib/waiting.js';
import { ANSWERED, startGatewayStub, type GatewayStub, type StubContext, type StubHandler, type StubOptions } from '../servers/gateway-stub.js';
import { makeInstallation, type Installation } from './cli.js';
import { startOnTerminal } from './terminal.js';

/** Told in hours and minutes: the seconds that a test takes do not show. */
const AGE_MS = 2 * 3_600_000;

let home: Installation;
const stubs: GatewayStub[] = [];
beforeEach(() => {
  home = makeInstallation();
});
afterEach(async () => {
  await Promise.all(stubs.splice(0).map((stub) => stub.close()));
  home.remove();
});

async function stub(methods: NonNullable<StubOptions['methods']>, port?: number): Promise<GatewayStub> {
  const started = await startGatewayStub({ methods, ...(port === undefined ? {} : { port }) });
  stubs.push(started);
  home.env['OPENCLAW_GATEWAY_PORT'] = String(started.port);
  return started;
}

const json = async (args: readonly string[]) => {
  const result = await home.run([...args, '--json']);
  return { ...result, document: JSON.parse(result.stdout) as Record<string, unknown> };
};

const entry = (id: string, command = 'git push', more: Readonly<Record<string, unknown>> = {}) => ({
  id,
  request: { command, cwd: '/work', why: 'git push: not in tools.exec.allow', tool: 'exec', agentId: 'main', sessionKey: 'agent:main:main', runId: 'r-1', allowedDecisions: ['allow-once', 'allow-always', 'deny'], ...more },
  // As old as its number says, so that one is asked before the other.
  createdAtMs: Date.now() - AGE_MS - (9 - Number(/\d$/.exec(id)?.[0] ?? 0)) * 100,
  expiresAtMs: Date.now() + 1e12,
});
const info = (id: string, command?: string, more: Readonly<Record<string, unknown>> = {}) => ({ ...entry(id, command), status: 'pending', handedOn: false, ...more });

describe('approvals', () => {
  const list = (open: readonly unknown[], closed: readonly unknown[] = []): StubHandler => (params) => ({ ts: 1, approvals: params['all'] === true ? [...open, ...closed] : open });
  const resolve: StubHandler = (params) => ({ ok: true, id: params['id'], decision: params['decision'] ?? 'deny' });

  test('list shows what will run, exactly: whole, with what does not show written out', async () => {
    const open = info('ap-aaa11111', 'echo one\n\tfolder     /safe\u001b[2K\r\u202etxt.exe', { ...entry('x').request });
    await stub({ 'approvals.list': list([{ ...open, request: { ...open.request, env: { A: 'x\ny', B: '2' }, cwd: '/w\u200bork' } }], [info('ap-bbb22222', 'ls', { status: 'denied', decision: 'deny', decidedBy: 'owner', reason: 'no', resolvedAtMs: Date.now() - AGE_MS })]) });
    const { stdout } = await home.run(['approvals', 'list']);
    expect(stdout).toBe([
      'ap-aaa11111  asked 2 h ago by run r-1 in agent:main:main',
      '  $ echo one',
      '  > \\tfolder     /safe\\x1b[2K\\r\\u{202e}txt.exe',
      '  folder     /w\\u{200b}ork',
      '  variables  A=x\\ny',
      '             B=2',
      '  asked for  git push: not in tools.exec.allow',
      '  openclaw approvals approve ap-aaa11111',
      '  openclaw approvals deny ap-aaa11111',
      '',
    ].join('\n'));
    const all = await home.run(['approvals', 'list', '--all']);
    expect(all.stdout).toMatch(/ap-bbb22222 {2}asked 2 h ago by run r-1 in agent:main:main, denied by owner 2 h ago \(no\)/);
    expect((await json(['approvals', 'list'])).document).toMatchObject({ approvals: [{ id: 'ap-aaa11111', request: { command: open.request.command } }] });
  });

  test('nothing that is not seen, or seen as something else, stays unseen', () => {
    expect(visible('a b\u00a0c\u2028d\u00ade\u115ff\ufe0fg\u{e0041}h\u0085i\u009b31mj')).toBe('a b\\xa0c\\u{2028}d\\xade\\u{115f}f\\u{fe0f}g\\u{e0041}h\\x85i\\x9b31mj');
    expect(visible('grün 日本 ok\nnext')).toBe('grün 日本 ok\nnext');
  });

  test('an id may be given without its first part, in any case, shortened; one that could be two is refused with both', async () => {
    const gateway = await stub({ 'approvals.list': list([info('ap-abcd1111'), info('ap-abce2222', 'ls')], [info('ap-zzz33333', 'ls', { status: 'allowed', decision: 'allow-once' })]), 'exec.approval.resolve': resolve, 'approvals.deny': resolve });
    const resolved = () => gateway.calls.filter(({ method }) => method !== 'approvals.list').map(({ method, params }) => ({ method, ...params }));
    for (const typed of ['ap-abcd1111', 'ABCD', 'Ap-AbCd1']) expect((await home.run(['approvals', 'approve', typed])).code).toBe(0);
    expect(resolved()).toEqual(Array.from({ length: 3 }, () => ({ method: 'exec.approval.resolve', id: 'ap-abcd1111', decision: 'allow-once' })));
    const two = await json(['approvals', 'approve', 'abc']);
    expect(two).toMatchObject({ code: 1, document: { error: { code: 'AMBIGUOUS', message: '"abc" could be ap-abcd1111 (git push), ap-abce2222 (ls)', details: { candidates: ['ap-abcd1111', 'ap-abce2222'] } } } });
    expect((await home.run(['approvals', 'approve', 'ap-ab'])).code).toBe(2);
    expect((await json(['approvals', 'deny', 'xyz'])).document).toMatchObject({ error: { code: 'UNKNOWN_APPROVAL' } });
    expect(resolved()).toHaveLength(3);
    // One that is decided already: the gateway says how.
    await home.run(['approvals', 'approve', 'zzz']);
    expect(resolved().at(-1)).toMatchObject({ id: 'ap-zzz33333' });
  });

  test('always, deny, and deny with a reason; one that was handed on names the run it runs in', async () => {
    const gateway = await stub({
      'approvals.list': list([info('ap-abcd1111', 'git push', { handedOn: true })]),
      'exec.approval.resolve': (params) => ({ ok: true, id: params['id'], decision: params['decision'], followOnRunId: 'approval-ap-abcd1111' }),
      'approvals.deny': resolve,
    });
    const allowed = await home.run(['approvals', 'approve', 'abcd', '--always']);
    expect(allowed.stdout).toContain('  $ git push\n');
    expect(allowed.stdout).toContain('Allowed always: ap-abcd1111. Its run had gone on without it, so it runs now as run approval-ap-abcd1111: openclaw runs show approval-ap-abcd1111\n');
    expect((await home.run(['approvals', 'deny', 'abcd'])).stdout).toContain('the agent is told in run approval-ap-abcd1111: openclaw runs show approval-ap-abcd1111');
    expect((await home.run(['approvals', 'deny', 'abcd', '--reason', 'use a branch'])).stdout).toContain('Denied: ap-abcd1111.\n');
    expect(gateway.calls.filter(({ method }) => method !== 'approvals.list')).toEqual([
      { method: 'exec.approval.resolve', params: { id: 'ap-abcd1111', decision: 'allow-always' } },
      { method: 'exec.approval.resolve', params: { id: 'ap-abcd1111', decision: 'deny' } },
      { method: 'approvals.deny', params: { id: 'ap-abcd1111', reason: 'use a branch' } },
    ]);
  });

  test('decided before: by whom, when and why, what was not taken, and what can still be done', async () => {
    const was = { repeated: true, decidedBy: 'owner', resolvedAtMs: Date.now() - AGE_MS };
    const grant = { id: 'gr-abcd1111', command: 'git push', createdAtMs: 1 };
    await stub({
      'approvals.list': list([], [info('ap-abcd1111', 'git push', { status: 'denied', decision: 'deny' })]),
      'approvals.deny': (params) => ({ ok: true, id: params['id'], decision: 'deny', ...was, reason: 'no' }),
      'exec.approval.resolve': (params) => ({ ok: true, id: params['id'], decision: 'allow-once', ...was, ...(params['decision'] === 'allow-always' ? { grant } : {}) }),
    });
    expect((await home.run(['approvals', 'deny', 'abcd', '--reason', 'other'])).stdout).toContain('ap-abcd1111 was denied by owner 2 h ago already (no); nothing was changed. The reason you gave now reaches nobody. Ask the agent to try again, and you are asked anew.\n');
    expect((await home.run(['approvals', 'approve', 'abcd'])).stdout).toContain('ap-abcd1111 was allowed once by owner 2 h ago already; nothing was changed.\n');
    expect((await home.run(['approvals', 'approve', 'abcd', '--always'])).stdout).toContain('already; the same is allowed always from now on. Take that back: openclaw approvals revoke gr-abcd1111\n');
  });

  test('more than a page: said, with the command that goes on; an id is found on any page', async () => {
    const many = Array.from({ length: 3 }, (_, index) => info(`ap-abcd111${index}`));
    await stub({
      'approvals.list': ({ offset = 0, limit = 500 }) => {
        const [from, most] = [Number(offset), Math.min(Number(limit), 2)];
        return { approvals: many.slice(from, from + most), totalCount: 3, nextOffset: from + most < 3 ? from + most : null };
      },
      'exec.approval.resolve': resolve,
    });
    expect((await home.run(['approvals', 'list', '--limit', '2'])).stdout).toMatch(/\n1 more: openclaw approvals list --limit 2 --offset 2\n$/);
    expect((await home.run(['approvals', 'list', '--offset', '2'])).stdout).not.toContain('more:');
    expect((await home.run(['approvals', 'approve', 'abcd1112'])).stdout).toContain('Allowed once: ap-abcd1112.');
  });

  test('grants and revoke', async () => {
    const grant = { id: 'gr-abcd1111', agentId: 'main', command: 'git push\u0007', cwd: '/work', approval: 'ap-abcd1111', grantedBy: 'owner', createdAtMs: Date.now() - AGE_MS };
    const gateway = await stub({ 'approvals.grants': () => ({ grants: [grant] }), 'approvals.revoke': () => ({ ok: true, grant }) });
    expect((await home.run(['approvals', 'grants'])).stdout).toBe('gr-abcd1111  allowed always to agent main by owner 2 h ago\n  $ git push\\x07\n  folder     /work\n');
    expect((await home.run(['approvals', 'revoke', 'ABC'])).stdout).toContain('Taken back.');
    expect(gateway.calls.at(-1)).toEqual({ method: 'approvals.revoke', params: { id: 'gr-abcd1111' } });
    expect((await json(['approvals', 'revoke', 'xyz'])).document).toMatchObject({ error: { code: 'UNKNOWN_GRANT' } });
  });

  test('status and runs say what waits, with the command that answers', async () => {
    const run = { runId: 'r-1', sessionKey: 'agent:main:main', state: 'running', acceptedAt: 1, startedAt: 2, endedAt: null };
    await stub({
      status: () => ({ approvals: { open: 2, oldestAtMs: Date.now() - AGE_MS, ids: ['ap-a', 'ap-b'] } }),
      'runs.list': () => ({ runs: [{ ...run, waitsFor: 'approval' }] }),
      'runs.get': () => ({ run: { ...run, waitsForApproval: [{ id: 'ap-a', command: 'git\u001b push' }] }, steps: [] }),
    });
    expect((await home.run(['status'])).stdout).toMatch(/Approvals +│ 2 wait for your answer, the oldest asked 2 h ago: openclaw approvals list/);
    expect((await home.run(['runs', 'list'])).stdout).toMatch(/r-1 .*running \(waits for an approval\)/);
    expect((await home.run(['runs', 'show', 'r-1'])).stdout).toContain('approval ap-a of git\\x1b push. Allow it: openclaw approvals approve ap-a; or deny it: openclaw approvals deny ap-a\n');
  });
});

const accept = (params: Readonly<Record<string, unknown>>) => ({ runId: params['idempotencyKey'], sessionKey: 'agent:main:main', status: 'accepted', acceptedAt: 1 });
const final = (text: string) => ({ runId: 'r-1', sessionKey: 'agent:main:main', status: 'ok', result: { payloads: [{ text }] } });
/** Accepts, and never ends. */
const hanging: StubHandler = (params, context) => (context.respond(accept(params)), ANSWERED);

describe('without a person', () => {
  const waiting: StubHandler = (params) => (params['timeoutMs'] === 0 ? { runId: params['runId'], status: 'timeout', waitingFor: 'approval', approvals: ['ap-abcd1111'] } : ANSWERED);
  const methods = { agent: hanging, 'agent.wait': waiting, 'exec.approval.list': () => [entry('ap-zzz99999'), entry('ap-abcd1111', 'git push')] };

  test('out of time while an approval is open: the one document says which, exit 3', async () => {
    const gateway = await stub(methods);
    const result = await json(['agent', '-m', 'hi', '--run-id', 'r-1', '--timeout', '1']);
    expect(result).toMatchObject({ code: 3, document: { status: 'waiting_approval', runId: 'r-1', approvals: [{ id: 'ap-abcd1111', request: { command: 'git push' } }] } });
    expect(result.document['approvals']).toHaveLength(1);
    expect(gateway.calls.some(({ method }) => method === 'chat.abort' || method === 'exec.approval.resolve')).toBe(false);
  });

  test('the same in words, on stderr: the command, what answers it, how to come back; `runs wait` too', async () => {
    await stub(methods);
    for (const args of [['agent', '-m', 'hi', '--run-id', 'r-1'], ['runs', 'wait', 'r-1']]) {
      const result = await home.run([...args, '--timeout', '1']);
      expect(result).toMatchObject({ code: 3, stdout: '' });
      for (const part of ['  $ git push\n', '→ Allow it: openclaw approvals approve ap-abcd1111\n', '→ or deny it: openclaw approvals deny ap-abcd1111\n', '→ then: openclaw runs wait r-1\n']) expect(result.stderr).toContain(part);
    }
  });

  test('out of time while a budget is used up: waiting_budget with the question', async () => {
    await stub({
      agent: hanging,
      'agent.wait': (params) => ({ runId: params['runId'], status: 'timeout', waitingFor: 'budget', budgetQuestion: 'bq-1' }),
      'budgets.list': () => ({ questions: [{ id: 'bq-1', scope: 'day' }] }),
    });
    expect(await json(['agent', '-m', 'hi', '--timeout', '1'])).toMatchObject({ code: 3, document: { status: 'waiting_budget', budgetQuestion: { id: 'bq-1', scope: 'day' }, hint: expect.stringContaining('openclaw budgets answer bq-1') as unknown } });
  });

  test('queued behind a run that waits: which one, for what, and what answers it', async () => {
    await stub({
      agent: hanging,
      'agent.wait': (params) => ({ runId: params['runId'], status: 'timeout', queuedBehind: { runId: 'r-first', waitingFor: 'budget', budgetQuestion: 'bq-1' } }),
      'budgets.list': () => ({ questions: [{ id: 'bq-1', scope: 'day', unit: 'usd', limit: 5, spent: 4.5 }] }),
      'runs.get': () => ({ run: { runId: 'r-2', sessionKey: 's', state: 'queued', acceptedAt: 1, startedAt: null, endedAt: null, queuedBehind: { runId: 'r-first', waitingFor: 'approval', approvals: ['ap-a'] } }, steps: [] }),
    });
    expect(await json(['agent', '-m', 'hi', '--timeout', '1'])).toMatchObject({ code: 3, document: { status: 'waiting_budget', queuedBehind: 'r-first', hint: expect.stringMatching(/^Queued behind run r-first, which waits for a budget\. Raise the limit: openclaw budgets answer bq-1 raise; /) as unknown } });
    expect((await home.run(['runs', 'wait', 'r-2', '--timeout', '1'])).stderr).toContain('The run is queued behind run r-first, which waits for the budget of this day (limit $5.00, spent $4.50, the next call needs more than the $0.50 that are left), and goes on waiting.\n  → Raise the limit: openclaw budgets answer bq-1 raise\n');
    expect((await home.run(['runs', 'show', 'r-2'])).stdout).toContain('queued behind run r-first, which waits for an approval. Allow it: openclaw approvals approve ap-a; or deny it: openclaw approvals deny ap-a\n');
  });

  test('answered in time, the answer comes, and nothing of the waiting', async () => {
    let answered = (): void => undefined;
    await stub({
      ...methods,
      agent: (params, context) => {
        context.respond(accept(params));
        context.event('exec.approval.requested', { approvalKind: 'exec', ...entry('ap-abcd1111') });
        answered = () => context.respond(final('Pushed.'));
        return ANSWERED;
      },
    });
    const running = home.start(['agent', '-m', 'hi', '--run-id', 'r-1']);
    await running.stderrHas('Waiting for an approval. Allow it: openclaw approvals approve ap-abcd1111; or deny it: openclaw approvals deny ap-abcd1111');
    answered();
    expect(await running.done).toMatchObject({ code: 0, stdout: 'Pushed.\n' });
  });

  test('unanswered for as long as the limit, it is over; an answer to one question starts the limit anew; a run that works has none', async () => {
    expect(UNANSWERED_MS).toBe(60_000);
    let ids: readonly string[] = [];
    let looks = 0;
    const gateway = await stub({ 'agent.wait': (params) => (++looks, { runId: params['runId'], status: 'timeout', ...(ids.length === 0 ? {} : { waitingFor: 'approval', approvals: ids }) }), 'exec.approval.list': () => [] });
    const client = await connectGateway({ url: gateway.url, version: 'test' }, { timeoutMs: 5_000 });
    const limitMs = 400;
    const watch = watchUnanswered({ runId: 'r-1', limitMs, note: () => undefined });
    let over: number | undefined;
    void watch.waiting.then(() => (over = performance.now()));
    watch.connected(client);
    // Longer than the limit by looks that saw it work.
    await expect.poll(() => looks, { timeout: 15_000 }).toBeGreaterThan(5);
    expect(over).toBeUndefined();
    ids = ['ap-1', 'ap-2'];
    const seen = looks + 2;
    await expect.poll(() => looks, { interval: 10 }).toBeGreaterThan(seen);
    ids = ['ap-2'];
    const answered = performance.now();
    expect(await watch.waiting).toMatchObject({ status: 'waiting_approval', approvals: [{ id: 'ap-2' }] });
    expect(performance.now() - answered).toBeGreaterThanOrEqual(limitMs - 5);
    watch.dispose();
    client.close();
  });
});

describe('at a terminal', () => {
  /** A run that asks these at once and ends with its answers as text. */
  function asking(questions: readonly ReturnType<typeof entry>[]) {
    const decisions: string[] = [];
    let at: StubContext | undefined;
    const finish = (): void => at?.respond(final(`Decided: ${decisions.join(' ')}`));
    const methods: NonNullable<StubOptions['methods']> = {
      agent: (params, context) => {
        at = context;
        context.respond(accept(params));
        for (const question of questions) context.event('exec.approval.requested', { approvalKind: 'exec', ...question });
        return ANSWERED;
      },
      'agent.wait': () => ANSWERED,
      'exec.approval.list': () => [],
      'exec.approval.resolve': (params) => {
        decisions.push(`${String(params['id'])}=${String(params['decision'])}`);
        if (decisions.length === questions.length) setImmediate(finish);
        return { ok: true, id: params['id'], decision: params['decision'] };
      },
    };
    return { methods, decisions, finish, event: (event: string, payload: unknown) => at?.event(event, payload) };
  }
  const KEYS = 'a allow once · A allow always · d deny · l leave it open';
  const args = ['agent', '-m', 'hi', '--run-id', 'r-1'];

  test('one key answers; several questions come one after another; the terminal is as it was', async () => {
    const run = asking([entry('ap-1', 'git push'), entry('ap-2', 'rm -r x'), entry('ap-3', 'ls\u001b')]);
    await stub(run.methods);
    const terminal = startOnTerminal(home, args);
    // Typed before the question stands: no answer.
    await terminal.shows('May this run?');
    terminal.type('a');
    for (const [index, key] of ['a', 'A', 'd'].entries()) {
      await terminal.shows(KEYS, index + 1);
      expect(run.decisions).toHaveLength(index);
      terminal.type(key);
    }
    const { code, restored, screen } = await terminal.done;
    expect({ code, restored, decisions: run.decisions }).toEqual({ code: 0, restored: true, decisions: ['ap-1=allow-once', 'ap-2=allow-always', 'ap-3=deny'] });
    for (const part of ['  $ git push\n', '  $ ls\\x1b\n', 'Allowed once: ap-1', 'Allowed always: ap-2', 'Denied: ap-3', 'Decided: ']) expect(screen).toContain(part);
  });

  test('left open, it is waited for, and not asked again; Ctrl-C leaves as ever', async () => {
    const run = asking([entry('ap-1')]);
    await stub(run.methods);
    const terminal = startOnTerminal(home, args);
    await terminal.shows(KEYS);
    terminal.type('l');
    await terminal.shows('Left open, to be answered later. Allow it: openclaw approvals approve ap-1; or deny it: openclaw approvals deny ap-1');
    terminal.type('\u0003');
    await terminal.shows('Ctrl-C again within 2 s stops it');
    const { code, restored, screen } = await terminal.done;
    expect({ code, restored, decisions: run.decisions }).toEqual({ code: 130, restored: true, decisions: [] });
    expect(screen).toContain('openclaw runs wait r-1');
  });

  test('Ctrl-C while it asks leaves the run and the question open; so does a signal, and the terminal is as it was', async () => {
    for (const leave of ['key', 'SIGTERM'] as const) {
      const run = asking([entry('ap-1')]);
      await stub(run.methods);
      const terminal = startOnTerminal(home, args);
      await terminal.shows(KEYS);
      // What means nothing, and what was pasted, is no answer either.
      terminal.type('x');
      await terminal.shows(`That is no answer. One of these keys is: ${KEYS}`);
      terminal.type('yaaa');
      if (leave === 'key') terminal.type('\u0003');
      else process.kill(await terminal.pid, leave);
      const { code, restored, screen } = await terminal.done;
      expect({ code, restored, decisions: run.decisions }).toEqual({ code: leave === 'key' ? 130 : -15, restored: true, decisions: [] });
      // Said once: who types on has read it.
      expect(screen.split('That is no answer').length).toBe(2);
    }
  });

  test('answered elsewhere meanwhile: the question goes away and says by whom; the key is nobody\'s', async () => {
    const run = asking([entry('ap-1')]);
    await stub(run.methods);
    const terminal = startOnTerminal(home, args);
    await terminal.shows(KEYS);
    run.event('exec.approval.resolved', { id: 'ap-1', decision: 'deny', resolvedBy: 'anna', ts: 1, request: entry('ap-1').request });
    await terminal.shows('Answered elsewhere: ap-1 denied by anna.');
    terminal.type('a');
    run.finish();
    expect(await terminal.done).toMatchObject({ code: 0, restored: true });
    expect(run.decisions).toEqual([]);
  });

  test('the run\'s end takes the question away', async () => {
    const run = asking([entry('ap-1')]);
    await stub(run.methods);
    const terminal = startOnTerminal(home, args);
    await terminal.shows(KEYS);
    run.finish();
    const { code, restored, screen } = await terminal.done;
    expect({ code, restored }).toEqual({ code: 0, restored: true });
    expect(screen).toContain('Not answered; while it is open: Allow it: openclaw approvals approve ap-1');
  });

  test('through a restart of the gateway: what was asked meanwhile is put, what was answered is told, an answer that was lost is asked for again', async () => {
    const first = asking([entry('ap-1'), entry('ap-2')]);
    const dead: GatewayStub = await stub({ ...first.methods, 'exec.approval.resolve': () => (void dead.close(), ANSWERED) });
    const terminal = startOnTerminal(home, args);
    await terminal.shows(KEYS);
    terminal.type('a');
    await terminal.shows('The gateway went away');
    await terminal.shows(KEYS, 2);
    const second = asking([entry('ap-1'), entry('ap-3')]);
    let end = (_wait: unknown): void => undefined;
    await stub({
      ...second.methods,
      agent: () => final('Done.'),
      'agent.wait': (params) => (params['timeoutMs'] === 0 ? { runId: 'r-1', status: 'timeout' } : new Promise((resolve) => (end = resolve))),
      'exec.approval.list': () => [entry('ap-3', 'ls'), entry('ap-1'), entry('ap-9', 'other', { runId: 'r-9' })],
      'exec.approval.get': (params) => ({ ...entry(String(params['id'])), status: 'allowed', decision: 'allow-once', decidedBy: 'anna' }),
    }, dead.port);
    await terminal.shows('Answered elsewhere: ap-2 allowed once by anna.');
    await terminal.shows('Your answer did not arrive.');
    for (const [index, key] of ['a', 'd'].entries()) {
      await terminal.shows(KEYS, 3 + index);
      terminal.type(key);
    }
    await expect.poll(() => second.decisions.length, { timeout: 15_000 }).toBe(2);
    end({ runId: 'r-1', status: 'ok' });
    expect(await terminal.done).toMatchObject({ code: 0, restored: true });
    expect(second.decisions).toEqual(['ap-1=allow-once', 'ap-3=deny']);
    expect(terminal.screen()).not.toContain('other');
  });

  test('out of time at the terminal: the question stays open, exit 3', async () => {
    const run = asking([entry('ap-1')]);
    await stub({ ...run.methods, 'agent.wait': (params) => ({ runId: params['runId'], status: 'timeout', waitingFor: 'approval', approvals: ['ap-1'] }), 'exec.approval.list': () => [entry('ap-1')] });
    const terminal = startOnTerminal(home, [...args, '--timeout', '2']);
    await terminal.shows(KEYS);
    const { code, restored, screen } = await terminal.done;
    expect({ code, restored }).toEqual({ code: 3, restored: true });
    expect(screen).toContain('→ Allow it: openclaw approvals approve ap-1');
  });

  test('`runs wait` asks too, what was asked before it came', async () => {
    const run = asking([entry('ap-1')]);
    let end = (_wait: unknown): void => undefined;
    await stub({
      ...run.methods,
      'agent.wait': (params) => (params['timeoutMs'] === 0 ? { runId: 'r-1', status: 'timeout', waitingFor: 'approval', approvals: ['ap-1'] } : new Promise((resolve) => (end = resolve))),
      // Of the run that took this one in.
      'exec.approval.list': () => [entry('ap-1', 'git push', { runId: 'r-host' }), entry('ap-2', 'other', { runId: 'r-9' })],
    });
    const terminal = startOnTerminal(home, ['runs', 'wait', 'r-1']);
    await terminal.shows(KEYS);
    terminal.type('a');
    await terminal.shows('Allowed once: ap-1.');
    end({ runId: 'r-1', status: 'ok', terminalReply: { text: 'Pushed.' } });
    const { code, restored, screen } = await terminal.done;
    expect({ code, restored, decisions: run.decisions }).toEqual({ code: 0, restored: true, decisions: ['ap-1=allow-once'] });
    expect(screen).toContain('Pushed.');
    expect(screen).not.toContain('other');
  });

  test('--json at a terminal asks nobody', async () => {
    const run = asking([entry('ap-1')]);
    await stub({ ...run.methods, 'agent.wait': (params) => ({ runId: params['runId'], status: 'timeout', waitingFor: 'approval', approvals: ['ap-1'] }), 'exec.approval.list': () => [entry('ap-1')] });
    const { code, screen } = await startOnTerminal(home, [...args, '--json', '--timeout', '1']).done;
    expect(code).toBe(3);
    expect(screen).toContain('"status": "waiting_approval"');
    expect(screen).not.toContain('May this run?');
  });
});
