/** One kill on a fresh installation's defaults: the offline provider, the allowlist, no config of ours. */
import { randomUUID } from 'node:crypto';
import { afterAll, expect, test } from 'vitest';
import { type Installation, install, until } from '../servers/installation.js';

let house: Installation | undefined;
afterAll(async () => {
  await house?.remove();
});

test('a slow command on the defaults survives SIGKILL of the gateway', async () => {
  house = await install();
  await house.start();
  const id = randomUUID();
  const client = await house.client();
  const started = new Promise<void>((resolve) =>
    client.onEvent(({ event, payload }) => {
      const { stream, data } = (payload ?? {}) as { stream?: string; data?: { phase?: string } };
      if (event === 'agent' && stream === 'tool' && data?.phase === 'start') resolve();
    }),
  );
  await client.request('chat.send', { sessionKey: 'main', message: 'slow: 4 the nap is over', idempotencyKey: id });
  await started;
  await house.kill();
  await house.start();
  const after = await house.client();
  expect(await after.request('agent.wait', { runId: id, timeoutMs: 30_000 }, { timeoutMs: 40_000 })).toMatchObject({ status: 'ok' });
  const history = await after.request<{ messages: { role: string; content: unknown }[] }>('chat.history', { sessionKey: 'main' });
  expect(history.messages.map((message) => message.role)).toEqual(['user', 'assistant', 'toolResult', 'assistant']);
  expect(JSON.stringify(history.messages.at(-1))).toContain('the nap is over');
  // One command, however often its activity was attempted.
  const { steps } = await after.request<{ steps: { tools: { tool: string; state: string }[] }[] }>('runs.get', { runId: id });
  expect(steps.flatMap((step) => step.tools.map(({ tool, state }) => [tool, state]))).toEqual([['exec', 'ok']]);
  await until('nothing runs any more', async () => (await after.request<{ runs: unknown[] }>('runs.list', { state: 'running' })).runs.length === 0);
});
