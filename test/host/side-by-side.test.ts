/** Two installations on one machine, started at the same moment: neither sees anything of the other. */
import { afterAll, expect, test } from 'vitest';
import { type Installation, install, until } from '../servers/installation.js';

const houses: Installation[] = [];
afterAll(async () => {
  for (const house of houses) await house.remove();
});

test('each answers its own agent, also a message that came while its engine was still starting', async () => {
  // Fresh: both look for the same usual ports.
  houses.push(await install({ fresh: true }), await install({ fresh: true }));
  const early = await Promise.all(
    houses.map(async (house, i) => {
      house.launch();
      await until('it listens', () => fetch(`http://127.0.0.1:${house.port}/healthz`).then(() => true, () => false));
      const client = await house.client();
      const accepted = await client.request('chat.send', { sessionKey: 'main', message: `run: echo from-house-${i}`, idempotencyKey: 'same-key' });
      return { accepted, before: !(await house.ready()), client };
    }),
  );
  for (const [i, { accepted, before, client }] of early.entries()) {
    expect(accepted).toEqual({ runId: 'same-key', status: 'started' });
    // Otherwise this test would no longer show what it says.
    expect(before, 'accepted before the engine was there').toBe(true);
    expect(await client.request('agent.wait', { runId: 'same-key', timeoutMs: 60_000 }, { timeoutMs: 70_000 })).toMatchObject({ status: 'ok' });
    const history = JSON.stringify(await client.request('chat.history', { sessionKey: 'main' }));
    expect(history).toContain(`from-house-${i}`);
    expect(history).not.toContain(`from-house-${1 - i}`);
    expect((await client.request<{ runs: unknown[] }>('runs.list', {})).runs).toHaveLength(1);
  }
  const ports = houses.flatMap((house) => [house.port, ...Object.values(house.engine().ports)]);
  expect(new Set(ports).size).toBe(6);
});
