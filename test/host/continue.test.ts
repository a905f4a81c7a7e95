/** Continue-as-new in a real gateway: a chain longer than one history gets one answer. */
import { Client, Connection } from '@temporalio/client';
import { afterAll, expect, test } from 'vitest';
import { sessionWorkflowId } from '../../src/core/names.js';
import { type Installation, install } from '../servers/installation.js';

let house: Installation | undefined;
afterAll(() => house?.remove());

test('a chain of twelve calls goes over several histories and is answered once', async () => {
  house = await install({ env: { OPENCLAW_TEMPORAL_DYNAMIC_CONFIG: 'limit.historyCount.suggestContinueAsNew=60' } });
  await house.start();
  const client = await house.client();
  await client.request('chat.send', { sessionKey: 'main', message: 'chain: 12 echo link-{i}', idempotencyKey: 'long' });
  expect(await client.request('agent.wait', { runId: 'long', timeoutMs: 60_000 }, { timeoutMs: 70_000 })).toMatchObject({ runId: 'long', status: 'ok' });
  const { messages } = await client.request<{ messages: { role: string }[] }>('chat.history', { sessionKey: 'main' });
  expect(messages.map((message) => message.role)).toEqual(['user', ...Array.from({ length: 12 }, () => ['assistant', 'toolResult']).flat(), 'assistant']);

  const connection = await Connection.connect({ address: `127.0.0.1:${house.engine().ports.grpc}` });
  try {
    const handle = new Client({ connection, namespace: 'openclaw' }).workflow.getHandle(sessionWorkflowId('agent:main:main'));
    const { raw, runId } = await handle.describe();
    expect(raw.workflowExecutionInfo?.firstRunId).not.toBe(runId);
  } finally {
    await connection.close();
  }
});
