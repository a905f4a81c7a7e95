/** The method table: scopes, closed parameters, results; and what garbage does, which is nothing. */
import { SessionsCreateResultSchema } from '@openclaw/gateway-protocol';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { NO_USAGE } from '../../src/core/model.js';
import { METHODS } from '../../src/gateway/rpc/index.js';
import { SCOPES } from '../../src/gateway/scopes.js';
import { validator } from '../../src/gateway/validate.js';
import { connected, connectParams, Raw, runHash, startWorld, type World } from './fakes.js';

let world: World;
let raw: Raw;
beforeEach(async () => {
  world = await startWorld();
  raw = await connected(world.port);
});
afterEach(() => world.close());

/** What each method needs, and parameters that are wrong for it. */
const TABLE: Readonly<Record<string, { readonly scope: string; readonly bad: readonly (readonly [params: unknown, message: string])[] }>> = {
  health: { scope: 'operator.read', bad: [[{ probe: 'yes' }, 'invalid health params: at /probe: must be boolean']] },
  status: { scope: 'operator.read', bad: [[{ foo: 1 }, "invalid status params: at root: unexpected property 'foo'"]] },
  agent: { scope: 'operator.write', bad: [[{ idempotencyKey: 'k' }, "invalid agent params: must have required property 'message'"], [{ message: 'x' }, "invalid agent params: must have required property 'idempotencyKey'"], [{ message: 'x', idempotencyKey: 'k', foo: 1 }, "invalid agent params: at root: unexpected property 'foo'"]] },
  'agent.wait': { scope: 'operator.write', bad: [[{}, "invalid agent.wait params: must have required property 'runId'"], [{ runId: 'x', timeoutMs: '5' }, 'invalid agent.wait params: at /timeoutMs: must be integer']] },
  'chat.send': { scope: 'operator.write', bad: [[{ sessionKey: 'main', idempotencyKey: 'k' }, "invalid chat.send params: must have required property 'message'"]] },
  'chat.history': { scope: 'operator.read', bad: [[{}, "invalid chat.history params: must have required property 'sessionKey'"], [{ sessionKey: 'main', limit: 1_001 }, 'invalid chat.history params: at /limit: must be <= 1000']] },
  'chat.abort': { scope: 'operator.write', bad: [[{}, "invalid chat.abort params: must have required property 'sessionKey'"]] },
  'sessions.create': { scope: 'operator.write', bad: [[{ key: '' }, 'invalid sessions.create params: at /key: must not have fewer than 1 characters']] },
  'sessions.list': { scope: 'operator.read', bad: [[{ limit: 0 }, 'invalid sessions.list params: at /limit: must be >= 1']] },
  'sessions.recover': { scope: 'operator.admin', bad: [[{}, "invalid sessions.recover params: must have required property 'key'"], [{ key: 'main', force: 'yes' }, 'invalid sessions.recover params: at /force: must be boolean']] },
  'sessions.describe': { scope: 'operator.read', bad: [[{}, "invalid sessions.describe params: must have required property 'key'"]] },
  'sessions.preview': { scope: 'operator.read', bad: [[{ keys: [] }, 'invalid sessions.preview params: at /keys: must not have fewer than 1 items']] },
  'sessions.search': { scope: 'operator.read', bad: [[{}, "invalid sessions.search params: must have required property 'query'"], [{ query: 'x', limit: 26 }, 'invalid sessions.search params: at /limit: must be <= 25']] },
  'sessions.get': { scope: 'operator.read', bad: [[{}, "invalid sessions.get params: must have required property 'key'"], [{ key: 'none' }, 'there is no session agent:main:none']] },
  'sessions.export': { scope: 'operator.read', bad: [[{ key: 'main', after: -1 }, 'invalid sessions.export params: at /after: must be >= 0'], [{ key: 'none' }, 'there is no session agent:main:none']] },
  'sessions.reset': { scope: 'operator.admin', bad: [[{}, "invalid sessions.reset params: must have required property 'key'"], [{ key: 'none' }, 'there is no session agent:main:none']] },
  'sessions.delete': { scope: 'operator.admin', bad: [[{}, "invalid sessions.delete params: must have required property 'key'"], [{ key: 'none', deleteTranscript: false }, 'sessions.delete: a transcript is not kept without its session; save it first with sessions.export']] },
  'sessions.patch': { scope: 'operator.write', bad: [[{ key: '' }, 'invalid sessions.patch params: at /key: must not have fewer than 1 characters'], [{ key: 'none', label: 'x' }, 'there is no session agent:main:none'], [{ key: 'none', pinned: true }, 'sessions.patch: pinned is not available yet']] },
  'notices.list': { scope: 'operator.read', bad: [[{ foo: 1 }, "invalid notices.list params: at root: unexpected property 'foo'"]] },
  'notices.dismiss': { scope: 'operator.write', bad: [[{}, "invalid notices.dismiss params: must have required property 'key'"]] },
  'runs.list': { scope: 'operator.read', bad: [[{ limit: 501 }, 'invalid runs.list params: at /limit: must be <= 500']] },
  'runs.get': { scope: 'operator.read', bad: [[{}, "invalid runs.get params: must have required property 'runId'"]] },
  'models.list': { scope: 'operator.read', bad: [[{ foo: 1 }, "invalid models.list params: at root: unexpected property 'foo'"]] },
  'models.status': { scope: 'operator.read', bad: [[{ foo: 1 }, "invalid models.status params: at root: unexpected property 'foo'"]] },
  'models.test': { scope: 'operator.write', bad: [[{ model: 1 }, 'invalid models.test params: at /model: must be string']] },
  'config.get': { scope: 'operator.read', bad: [[{ foo: 1 }, "invalid config.get params: at root: unexpected property 'foo'"]] },
  'config.set': { scope: 'operator.admin', bad: [[{}, "invalid config.set params: must have required property 'raw'"], [{ raw: '{}' }, 'config base hash required; re-run config.get and retry'], [{ raw: '{}', baseHash: 'old' }, 'config changed since last load; re-run config.get and retry']] },
  'config.patch': { scope: 'operator.admin', bad: [[{ raw: '{}' }, 'config base hash required; re-run config.get and retry']] },
  'config.schema': { scope: 'operator.read', bad: [[{ foo: 1 }, "invalid config.schema params: at root: unexpected property 'foo'"]] },
  'budgets.list': { scope: 'operator.read', bad: [[{ foo: 1 }, "invalid budgets.list params: at root: unexpected property 'foo'"]] },
  'budgets.answer': { scope: 'operator.approvals', bad: [[{ answer: 'once' }, "invalid budgets.answer params: must have required property 'id'"], [{ id: 'bq-none', answer: 'once' }, 'there is no budget question bq-none']] },
  'exec.approval.list': { scope: 'operator.approvals', bad: [[{ foo: 1 }, "invalid exec.approval.list params: at root: unexpected property 'foo'"]] },
  'exec.approval.get': { scope: 'operator.approvals', bad: [[{}, "invalid exec.approval.get params: must have required property 'id'"], [{ id: 'ap-none' }, 'there is no approval ap-none; exec.approval.list names those that are open']] },
  'exec.approval.resolve': { scope: 'operator.approvals', bad: [[{ id: 'ap-none' }, "invalid exec.approval.resolve params: must have required property 'decision'"], [{ id: 'ap-none', decision: 'deny' }, 'there is no approval ap-none']] },
  'exec.approval.request': { scope: 'operator.approvals', bad: [[{}, 'exec.approval.request: command is required']] },
  'exec.approval.waitDecision': { scope: 'operator.approvals', bad: [[{}, "invalid exec.approval.waitDecision params: must have required property 'id'"], [{ id: 'ap-none' }, 'there is no approval ap-none; exec.approval.list names those that are open']] },
  'approvals.list': { scope: 'operator.approvals', bad: [[{ limit: 501 }, 'invalid approvals.list params: at /limit: must be <= 500']] },
  'approvals.deny': { scope: 'operator.approvals', bad: [[{}, "invalid approvals.deny params: must have required property 'id'"], [{ id: 'ap-none' }, 'there is no approval ap-none']] },
  'approvals.grants': { scope: 'operator.read', bad: [[{ foo: 1 }, "invalid approvals.grants params: at root: unexpected property 'foo'"]] },
  'approvals.revoke': { scope: 'operator.approvals', bad: [[{}, "invalid approvals.revoke params: must have required property 'id'"], [{ id: 'gr-none' }, 'there is no grant gr-none']] },
  'usage.cost': { scope: 'operator.read', bad: [[{ days: 0 }, 'invalid usage.cost params: at /days: must be >= 1']] },
  'usage.summary': { scope: 'operator.read', bad: [[{ days: 0 }, 'invalid usage.summary params: at /days: must be >= 1']] },
  'channels.status': { scope: 'operator.read', bad: [[{ channel: '' }, 'invalid channels.status params: at /channel: must not have fewer than 1 characters']] },
  'channels.list': { scope: 'operator.read', bad: [[{ foo: 1 }, "invalid channels.list params: at root: unexpected property 'foo'"]] },
  'channels.start': { scope: 'operator.admin', bad: [[{}, "invalid channels.start params: must have required property 'channel'"], [{ channel: 'telegram' }, 'telegram is not configured']] },
  'channels.stop': { scope: 'operator.admin', bad: [[{}, "invalid channels.stop params: must have required property 'channel'"], [{ channel: 'telegram' }, 'telegram is not configured']] },
  send: { scope: 'operator.write', bad: [[{ to: 'ann' }, "invalid send params: must have required property 'idempotencyKey'"], [{ to: 'ann', message: 'x', mediaUrl: 'http://x', idempotencyKey: 'k' }, 'send: mediaUrl is not available yet'], [{ to: 'ann', message: 'x', idempotencyKey: 'k' }, '"ann" is not known']] },
  'delivery.list': { scope: 'operator.read', bad: [[{ limit: 501 }, 'invalid delivery.list params: at /limit: must be <= 500']] },
  'delivery.retry': { scope: 'operator.write', bad: [[{}, 'which delivery? Give its id, or all: true'], [{ id: 'd-none' }, 'there is no delivery d-none']] },
  'delivery.discard': { scope: 'operator.write', bad: [[{}, 'which delivery? Give its id, or all: true'], [{ id: 'd-none' }, 'there is no delivery d-none']] },
  'pairing.list': { scope: 'operator.pairing', bad: [[{ foo: 1 }, "invalid pairing.list params: at root: unexpected property 'foo'"]] },
  'pairing.approve': { scope: 'operator.pairing', bad: [[{ code: 'x' }, "invalid pairing.approve params: must have required property 'channel'"], [{ channel: 'telegram' }, 'whom? Give one of code, sender, id'], [{ channel: 'telegram', code: 'x', sender: 'y' }, 'whom? Give one of code, sender, id'], [{ channel: 'telegram', sender: 'y' }, 'nobody of that name waits on telegram']] },
  'pairing.deny': { scope: 'operator.pairing', bad: [[{ code: 'x' }, "invalid pairing.deny params: must have required property 'channel'"], [{ channel: 'telegram' }, 'whom? Give one of code, sender, id'], [{ channel: 'telegram', code: 'x', sender: 'y' }, 'whom? Give one of code, sender, id'], [{ channel: 'telegram', sender: 'y' }, 'nobody of that name waits on telegram']] },
  'pairing.block': { scope: 'operator.pairing', bad: [[{ code: 'x' }, "invalid pairing.block params: must have required property 'channel'"], [{ channel: 'telegram' }, 'whom? Give one of code, sender, id'], [{ channel: 'telegram', code: 'x', sender: 'y' }, 'whom? Give one of code, sender, id'], [{ channel: 'telegram', sender: 'y' }, 'nobody of that name waits on telegram']] },
  'channels.pairing.list': { scope: 'operator.pairing', bad: [[{ channel: '' }, 'invalid channels.pairing.list params: at /channel: must not have fewer than 1 characters']] },
  'channels.pairing.approve': { scope: 'operator.pairing', bad: [[{ channel: 'telegram', accountId: 'default' }, "invalid channels.pairing.approve params: must have required property 'requestId'"], [{ channel: 'telegram', accountId: 'default', requestId: 'pr-none' }, 'nobody of that name waits on telegram']] },
  'channels.pairing.dismiss': { scope: 'operator.pairing', bad: [[{ channel: 'telegram', accountId: 'default' }, "invalid channels.pairing.dismiss params: must have required property 'requestId'"], [{ channel: 'telegram', accountId: 'default', requestId: 'pr-none' }, 'nobody of that name waits on telegram']] },
  'contacts.list': { scope: 'operator.read', bad: [[{ foo: 1 }, "invalid contacts.list params: at root: unexpected property 'foo'"]] },
  'contacts.rename': { scope: 'operator.pairing', bad: [[{ contact: 'c-none' }, "invalid contacts.rename params: must have required property 'name'"], [{ contact: 'c-none', name: 'x' }, 'there is no contact c-none']] },
  'contacts.link': { scope: 'operator.admin', bad: [[{ contact: 'c-none' }, "invalid contacts.link params: must have required property 'other'"], [{ contact: 'c-none', other: 'telegram:1' }, 'there is no contact c-none']] },
  'contacts.get': { scope: 'operator.read', bad: [[{}, "invalid contacts.get params: must have required property 'contact'"], [{ contact: 'c-none' }, 'there is no contact c-none']] },
  'contacts.block': { scope: 'operator.pairing', bad: [[{}, "invalid contacts.block params: must have required property 'contact'"], [{ contact: 'c-none' }, 'there is no contact c-none']] },
  'contacts.unblock': { scope: 'operator.pairing', bad: [[{}, "invalid contacts.unblock params: must have required property 'contact'"], [{ contact: 'c-none' }, 'there is no contact c-none']] },
  'contacts.owner': { scope: 'operator.admin', bad: [[{}, "invalid contacts.owner params: must have required property 'contact'"], [{ contact: 'c-none' }, 'there is no contact c-none']] },
  'contacts.unlink': { scope: 'operator.admin', bad: [[{}, "invalid contacts.unlink params: must have required property 'contact'"], [{ contact: 'c-none' }, 'there is no contact c-none']] },
  'doctor.checks': { scope: 'operator.read', bad: [[{ deep: 1 }, 'invalid doctor.checks params: at /deep: must be boolean']] },
};

describe('every method', () => {
  test('is in this table', () => {
    expect([...METHODS.keys()].sort()).toEqual(Object.keys(TABLE).sort());
  });

  test.each(Object.entries(TABLE))('%s refuses wrong parameters and callers without its scope', async (name, { scope, bad }) => {
    for (const params of [5, 'x', [], [1]]) expect(await raw.error(name, params)).toMatchObject({ code: 'INVALID_REQUEST' });
    for (const [params, message] of bad) expect(await raw.error(name, params)).toMatchObject({ code: 'INVALID_REQUEST', message });

    const others = SCOPES.filter((one) => one !== scope && one !== 'operator.admin' && !(scope === 'operator.read' && one === 'operator.write'));
    const stranger = await connected(world.port, { scopes: others });
    expect(await stranger.error(name, {})).toEqual({ code: 'FORBIDDEN', message: `missing scope: ${scope}`, details: { code: 'MISSING_SCOPE', missingScope: scope, requiredScopes: [scope] } });
    // With no scopes at all nothing is allowed.
    const nobody = await connected(world.port, { scopes: undefined });
    expect(await nobody.error(name, {})).toMatchObject({ code: 'FORBIDDEN' });
  });

  test('making an owner needs more than letting somebody in', async () => {
    const clerk = await connected(world.port, { scopes: ['operator.pairing'] });
    const letIn = { channel: 'telegram', sender: 'y' };
    expect(await clerk.error('pairing.approve', letIn)).toMatchObject({ message: 'nobody of that name waits on telegram' });
    expect(await clerk.error('pairing.approve', { ...letIn, owner: true })).toMatchObject({ code: 'FORBIDDEN', message: 'missing scope: operator.admin' });
    expect(await clerk.error('channels.pairing.approve', { channel: 'telegram', accountId: 'default', requestId: 'x', bootstrapCommandOwner: true })).toMatchObject({ code: 'FORBIDDEN' });
  });

  test('an unknown one is named', async () => {
    expect(await raw.error('no.such.method')).toEqual({ code: 'INVALID_REQUEST', message: 'unknown method: no.such.method' });
    for (const name of ['__proto__', 'constructor', 'toString']) expect(await raw.error(name)).toMatchObject({ message: `unknown method: ${name}` });
  });

  test('session keys follow the grammar and the one agent', async () => {
    for (const sessionKey of ['a b', 'agent:main', 'agent:main:a/../b', 'x'.repeat(100), '\u0000']) {
      expect(await raw.error('chat.send', { sessionKey, message: 'x', idempotencyKey: 'k' })).toMatchObject({ code: 'INVALID_REQUEST' });
    }
    expect(await raw.error('agent', { message: 'x', idempotencyKey: 'k', agentId: 'other' })).toMatchObject({ message: 'unknown agent id "other"', details: { code: 'UNKNOWN_AGENT_ID' } });
    expect(await raw.error('agent', { message: 'x', idempotencyKey: 'k', agentId: 'other', sessionKey: 'agent:main:main' })).toMatchObject({ message: 'agent: agentId "other" does not match session key "agent:main:main"' });
    expect(await raw.error('agent', { message: ' \n', idempotencyKey: 'k', sessionKey: 'main' })).toMatchObject({ message: 'agent: message or attachment required' });
    expect(await raw.error('agent', { message: 'x', idempotencyKey: 'k'.repeat(257) })).toMatchObject({ code: 'INVALID_REQUEST' });
    expect(world.store.all).toHaveLength(0);
  });

  test('what has no engine yet is refused, not ignored', async () => {
    expect(await raw.error('agent', { message: 'x', idempotencyKey: 'k', cwd: '/tmp' })).toMatchObject({ message: 'agent: cwd is not available yet' });
    expect(await raw.error('agent', { message: 'x', idempotencyKey: 'k', deliver: true })).toMatchObject({ code: 'INVALID_REQUEST' });
    expect(await raw.error('sessions.create', { fork: true })).toMatchObject({ message: 'sessions.create: fork is not available yet' });
  });
});

describe('results', () => {
  test('health and status', async () => {
    await raw.payload('chat.send', { sessionKey: 'main', message: 'x', idempotencyKey: 'k' });
    expect(await raw.payload('health')).toMatchObject({ ok: true, channels: {}, defaultAgentId: 'main', agents: [{ agentId: 'main', isDefault: true }], sessions: { count: 1, recent: [{ key: 'agent:main:main' }] }, gateway: { ready: true, version: '0.1.0' } });
    expect(await raw.payload('status', { includeChannelSummary: false })).toMatchObject({ runtimeVersion: '0.1.0', channelSummary: [], sessions: { count: 1, defaults: { model: 'offline/echo' } }, runs: { running: 0, queued: 1 }, models: { primary: 'offline/echo' } });
  });

  test('notices are in the status, listed, and put away once', async () => {
    expect(await raw.payload('status')).toMatchObject({ notices: [{ key: 'engine-fresh', text: 'new' }] });
    expect(await raw.payload('notices.dismiss', { key: 'engine-fresh' })).toEqual({ ok: true, key: 'engine-fresh' });
    expect(await raw.payload('notices.list')).toMatchObject({ notices: [] });
    expect(await raw.error('notices.dismiss', { key: 'engine-fresh' })).toMatchObject({ code: 'INVALID_REQUEST', details: { code: 'NOT_FOUND' } });
  });

  test('a session that is well is recovered only by force, and says which runs go on', async () => {
    await raw.payload('chat.send', { sessionKey: 'main', message: 'x', idempotencyKey: 'k' });
    expect(await raw.error('sessions.recover', { key: 'agent:main:main' })).toMatchObject({ code: 'INVALID_REQUEST', details: { code: 'NOT_NEEDED', hint: 'Use --force.' } });
    expect(await raw.payload('sessions.recover', { key: 'agent:main:main', force: true })).toEqual({ ok: true, session: 'agent:main:main', was: 'running', runs: ['k'] });
  });

  test('sessions are created, listed, and can start with a message', async () => {
    const isCreated = validator(SessionsCreateResultSchema);
    const created = await raw.payload('sessions.create', { key: 'Work', label: 'Work things' });
    expect(isCreated(created), JSON.stringify(isCreated.errors)).toBe(true);
    expect(created).toMatchObject({ ok: true, key: 'agent:main:work', sessionId: 'conv-1', entry: { label: 'Work things' } });
    expect(await raw.payload('sessions.create', { message: 'go', idempotencyKey: 'Start 1!' })).toMatchObject({ key: expect.stringMatching(/^agent:main:s-start-1--[0-9a-f]{16}$/), runStarted: true, runId: 'Start 1!' });
    expect(await raw.payload('sessions.list', { limit: 1 })).toMatchObject({ count: 1, totalCount: 2, hasMore: true, nextOffset: 1, sessions: [{ key: 'agent:main:work', kind: 'direct', agentId: 'main', isMain: false }] });
    expect(await raw.payload('sessions.list', { search: 'start' })).toMatchObject({ totalCount: 1, hasMore: false, nextOffset: null });
  });

  test('a session of each idempotency key: the same for the same one, another for another one', async () => {
    const key = async (idempotencyKey: string): Promise<string> => (await raw.payload('sessions.create', { idempotencyKey }))['key'] as string;
    const long = 'k'.repeat(70);
    const keys = ['k-1', 'k/1', 'K-1', 'k 1', 'ü', 'é', long, `${long}1`, 'k'.repeat(62), 'k'.repeat(63)];
    const made: string[] = [];
    for (const one of keys) made.push(await key(one));
    expect(new Set(made).size).toBe(keys.length);
    expect(made[0]).toBe('agent:main:s-k-1');
    for (const [i, one] of keys.entries()) expect(await key(one)).toBe(made[i]);
  });

  test('runs are listed by state and explained step by step', async () => {
    for (const key of ['a', 'b']) await raw.payload('chat.send', { sessionKey: 'main', message: key, idempotencyKey: key });
    world.store.take('a');
    world.store.finish('a', 'done');
    const base = { session: 'agent:main:main', conversation: 'conv-1', run: runHash('a'), generation: 1 } as const;
    const usage = { input: 10, output: 5, cacheRead: 0, cacheWrite: 0 };
    const call = { session: base.session, run: base.run, step: 1, index: 0, tool: 'exec' } as const;
    world.store.timelines.set(runHash('a'), {
      attempts: [
        { step: 1, attempt: 1, provider: 'p', model: 'm', startedAt: 100, endedAt: 150, state: 'error', code: 'Overloaded', usage: NO_USAGE },
        { step: 1, attempt: 2, provider: 'p', model: 'm', startedAt: 200, endedAt: 300, state: 'ok', usage, costUsd: 0.01 },
        { step: 2, attempt: 1, provider: 'p', model: 'm', startedAt: 400, endedAt: 500, state: 'ok', usage, costUsd: 0.02 },
      ],
      tools: [
        { ...call, attempt: 1, outcome: 'failed', startedAt: 310, endedAt: 320 },
        { ...call, attempt: 2, outcome: 'ok', startedAt: 330, endedAt: 390 },
      ],
      rows: [
        { ...base, seq: 2, step: 1, kind: 'assistant', createdAt: 300, content: { type: 'assistant', text: 'look', calls: [{ index: 0, callId: '', tool: 'exec', args: {} }], provider: 'p', model: 'm', stop: 'tool_calls', usage } },
        { ...base, seq: 3, step: 1, kind: 'tool.0', createdAt: 390, content: { type: 'tool', index: 0, tool: 'exec', callId: '', isError: false, blocks: [{ type: 'text', text: 'out' }] } },
        { ...base, seq: 4, step: 2, kind: 'assistant', createdAt: 500, content: { type: 'assistant', text: 'done', calls: [], provider: 'p', model: 'm', stop: 'stop', usage } },
      ],
    });
    expect(await raw.payload('runs.list', { state: 'queued' })).toMatchObject({ count: 1, runs: [{ runId: 'b', status: 'queued', state: 'queued' }] });
    expect(await raw.payload('runs.list', { sessionKey: 'main', limit: 1 })).toMatchObject({ totalCount: 2, hasMore: true, nextOffset: 1 });
    const got = await raw.payload('runs.get', { runId: 'a' });
    expect(got['run']).toMatchObject({ runId: 'a', preview: 'a', state: 'ok', status: 'done', text: 'done', webUrl: expect.stringContaining(runHash('a')) });
    expect(got['totals']).toMatchObject({ modelCalls: 3, retries: 2, toolCalls: 1, usage: { input: 20, output: 10 }, costUsd: 0.03 });
    expect(got['steps']).toMatchObject([
      { step: 1, attempts: [{ state: 'error', code: 'Overloaded', durationMs: 50 }, { state: 'ok' }], tools: [{ tool: 'exec', state: 'ok', startedAt: 310, durationMs: 80, attempts: 2, result: 'out' }] },
      { step: 2, text: 'done', tools: [] },
    ]);
    expect(await raw.error('runs.get', { runId: 'zzz' })).toMatchObject({ code: 'INVALID_REQUEST', message: 'unknown run: zzz' });
  });

  test('models, config and doctor', async () => {
    expect(await raw.payload('models.list')).toMatchObject({ models: [{ id: 'echo', provider: 'offline', available: true }] });
    expect(await raw.payload('models.test')).toMatchObject({ ok: true });
    expect(await raw.payload('models.test', { model: 'x/y' })).toMatchObject({ ok: false, results: [{ ref: 'x/y' }] });
    expect(await raw.payload('config.get')).toMatchObject({ path: '/state/openclaw.json', hash: 'h1', valid: true, legacyIssues: [] });
    expect(await raw.error('config.set', { raw: 'broken', baseHash: 'h1' })).toEqual({ code: 'INVALID_REQUEST', message: 'line 1, column 1: not JSON5', details: { code: 'CONFIG_INVALID', hint: 'Mend the line and try again.' } });
    expect(await raw.payload('config.set', { raw: '{}', baseHash: 'h1' })).toMatchObject({ ok: true, hash: 'h2', changedPaths: ['gateway'] });
    expect(await raw.payload('config.patch', { raw: '{}', baseHash: 'h2' })).toMatchObject({ ok: true, restartRequired: true });
    expect(await raw.payload('config.schema')).toMatchObject({ schema: { type: 'object' }, uiHints: {} });
    expect(await raw.payload('doctor.checks', { deep: true })).toMatchObject({ ok: true, checks: [{ id: 'engine', detail: 'deep' }] });
  });
});

describe('garbage', () => {
  test('after connect, broken frames get an answer or a close, and nobody else notices', async () => {
    expect((await raw.response((raw.send({ type: 'req', id: 'g1', method: 5 }), 'g1')))['error']).toEqual({ code: 'INVALID_REQUEST', message: 'invalid request frame' });
    expect((await raw.response((raw.send({ type: 'req', id: 'g2', method: 'health', extra: 1 }), 'g2')))['ok']).toBe(false);
    for (const garbage of ['{', '[]', 'null', '{"type":"req"}', '{"type":"res","id":""}']) {
      const client = await connected(world.port);
      client.send(garbage);
      expect((await client.end()).code).toBe(1008);
    }
    const large = await connected(world.port);
    large.send('x'.repeat(26_214_401));
    expect((await large.end()).code).toBe(1009);
    expect(await raw.payload('health')).toMatchObject({ ok: true });
  });

  test('a client that does not read is closed before it costs more than its buffer', async () => {
    await world.close();
    world = await startWorld({ gateway: { maxBuffered: 200_000 } });
    raw = await connected(world.port);
    const slow = await connected(world.port);
    (slow.socket as unknown as { _socket: { pause(): void; resume(): void } })._socket.pause();
    await raw.payload('chat.send', { sessionKey: 'main', message: 'x', idempotencyKey: 'k' });
    const piece = 'y'.repeat(100_000);
    for (let i = 0; i < 60; i += 1) {
      world.store.publish('k', { type: 'tool-end', index: i, tool: 'read', callId: '', isError: false, text: piece });
      await new Promise((done) => setImmediate(done));
    }
    (slow.socket as unknown as { _socket: { resume(): void } })._socket.resume();
    expect(await slow.end()).toEqual({ code: 1008, reason: 'slow consumer' });
    expect(await raw.payload('health')).toMatchObject({ ok: true });
  });

  test('two thousand random frames change nothing', async () => {
    // Seeded: a failure can be seen again.
    let seed = 42;
    const random = (below: number): number => {
      seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
      return seed % below;
    };
    const methods = [...METHODS.keys()].filter((name) => !name.startsWith('agent')).concat('nope', '');
    const value = (depth: number): unknown => {
      const kinds = [() => null, () => random(1e9), () => -1, () => 'x'.repeat(random(40)), () => '\u0000\ud800', () => true, () => (depth > 3 ? 0 : [value(depth + 1), value(depth + 1)]), () => (depth > 3 ? {} : { sessionKey: value(depth + 1), message: value(depth + 1), __proto__x: value(depth + 1), runId: value(depth + 1) })];
      return kinds[random(kinds.length)]!();
    };
    const frame = (): string => {
      switch (random(6)) {
        case 0:
          return JSON.stringify(value(0));
        case 1:
          return JSON.stringify(connectParams()).slice(0, random(200));
        case 2:
          return '['.repeat(random(5_000));
        default:
          return JSON.stringify({ type: 'req', id: `f${random(50)}`, method: methods[random(methods.length)], params: random(3) === 0 ? value(0) : { sessionKey: 'main', limit: value(2), [`k${random(9)}`]: value(0) } });
      }
    };
    let client = random(2) === 0 ? new Raw(world.port) : await connected(world.port);
    for (let i = 0; i < 2_000; i += 1) {
      if (client.closed) client = random(3) === 0 ? new Raw(world.port) : await connected(world.port);
      if (client.socket.readyState === 1) client.send(random(20) === 0 ? frame().slice(0, random(60)) : frame());
      if (i % 25 === 0) await new Promise((done) => setImmediate(done));
    }
    expect(await raw.payload('health')).toMatchObject({ ok: true });
    // Nothing was let in that the door did not see whole.
    for (const message of world.store.messages) expect(typeof message.text).toBe('string');
  });
});
