/** `openclaw agent` and `runs wait`: one message, one answer, whatever happens to the gateway in between. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ANSWERED, startGatewayStub, type GatewayStub, type StubHandler, type StubOptions } from '../servers/gateway-stub.js';
import { makeInstallation, type Installation } from './cli.js';

let home: Installation;
const stubs: GatewayStub[] = [];
beforeEach(() => {
  home = makeInstallation({ OPENCLAW_GATEWAY_TOKEN: 't' });
});
afterEach(async () => {
  await Promise.all(stubs.splice(0).map((stub) => stub.close()));
  home.remove();
});

async function stub(methods: StubOptions['methods'], more: StubOptions = {}): Promise<GatewayStub> {
  const started = await startGatewayStub({ token: 't', ...(methods === undefined ? {} : { methods }), ...more });
  stubs.push(started);
  home.env['OPENCLAW_GATEWAY_PORT'] = String(started.port);
  return started;
}

const finalOf = (runId: unknown, text: string) => ({ runId, sessionKey: 'agent:main:main', status: 'ok', summary: 'completed', result: { payloads: [{ text, mediaUrl: null }], meta: { durationMs: 5 } } });
const accept = (runId: unknown) => ({ runId, sessionKey: 'agent:main:main', agentId: 'main', status: 'accepted', acceptedAt: 1 });

/** Accepts, streams, answers. */
const answering = (text: string): StubHandler => (params, context) => {
  const runId = params['idempotencyKey'];
  context.respond(accept(runId));
  context.event('agent', { runId, stream: 'assistant', data: { text, delta: text, itemId: 'msg:1' } });
  return finalOf(runId, text);
};

describe('one message', () => {
  test('the answer is the only thing on stdout', async () => {
    const gateway = await stub({ agent: answering('Hello there.') });
    const result = await home.run(['agent', '-m', 'hi']);
    expect(result).toMatchObject({ code: 0, stdout: 'Hello there.\n', stderr: '' });
    expect(gateway.calls[0]).toMatchObject({ method: 'agent', params: { message: 'hi', sessionKey: 'main', deliver: false } });
    expect(gateway.connects[0]).toMatchObject({ client: { id: 'cli', mode: 'cli' }, role: 'operator', auth: { token: 't' } });
    expect(gateway.connects[0]).not.toHaveProperty('device.id');
  });

  test('--json is the second response, one document', async () => {
    await stub({ agent: answering('Hello.') });
    const result = await home.run(['agent', '-m', 'hi', '--json', '--run-id', 'r-1']);
    expect(JSON.parse(result.stdout)).toMatchObject({ runId: 'r-1', status: 'ok', result: { payloads: [{ text: 'Hello.' }] } });
    expect(result.stderr).toBe('');
  });

  test('message from standard input, model, thinking, session and a file go on the wire', async () => {
    const gateway = await stub({ agent: answering('ok') });
    const file = join(home.home, 'note.txt');
    writeFileSync(file, 'inside');
    await home.run(['agent', '-m', '-', '--model', 'a/b', '--thinking', 'high', '--session', 'work', '--attach', file], { input: 'from stdin' });
    expect(gateway.calls[0]?.params).toMatchObject({
      message: 'from stdin', model: 'a/b', thinking: 'high', sessionKey: 'work',
      attachments: [{ fileName: 'note.txt', mimeType: 'text/plain', content: Buffer.from('inside').toString('base64') }],
    });
  });

  test('--queue sends with the mode and waits for the run', async () => {
    const gateway = await stub({
      'chat.send': (params) => ({ runId: params['idempotencyKey'], status: 'started' }),
      'agent.wait': (params) => ({ runId: params['runId'], status: 'ok', stopReason: 'stop', terminalReply: { disposition: 'visible', text: 'queued answer' } }),
    });
    const result = await home.run(['agent', '-m', 'hi', '--queue', 'interrupt']);
    expect(result).toMatchObject({ code: 0, stdout: 'queued answer\n' });
    expect(gateway.calls.map((call) => call.method)).toEqual(['chat.send', 'agent.wait']);
    expect(gateway.calls[0]?.params).toMatchObject({ queueMode: 'interrupt' });
  });

  test('escape sequences of the answer do not reach the terminal', async () => {
    await stub({ agent: answering('a\u001b[2Jb\u0007') });
    expect((await home.run(['agent', '-m', 'hi'])).stdout).toBe('ab\n');
  });
});

describe('failures', () => {
  test('a failed run is exit 1 with the run\'s own code', async () => {
    await stub({
      agent: (params, context) => {
        const runId = params['idempotencyKey'];
        context.respond(accept(runId));
        context.fail({ code: 'UNAVAILABLE', message: 'the key was refused', details: { code: 'Auth', runId, state: 'error' } }, { runId, status: 'error' });
        return ANSWERED;
      },
    });
    const plain = await home.run(['agent', '-m', 'hi', '--run-id', 'r-2']);
    expect(plain).toMatchObject({ code: 1, stdout: '', stderr: 'Error: the key was refused (Auth) → See what it did: openclaw runs show r-2\n' });
    const json = await home.run(['agent', '-m', 'hi', '--json']);
    expect(json.code).toBe(1);
    expect(JSON.parse(json.stdout)).toMatchObject({ ok: false, error: { type: 'cli_error', code: 'Auth', message: 'the key was refused' } });
  });

  test('no message, an unreadable file, --queue with --model are exit 2', async () => {
    for (const args of [['agent'], ['agent', '-m', ' '], ['agent', '-m', 'x', '--attach', '/nonexistent/file'], ['agent', '-m', 'x', '--queue', 'followup', '--model', 'a/b']]) {
      expect(await home.run(args)).toMatchObject({ code: 2, stdout: '' });
    }
  });

  test('no gateway: exit 1 at once, with how to start it', async () => {
    const gateway = await stub({});
    await gateway.close();
    const result = await home.run(['agent', '-m', 'hi']);
    expect(result.code).toBe(1);
    expect(result.stderr).toBe(`Error: No gateway answers at ${gateway.url} (GATEWAY_DOWN) → Start it with: openclaw gateway\n`);
  });

  test('out of time: exit 3, and how to come back', async () => {
    await stub({ agent: (params, context) => (context.respond(accept(params['idempotencyKey'])), ANSWERED) });
    const result = await home.run(['agent', '-m', 'hi', '--timeout', '1', '--run-id', 'r-3']);
    expect(result).toMatchObject({ code: 3, stdout: '' });
    expect(result.stderr).toContain('No answer within 1 s; the run goes on (WAIT_TIMEOUT) → Wait for it with: openclaw runs wait r-3');
  });
});

describe('a gateway that goes away', () => {
  test('killed in the middle and started again: the same run, one answer', async () => {
    const first = await stub({
      agent: (params, context) => {
        context.respond(accept(params['idempotencyKey']));
        context.event('agent', { runId: params['idempotencyKey'], stream: 'assistant', data: { text: 'Hel', delta: 'Hel', itemId: 'msg:1' } });
        return ANSWERED;
      },
    });
    const running = home.start(['agent', '-m', 'hi', '--run-id', 'r-4']);
    await expect.poll(() => first.calls.length, { timeout: 15_000 }).toBe(1);
    await first.close();
    await running.stderrHas('The gateway went away');
    const second = await stub(
      {
        'agent.wait': (params) => ({ runId: params['runId'], status: 'ok', stopReason: 'stop', terminalReply: { disposition: 'visible', text: 'Hello.' } }),
        agent: (params) => finalOf(params['idempotencyKey'], 'Hello.'),
      },
      { port: first.port },
    );
    const result = await running.done;
    expect(result).toMatchObject({ code: 0, stdout: 'Hello.\n' });
    expect(second.calls.map((call) => call.method)).toEqual(['agent.wait', 'agent']);
    // The very same request: the gateway answers it from the row.
    expect(second.calls[1]?.params).toEqual(first.calls[0]?.params);
  });

  test('killed before it acknowledged: the same request is sent again', async () => {
    const first = await stub({ agent: (_params, context) => (context.drop(), ANSWERED) });
    const running = home.start(['agent', '-m', 'hi']);
    await expect.poll(() => first.calls.length, { timeout: 15_000 }).toBeGreaterThan(0);
    await first.close();
    const second = await stub({ agent: answering('Once.') }, { port: first.port });
    expect(await running.done).toMatchObject({ code: 0, stdout: 'Once.\n' });
    expect(second.calls[0]?.params).toEqual(first.calls[0]?.params);
  });

  test('one that drops every connection is not hammered, and complained of once', async () => {
    const gateway = await stub({ agent: (_params, context) => (context.drop(), ANSWERED) });
    const result = await home.run(['agent', '-m', 'hi', '--timeout', '3']);
    expect(result.code).toBe(3);
    expect(gateway.calls.length).toBeLessThan(6);
    expect(result.stderr.match(/went away/g)).toHaveLength(1);
  });

  test('a wait that is not over is asked again', async () => {
    let asked = 0;
    await stub({ 'agent.wait': (params) => (++asked < 3 ? { runId: params['runId'], status: 'timeout' } : { runId: params['runId'], status: 'ok', terminalReply: { text: 'late' } }) });
    expect(await home.run(['runs', 'wait', 'r-5'])).toMatchObject({ code: 0, stdout: 'late\n' });
    expect(asked).toBe(3);
  });

  test('a run nobody knows is an error', async () => {
    await stub({ 'agent.wait': (params) => ({ runId: params['runId'], status: 'timeout', error: 'no run with this id is known' }) });
    expect(await home.run(['runs', 'wait', 'nope'])).toMatchObject({ code: 1, stderr: 'Error: No run nope is known (UNKNOWN_RUN) → See the runs there are: openclaw runs list\n' });
  });
});

describe('Ctrl-C', () => {
  const hanging: StubHandler = (params, context) => (context.respond(accept(params['idempotencyKey'])), ANSWERED);

  test('once detaches and says how to come back', async () => {
    const gateway = await stub({ agent: hanging });
    const running = home.start(['agent', '-m', 'hi', '--run-id', 'r-6']);
    await expect.poll(() => gateway.calls.length, { timeout: 15_000 }).toBe(1);
    running.child.kill('SIGINT');
    const result = await running.done;
    expect(result.code).toBe(130);
    expect(result.stderr).toContain('openclaw runs wait r-6');
    expect(gateway.calls).toHaveLength(1);
  });

  test('twice stops the run', async () => {
    const gateway = await stub({ agent: hanging, 'chat.abort': () => ({ ok: true, aborted: true, runIds: ['r-7'] }) });
    const running = home.start(['agent', '-m', 'hi', '--run-id', 'r-7']);
    await expect.poll(() => gateway.calls.length, { timeout: 15_000 }).toBe(1);
    running.child.kill('SIGINT');
    await running.stderrHas('Ctrl-C again');
    running.child.kill('SIGINT');
    expect(await running.done).toMatchObject({ code: 130 });
    expect(gateway.calls[1]).toEqual({ method: 'chat.abort', params: { sessionKey: 'agent:main:main', runId: 'r-7' } });
  });
});
