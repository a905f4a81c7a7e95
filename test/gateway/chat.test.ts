/** `chat.*` over the wire: sends, attachments, the transcript and what is being said, stops. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import type { TranscriptRow } from '../../src/core/transcript.js';
import { connected, runHash, startWorld, type Raw, type World } from './fakes.js';

let world: World;
let raw: Raw;
beforeEach(async () => {
  world = await startWorld();
  raw = await connected(world.port);
});
afterEach(() => world.close());

describe('chat', () => {
  const at = (seq: number, kind: TranscriptRow['kind'], step: number, content: TranscriptRow['content']): TranscriptRow => ({
    session: 'agent:main:main', conversation: 'conv-1', run: runHash('run-1'), step, kind, seq, generation: 1, createdAt: 1_000 + seq, content,
  });
  const usage = { input: 1, output: 2, cacheRead: 3, cacheWrite: 4 };

  test('send is answered started, then ok from the row; a missing key is made up', async () => {
    const send = { sessionKey: 'Main', message: 'hi', idempotencyKey: 'k1' };
    expect(await raw.payload('chat.send', send)).toEqual({ runId: 'k1', status: 'started' });
    expect(world.store.all[0]).toMatchObject({ session: 'agent:main:main', principal: 'owner' });
    expect(await raw.payload('chat.send', send)).toEqual({ runId: 'k1', status: 'in_flight' });
    world.store.finish('k1', 'done');
    expect(await raw.payload('chat.send', send)).toEqual({ runId: 'k1', status: 'ok' });
    expect(await raw.payload('chat.send', { sessionKey: 'main', message: 'no key' })).toMatchObject({ status: 'started', runId: expect.stringMatching(/^[0-9a-f-]{36}$/) });
  });

  test('an unknown mode is refused with those there are, a known one reaches the door', async () => {
    expect(await raw.error('chat.send', { sessionKey: 'main', message: 'x', idempotencyKey: 'k', queueMode: 'sometimes' })).toMatchObject({ code: 'INVALID_REQUEST' });
    for (const queueMode of ['steer', 'collect', 'followup']) await raw.payload('chat.send', { sessionKey: 'main', message: 'x', idempotencyKey: queueMode, queueMode });
    expect(world.store.turns.splice(0)).toEqual([{ mode: 'steer' }, { mode: 'collect' }, { mode: 'followup' }]);
    await raw.payload('chat.send', { sessionKey: 'main', message: 'x', idempotencyKey: 'i', queueMode: 'interrupt', thinking: 'high', timeoutMs: 9 });
    expect(world.store.turns).toEqual([{ mode: 'interrupt', thinking: 'high', timeoutMs: 9 }]);
  });

  test('attachments are decoded, sniffed and stored before the message', async () => {
    const png = Buffer.from('\x89PNG rest', 'latin1');
    const attachments = [
      { type: 'image', mimeType: 'image/jpeg', fileName: '../../etc/pass\u0007wd.png', content: png.toString('base64') },
      { content: `data:text/plain;base64,${Buffer.from('note').toString('base64')}` },
    ];
    await raw.payload('chat.send', { sessionKey: 'main', message: '', idempotencyKey: 'a', attachments });
    expect(world.store.messages[0]!.attachments).toMatchObject([
      { kind: 'image', mime: 'image/png', size: png.length, name: 'passwd.png', media: { hash: expect.any(String) } },
      { kind: 'document', mime: 'text/plain', size: 4 },
    ]);
    for (const content of ['not base64!', 'AAA', undefined, 5, '', 'A===', `${'A'.repeat(28 * 1024)}\n`]) {
      expect(await raw.error('chat.send', { sessionKey: 'main', message: 'x', idempotencyKey: 'b', attachments: [{ content }] })).toMatchObject({ code: 'INVALID_REQUEST', message: 'chat.send: attachment 1: content must be base64' });
    }
    // One long string, on a socket of its own: the frame is 28 MB minus nothing too much.
    const tooLarge = 'A'.repeat(20 * 1024 * 1024 + 400_000 - ((20 * 1024 * 1024 + 400_000) % 4));
    expect(tooLarge.length).toBeLessThan(26_000_000);
    expect(await raw.payload('chat.send', { sessionKey: 'main', message: 'fits', idempotencyKey: 'c', attachments: [{ content: tooLarge }] })).toMatchObject({ status: 'started' });
    expect(world.store.messages).toHaveLength(2);
  });

  test('history has the peer’s message shapes, pages, and what the running step has said', async () => {
    await raw.payload('chat.send', { sessionKey: 'main', message: 'list files', idempotencyKey: 'run-1' });
    await raw.payload('chat.send', { sessionKey: 'main', message: 'and then?', idempotencyKey: 'run-2' });
    world.store.take('run-1');
    const { transcript } = world.store;
    transcript.push(
      at(1, 'user', 0, { type: 'user', text: 'list files', sender: { id: 'owner' }, attachments: [] }),
      at(2, 'assistant', 1, { type: 'assistant', text: 'Looking', calls: [{ index: 0, callId: 'dup', tool: 'exec', args: { command: 'ls' } }], provider: 'offline', model: 'echo', stop: 'tool_calls', usage }),
      at(3, 'tool.0', 1, { type: 'tool', index: 0, tool: 'exec', callId: 'dup', isError: false, blocks: [{ type: 'text', text: 'a' }] }),
      at(4, 'aborted', 2, { type: 'aborted', text: 'half', reason: 'stopped' }),
      at(5, 'error', 2, { type: 'error', code: 'Network', message: 'lost' }),
    );
    world.store.publish('run-1', { type: 'text', delta: 'One' }, { step: 2 });
    const history = await raw.payload('chat.history', { sessionKey: 'main' });
    const call = `call_${runHash('run-1').slice(0, 12)}_1_0`;
    expect(history['messages']).toEqual([
      { role: 'user', content: 'list files', timestamp: 1_001, idempotencyKey: 'run-1:user', __openclaw: { id: 'conv-1:1', seq: 1, runId: 'run-1', sender: { id: 'owner' } } },
      {
        role: 'assistant',
        content: [{ type: 'text', text: 'Looking' }, { type: 'toolCall', id: call, name: 'exec', arguments: { command: 'ls' } }],
        provider: 'offline', model: 'echo', usage: { ...usage, totalTokens: 10 }, stopReason: 'toolUse', timestamp: 1_002, __openclaw: { id: 'conv-1:2', seq: 2, runId: 'run-1' },
      },
      { role: 'toolResult', toolCallId: call, toolName: 'exec', content: [{ type: 'text', text: 'a' }], isError: false, timestamp: 1_003, __openclaw: { id: 'conv-1:3', seq: 3, runId: 'run-1' } },
      { role: 'assistant', content: [{ type: 'text', text: 'half' }], stopReason: 'aborted', errorMessage: 'stopped', timestamp: 1_004, __openclaw: { id: 'conv-1:4', seq: 4, runId: 'run-1' } },
      { role: 'assistant', content: [], stopReason: 'error', errorMessage: 'lost', errorCode: 'Network', timestamp: 1_005, __openclaw: { id: 'conv-1:5', seq: 5, runId: 'run-1' } },
    ]);
    expect(history).toMatchObject({
      sessionKey: 'agent:main:main',
      sessionId: 'conv-1',
      hasMore: false,
      totalMessages: 5,
      inFlightRun: { runId: 'run-1', text: 'One' },
      sessionInfo: { hasActiveRun: true, activeRunIds: ['run-1'] },
      pendingInputs: { total: 1, items: [{ runId: 'run-2', message: 'and then?', state: 'queued' }] },
      defaults: { modelProvider: 'offline', model: 'echo' },
    });
    const page = await raw.payload('chat.history', { sessionKey: 'main', limit: 2, offset: 1, maxChars: 3 });
    expect(page['messages'].map((message: any) => message.__openclaw.seq)).toEqual([3, 4]);
    expect(page['messages'][1].content[0].text).toBe('hal\n…(truncated)…');
    expect(page).toMatchObject({ hasMore: true, limit: 2, offset: 1 });
    const around = await raw.payload('chat.history', { sessionKey: 'main', limit: 2, messageId: 'conv-1:3' });
    expect(around['messages'].map((message: any) => message.__openclaw.seq)).toEqual([2, 3]);
    expect(await raw.payload('chat.history', { sessionKey: 'fresh' })).toMatchObject({ sessionId: null, messages: [], hasMore: false, totalMessages: 0 });
  });

  test('abort stops what runs, one run by its id, and nothing when nothing runs', async () => {
    await raw.payload('chat.send', { sessionKey: 'main', message: 'a', idempotencyKey: 'a' });
    await raw.payload('chat.send', { sessionKey: 'main', message: 'b', idempotencyKey: 'b' });
    expect(await raw.payload('chat.abort', { sessionKey: 'main', runId: 'b' })).toEqual({ ok: true, aborted: true, runIds: ['b'] });
    expect(world.stops.at(-1)).toEqual(['agent:main:main', { run: runHash('b') }, 'owner']);
    expect(await raw.payload('chat.abort', { sessionKey: 'main' })).toEqual({ ok: true, aborted: true, runIds: ['a', 'b'] });
    expect(await raw.payload('chat.abort', { sessionKey: 'main', runId: 'nope' })).toEqual({ ok: true, aborted: false, runIds: [] });
    expect(await raw.payload('chat.abort', { sessionKey: 'empty' })).toEqual({ ok: true, aborted: false, runIds: [] });
  });
});
