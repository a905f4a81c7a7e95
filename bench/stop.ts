/** How long a person waits after they said stop. */
import { randomUUID } from 'node:crypto';
import type { Gateway } from '../src/cli/lib/client.js';
import { type Plan, type Row, missing } from './lib/figures.js';
import { pause } from './lib/process.js';
import { NO_MODEL, type Target, openTarget } from './lib/target.js';

export const title = 'a stop';

const STOPS = 8;

export async function measure(plan: Plan): Promise<readonly Row[]> {
  const target = await openTarget(plan, (seen) => seen.text.includes('never answered'));
  try {
    if (!target.model) return [missing('chat.abort → run ended', 'ms', NO_MODEL)];
    return await stopping(target, await target.client(), plan);
  } finally {
    await target.remove();
  }
}

async function stopping(target: Target, client: Gateway, plan: Plan): Promise<readonly Row[]> {
  const rounds = plan.rounds(STOPS);
  const during = async (message: string, stream: string): Promise<readonly number[]> => {
    const samples: number[] = [];
    for (let round = 0; round < rounds; round += 1) samples.push(await stopOne(target, client, message, stream));
    return samples;
  };
  return [
    { what: 'chat.abort inside a command → run ended', unit: 'ms', samples: await during('chain: 1 sleep 60', 'tool') },
    { what: 'chat.abort inside a model call → run ended', unit: 'ms', samples: await during('never answered', 'lifecycle') },
  ];
}

/** Time from the stop to the end of the run, as somebody who waits for it sees it. */
async function stopOne(target: Target, client: Gateway, message: string, stream: string): Promise<number> {
  const runId = randomUUID();
  const sessionKey = target.session(`stop-${stream}`);
  const running = new Promise<void>((resolve) =>
    client.onEvent(({ event, payload }) => {
      const seen = (payload ?? {}) as { readonly runId?: string; readonly stream?: string; readonly data?: { readonly phase?: string } };
      if (event === 'agent' && seen.runId === runId && seen.stream === stream && seen.data?.phase === 'start') resolve();
    }),
  );
  await client.request('chat.send', { sessionKey, message, idempotencyKey: runId });
  await running;
  // The step begins an instant after its event.
  await pause(300);
  const ended = client.request<{ readonly status: string }>('agent.wait', { runId, timeoutMs: 30_000 }, { timeoutMs: 40_000 });
  const begun = performance.now();
  const stopped = await client.request<{ readonly aborted: boolean }>('chat.abort', { sessionKey, runId });
  const { status } = await ended;
  if (!stopped.aborted || status === 'ok' || status === 'timeout') throw new Error(`the stop did not land: ${JSON.stringify({ stopped, status })}`);
  return performance.now() - begun;
}
