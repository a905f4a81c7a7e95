/** Runs over the wire: two responses, waits, restarts, order and exactness of events. */
import { AgentEventSchema, ChatEventSchema, EventFrameSchema, ResponseFrameSchema, ShutdownEventSchema, TickEventSchema } from '@openclaw/gateway-protocol';
import { GatewayClient } from '@openclaw/gateway-client';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

import { validator } from '../../src/gateway/validate.js';
import { connected, runHash, startWorld, TOKEN, type Raw, type World } from './fakes.js';

let world: World;
let raw: Raw;
beforeEach(async () => {
  world = await startWorld();
  raw = await connected(world.port);
});
afterEach(() => world.close());

const isResponse = validator(ResponseFrameSchema);
const isEvent = validator(EventFrameSchema);
const isChat = validator(ChatEventSchema);
const isAgent = validator(AgentEventSchema);
const isTick = validator(TickEventSchema);
const isShutdown = validator(ShutdownEventSchema);

/** Every frame a client got is the protocol's, and event frames count from 1 without a gap. */
function checkFrames(client: Raw): void {
  let seq = 0;
  for (const frame of client.frames) {
    if (frame.type === 'res') {
      expect(isResponse(frame), JSON.stringify([frame, isResponse.errors])).toBe(true);
      continue;
    }
    expect(isEvent(frame), JSON.stringify([frame, isEvent.errors])).toBe(true);
    if (frame['event'] === 'connect.challenge') continue;
    expect(frame['seq']).toBe((seq += 1));
    const payload = frame['payload'] as Record<string, unknown>;
    switch (frame['event']) {
      case 'chat':
        expect(isChat(payload), JSON.stringify([payload, isChat.errors])).toBe(true);
        break;
      case 'agent': {
        // The peer's live frames bear these two beside the schema's fields.
        const { sessionKey, agentId, ...rest } = payload;
        expect([sessionKey, agentId]).toEqual(['agent:main:main', 'main']);
        expect(isAgent(rest), JSON.stringify([rest, isAgent.errors])).toBe(true);
        break;
      }
      case 'tick':
        expect(isTick(payload)).toBe(true);
        break;
      case 'shutdown':
        expect(isShutdown(payload)).toBe(true);
        break;
    }
  }
}

const agentParams = (idempotencyKey: string, message = 'hi') => ({ message, idempotencyKey, agentId: 'main', deliver: false, timeout: 600 });

describe('agent', () => {
  test('answers twice: accepted at once, then with the row’s outcome', async () => {
    const id = raw.call('agent', agentParams('run-1'));
    expect((await raw.response(id))['payload']).toEqual({ runId: 'run-1', sessionKey: 'agent:main:main', agentId: 'main', status: 'accepted', acceptedAt: expect.any(Number) });
    expect(world.store.turns[0]).toEqual({ timeoutMs: 600_000 });
    world.store.take('run-1');
    world.store.finish('run-1', 'Hello!');
    expect((await raw.response(id, 1))['payload']).toMatchObject({
      runId: 'run-1',
      status: 'ok',
      summary: 'completed',
      result: { payloads: [{ text: 'Hello!', mediaUrl: null }], meta: { agentMeta: { sessionId: 'conv-1', provider: 'offline', model: 'echo', usage: { input: 10, output: 5, totalTokens: 15 } } } },
    });
    checkFrames(raw);
  });

  test('the end is heard of without the bus', async () => {
    const id = raw.call('agent', agentParams('run-1'));
    await raw.response(id);
    world.store.finish('run-1', 'silent', { silent: true });
    expect((await raw.response(id, 1))['payload']).toMatchObject({ status: 'ok' });
    await raw.until(() => raw.events('chat').some((event) => event['state'] === 'final'));
  });

  test('a failed, a stopped and a dropped run answer ok:false with payload and error', async () => {
    const cases = [
      [{ state: 'error', outcome: { state: 'error', code: 'RateLimited', errorMessage: 'the provider is busy' } }, 'the provider is busy', 'RateLimited'],
      [{ state: 'aborted', outcome: { state: 'aborted', code: 'stopped', text: 'so far' } }, 'the run was stopped', 'stopped'],
      [{ state: 'dropped', outcome: undefined, dropped: 'reset' }, 'the message was dropped: reset', 'dropped'],
    ] as const;
    for (const [index, [over, message, code]] of cases.entries()) {
      const id = raw.call('agent', agentParams(`bad-${index}`));
      await raw.response(id);
      world.store.finish(`bad-${index}`, '', over as object);
      const second = await raw.response(id, 1);
      expect(second).toMatchObject({ ok: false, error: { code: 'UNAVAILABLE', message, details: { code } }, payload: { status: 'error' } });
    }
    await raw.until(() => raw.events('chat').filter((event) => ['error', 'aborted'].includes(event['state'])).length === 3);
    expect(raw.events('chat').find((event) => event['errorKind'] === 'rate_limit')).toMatchObject({ state: 'error', errorMessage: 'the provider is busy' });
    expect(raw.events('chat').find((event) => event['state'] === 'aborted')).toMatchObject({ stopReason: 'rpc', message: { content: [{ type: 'text', text: 'so far' }] } });
    checkFrames(raw);
  });

  test('a repeated key: in_flight while it runs, its row’s answer afterwards, another message is refused', async () => {
    const first = raw.call('agent', agentParams('run-1'));
    await raw.response(first);
    const again = raw.call('agent', agentParams('run-1'));
    expect((await raw.response(again))['payload']).toMatchObject({ status: 'in_flight' });
    world.store.finish('run-1', 'once');
    expect((await raw.response(again, 1))['payload']).toMatchObject({ status: 'ok', result: { payloads: [{ text: 'once' }] } });
    const late = await raw.request('agent', agentParams('run-1'));
    expect(late['payload']).toMatchObject({ status: 'ok', result: { payloads: [{ text: 'once' }] } });
    expect(await raw.error('agent', agentParams('run-1', 'something else'))).toMatchObject({ code: 'INVALID_REQUEST' });
    expect(world.store.all).toHaveLength(1);
  });

  test('a merged run is answered with the run that took it in', async () => {
    const host = raw.call('agent', agentParams('host'));
    const guest = raw.call('agent', agentParams('guest'));
    await Promise.all([raw.response(host), raw.response(guest)]);
    world.store.change('guest', { state: 'merged', endedAt: Date.now(), mergedInto: runHash('host') });
    world.store.publish('guest', { type: 'end', state: 'merged' });
    await new Promise((done) => setTimeout(done, 100));
    expect(raw.frames.filter((frame) => frame['id'] === guest)).toHaveLength(1);
    world.store.finish('host', 'for both');
    expect((await raw.response(guest, 1))['payload']).toMatchObject({ runId: 'guest', status: 'ok', mergedInto: 'host', result: { payloads: [{ text: 'for both' }] } });
    await raw.until(() => raw.events('chat').filter((event) => event['state'] === 'final').length === 2);
  });

  test('the reference client reads both responses', async () => {
    const ready = Promise.withResolvers<unknown>();
    const client = new GatewayClient({ url: `ws://127.0.0.1:${world.port}`, token: TOKEN, minProtocol: 4, maxProtocol: 4, scopes: ['operator.admin'], deviceIdentity: null, onHelloOk: ready.resolve, onConnectError: ready.reject });
    client.start();
    await ready.promise;
    const accepted = vi.fn(() => world.store.finish('run-1', 'whole'));
    const result = await client.request('agent', agentParams('run-1'), { expectFinal: true, onAccepted: accepted });
    expect(accepted).toHaveBeenCalledOnce();
    expect(result).toMatchObject({ status: 'ok', result: { payloads: [{ text: 'whole' }] } });
    client.stop();
  });
});

describe('agent.wait', () => {
  test('tells an ended run at once, a running one when it ends, and gives up in time', async () => {
    await raw.response(raw.call('agent', agentParams('run-1')));
    expect(await raw.payload('agent.wait', { runId: 'run-1', timeoutMs: 50 })).toEqual({ runId: 'run-1', status: 'timeout' });
    const wait = raw.call('agent.wait', { runId: 'run-1', timeoutMs: 5_000 });
    world.store.take('run-1');
    world.store.finish('run-1', 'done');
    expect((await raw.response(wait))['payload']).toMatchObject({ runId: 'run-1', status: 'ok', stopReason: 'stop', startedAt: expect.any(Number), endedAt: expect.any(Number), terminalReply: { disposition: 'visible', text: 'done' } });
    expect(await raw.payload('agent.wait', { runId: 'run-1', timeoutMs: 0 })).toMatchObject({ status: 'ok' });
    // Whatever time it was given: a mistyped id must not be waited out.
    expect(await raw.payload('agent.wait', { runId: 'never either', timeoutMs: 3_600_000 })).toMatchObject({ status: 'timeout', error: 'no run with this id is known' });
    expect(await raw.payload('agent.wait', { runId: 'never', timeoutMs: 30 })).toEqual({ runId: 'never', status: 'timeout', error: 'no run with this id is known' });
  });

  test('a run accepted after the wait began is waited for', async () => {
    const wait = raw.call('agent.wait', { runId: 'later', timeoutMs: 5_000 });
    await raw.response(raw.call('agent', agentParams('later')));
    world.store.finish('later', 'came');
    expect((await raw.response(wait))['payload']).toMatchObject({ status: 'ok' });
  });

  test('after a restart of the gateway it answers from the same rows', async () => {
    await raw.response(raw.call('agent', agentParams('over')));
    await raw.response(raw.call('agent', agentParams('under')));
    world.store.take('over');
    const { store, events } = world;
    await world.close();
    expect(raw.events('shutdown')).toEqual([{ reason: 'gateway stopping' }]);
    expect(await raw.end()).toEqual({ code: 1012, reason: 'service restart' });
    checkFrames(raw);
    store.finish('over', 'finished while away');

    world = await startWorld({ store, events });
    raw = await connected(world.port);
    expect(await raw.payload('agent.wait', { runId: 'over' })).toMatchObject({ status: 'ok', terminalReply: { text: 'finished while away' } });
    expect((await raw.request('agent', agentParams('over')))['payload']).toMatchObject({ status: 'ok' });
    expect(await raw.payload('chat.send', { sessionKey: 'main', message: 'hi', idempotencyKey: 'under' })).toEqual({ runId: 'under', status: 'in_flight' });
    const wait = raw.call('agent.wait', { runId: 'under' });
    store.finish('under', 'later');
    expect((await raw.response(wait))['payload']).toMatchObject({ status: 'ok' });
  });

  test('a store that fails for a moment fails the request, not the gateway', async () => {
    world.store.fail(new Error('SQLITE_BUSY: secret path'));
    const error = await raw.error('agent.wait', { runId: 'x', timeoutMs: 50 });
    expect(error).toMatchObject({ code: 'UNAVAILABLE', retryable: true });
    expect(JSON.stringify(error)).not.toContain('SQLITE');
    expect(world.logs.some((line) => line.level === 'error' && JSON.stringify(line.fields).includes('SQLITE_BUSY'))).toBe(true);
    world.store.fail(undefined);
    const ended = raw.call('agent', agentParams('z'));
    await raw.response(ended);
    world.store.fail(new Error('SQLITE_BUSY'));
    world.store.finish('z', 'in spite of it', { silent: true });
    const waiting = raw.call('agent.wait', { runId: 'z' });
    await new Promise((done) => setTimeout(done, 100));
    world.store.fail(undefined);
    for (const frame of [await raw.response(ended, 1), await raw.response(waiting)]) expect(frame['payload']).toMatchObject({ status: 'ok' });
    await raw.response(raw.call('agent', agentParams('y')));
    world.store.finish('y', 'fine', { silent: true });
    expect(await raw.payload('agent.wait', { runId: 'y' })).toMatchObject({ status: 'ok' });
  });
});

describe('events', () => {
  test('a flood of tokens is joined into few frames, whole and in order', async () => {
    await raw.response(raw.call('agent', agentParams('run-1')));
    for (let i = 0; i < 500; i += 1) world.store.publish('run-1', { type: 'text', delta: `${i} ` });
    await raw.until(() => raw.events('chat').some((event) => event['message']?.content[0].text.endsWith('499 ')));
    const deltas = raw.events('chat').filter((event) => event['state'] === 'delta');
    expect(deltas.length).toBeLessThan(20);
    expect(deltas[0]!['deltaText']).toBe('0 ');
    expect(deltas.map((event) => event['deltaText']).join('')).toBe(Array.from({ length: 500 }, (_, i) => `${i} `).join(''));
    world.store.publish('run-1', { type: 'text', delta: 'tail' });
    world.store.finish('run-1', 'all', { silent: true });
    await raw.until(() => raw.events('chat').some((event) => event['state'] === 'final'));
    expect(raw.events('chat').at(-2)).toMatchObject({ state: 'delta', deltaText: 'tail' });
    checkFrames(raw);
  });

  test('a turn with a tool comes in the peer’s order and shapes, to everyone who may read', async () => {
    const other = await connected(world.port, { scopes: ['operator.read'] });
    const blind = await connected(world.port, { scopes: ['operator.approvals'] });
    await raw.response(raw.call('agent', agentParams('run-1')));
    world.store.take('run-1');
    const tell = (body: Parameters<typeof world.store.publish>[1], at = {}) => world.store.publish('run-1', body, at);
    const usage = { input: 3, output: 2, cacheRead: 0, cacheWrite: 0 };
    tell({ type: 'start' }, { step: 0 });
    tell({ type: 'model', provider: 'offline', model: 'echo' });
    tell({ type: 'text', delta: 'Let me ' });
    tell({ type: 'text', delta: 'look.' });
    tell({ type: 'answer', stop: 'tool_calls', usage, text: 'Let me look.' });
    tell({ type: 'tool-start', index: 0, tool: 'exec', callId: '', args: { command: 'ls' } });
    tell({ type: 'tool-output', index: 0, tool: 'exec', callId: '', delta: 'a\n' });
    tell({ type: 'tool-end', index: 0, tool: 'exec', callId: '', isError: false, text: 'a\n', details: { exitCode: 0, durationMs: 5 } });
    tell({ type: 'model', provider: 'offline', model: 'echo' }, { step: 2 });
    tell({ type: 'text', delta: 'One file.' }, { step: 2 });
    tell({ type: 'answer', stop: 'stop', usage, text: 'One file.' }, { step: 2 });
    world.store.finish('run-1', 'One file.');
    await other.until(() => other.events('chat').some((event) => event['state'] === 'final'));
    // Nothing that comes later is told.
    tell({ type: 'text', delta: 'ghost' }, { step: 3 });
    await other.payload('health');

    const agent = other.events('agent');
    expect(agent.map((event) => [event['stream'], event['data'].phase ?? event['data'].delta ?? ''].join(':'))).toEqual([
      'run_status:preparing_workspace',
      'run_status:preparing_context',
      'lifecycle:start',
      'run_status:starting_model',
      'lifecycle:model',
      'assistant:Let me ',
      'assistant:look.',
      'usage:',
      'item:start',
      'tool:start',
      'item:update',
      'tool:update',
      'command_output:delta',
      'item:end',
      'tool:result',
      'command_output:end',
      'lifecycle:model',
      'assistant:One file.',
      'usage:',
      'lifecycle:finishing',
      'lifecycle:end',
    ]);
    expect(agent.map((event) => event['seq'])).toEqual(agent.map((_event, index) => index + 1));
    expect(agent.find((event) => event['data'].delta === 'look.')!['data'].text).toBe('Let me look.');
    const toolIds = new Set(agent.filter((event) => event['stream'] === 'tool').map((event) => event['data'].toolCallId));
    expect([...toolIds]).toEqual([`call_${runHash('run-1').slice(0, 12)}_1_0`]);
    expect(agent.find((event) => event['stream'] === 'tool' && event['data'].phase === 'result')!['data']).toMatchObject({ name: 'exec', isError: false, result: { content: [{ type: 'text', text: 'a\n' }], details: { exitCode: 0 } } });
    expect(agent.at(-1)!['data']).toMatchObject({ phase: 'end', aborted: false, livenessState: 'working', executionSettled: true, terminalReply: { disposition: 'visible', text: 'One file.' } });

    const chat = other.events('chat');
    expect(chat.map((event) => event['state'])).toEqual(['status', 'status', 'status', 'delta', 'delta', 'delta', 'final']);
    expect(chat.filter((event) => event['state'] === 'delta').map((event) => [event['deltaText'], event['message'].content[0].text, event['replace']])).toEqual([
      ['Let me ', 'Let me ', undefined],
      ['look.', 'Let me look.', undefined],
      ['One file.', 'One file.', true],
    ]);
    expect(chat.at(-1)).toMatchObject({ state: 'final', stopReason: 'stop', message: { role: 'assistant', content: [{ type: 'text', text: 'One file.' }] }, usage: { input: 10, output: 5 } });
    expect([...blind.events('agent'), ...blind.events('chat')]).toEqual([]);
    for (const client of [raw, other, blind]) checkFrames(client);
  });

  test('a reset takes text back, a late word of the old attempt is not told, missed deltas are made good', async () => {
    await raw.response(raw.call('agent', agentParams('run-1')));
    const tell = (body: Parameters<typeof world.store.publish>[1], at = {}) => world.store.publish('run-1', body, at);
    tell({ type: 'text', delta: 'Wrong' });
    tell({ type: 'reset' }, { attempt: 2 });
    tell({ type: 'text', delta: 'late' });
    tell({ type: 'text', delta: 'Right' }, { attempt: 2 });
    tell({ type: 'answer', stop: 'stop', usage: { input: 1, output: 1, cacheRead: 0, cacheWrite: 0 }, text: 'Right, and whole' }, { attempt: 2 });
    world.store.finish('run-1', 'Right, and whole');
    await raw.until(() => raw.events('chat').some((event) => event['state'] === 'final'));
    const deltas = raw.events('chat').filter((event) => event['state'] === 'delta');
    expect(deltas.map((event) => [event['deltaText'], event['replace'] ?? false, event['message'].content[0].text])).toEqual([
      ['Wrong', false, 'Wrong'],
      ['Right', true, 'Right'],
      [', and whole', false, 'Right, and whole'],
    ]);
    checkFrames(raw);
  });

  test('a new chain that begins again at an earlier step is told at once, and takes the text back', async () => {
    await raw.response(raw.call('agent', agentParams('run-1')));
    const tell = (body: Parameters<typeof world.store.publish>[1], at = {}) => world.store.publish('run-1', body, at);
    tell({ type: 'text', delta: 'Lost' }, { step: 3, attempt: 10_001 });
    tell({ type: 'text', delta: 'Again' }, { step: 2, attempt: 20_001 });
    await raw.until(() => raw.events('chat').some((event) => event['deltaText'] === 'Again'));
    expect(raw.events('chat').filter((event) => event['state'] === 'delta').map((event) => [event['deltaText'], event['replace'] ?? false])).toEqual([['Lost', false], ['Again', true]]);
  });

  test('each run has exactly one final, however often its row is seen', async () => {
    for (const key of ['a', 'b', 'c']) await raw.response(raw.call('agent', agentParams(key)));
    for (const key of ['a', 'b', 'c']) {
      world.store.finish(key, key);
      world.store.publish(key, { type: 'end', state: 'ok' });
    }
    await raw.until(() => raw.events('chat').filter((event) => event['state'] === 'final').length >= 3);
    await new Promise((done) => setTimeout(done, 200));
    expect(raw.events('chat').filter((event) => event['state'] === 'final').map((event) => event['runId']).sort()).toEqual(['a', 'b', 'c']);
  });
});
