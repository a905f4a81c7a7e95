/**
 * What a turn costs besides the model: over RPC, with a model on loopback that answers at once. Ratios are against a
 * plain turn of the same run; a plain turn's own is against asking that model directly.
 */
import { randomUUID } from 'node:crypto';
import type { Gateway } from '../src/cli/lib/client.js';
import { type Plan, type Row, median } from './lib/figures.js';
import { type House, scriptedHouse, takeTurn } from './lib/house.js';
import { timed } from './lib/process.js';

export const title = 'turns, a model that answers at once';

const ROUNDS = 30;
const STOPS = 8;
const SESSIONS = 20;
const TURNS_EACH = 5;
const COMMAND = 'echo hi';

export async function measure(plan: Plan): Promise<readonly Row[]> {
  const house = await scriptedHouse((seen) => seen.text.includes('never answered'));
  try {
    await house.start();
    const client = await house.client();
    for (let i = 0; i < plan.rounds(5); i += 1) await takeTurn(client, `chain: 1 ${COMMAND}`, 'warm-up');
    const single = await oneAtATime(house, client, plan);
    plan.say(`${SESSIONS} sessions at once`);
    return [...single, ...(await atOnce(client, plan, median(single[2]!.samples))), ...(await stopping(client, plan))];
  } finally {
    await house.remove();
  }
}

async function oneAtATime(house: House, client: Gateway, plan: Plan): Promise<readonly Row[]> {
  const kinds = { plain: 'hello', chain1: `chain: 1 ${COMMAND}`, chain5: `chain: 5 ${COMMAND}`, batch1: `batch: 1 ${COMMAND}`, batch5: `batch: 5 ${COMMAND}` } as const;
  const answered = new Map<string, number[]>(Object.keys(kinds).map((kind) => [kind, []]));
  const [direct, accepted, shell]: [number[], number[], number[]] = [[], [], []];
  for (let round = 0; round < plan.rounds(ROUNDS); round += 1) {
    direct.push(await askDirectly(house));
    shell.push((await timed('sh', ['-c', COMMAND])).ms);
    for (const [kind, message] of Object.entries(kinds)) {
      // A session a kind, renewed: a prompt that grows with the rounds would be measured as slowness.
      const { acceptMs, answerMs } = await takeTurn(client, message, `${kind}-${Math.floor(round / 10)}`);
      answered.get(kind)!.push(answerMs);
      if (kind === 'plain') accepted.push(acceptMs);
    }
  }
  const of = (kind: keyof typeof kinds): readonly number[] => answered.get(kind)!;
  const plain = { name: 'plain turn', value: median(of('plain')) };
  // Each round's own difference: what four more calls in the same answer added.
  const perCall = of('batch5').map((ms, i) => (ms - of('batch1')[i]!) / 4);
  const perStep = of('chain5').map((ms, i) => (ms - of('chain1')[i]!) / 4);
  return [
    { what: 'the model asked directly', unit: 'ms', samples: direct },
    { what: 'sent → accepted', unit: 'ms', samples: accepted, baseline: plain },
    { what: 'plain turn, accepted → final', unit: 'ms', samples: of('plain'), baseline: { name: 'direct', value: median(direct) } },
    { what: 'turn with 1 exec', unit: 'ms', samples: of('chain1'), baseline: plain },
    { what: 'turn with 5 execs, one after the other', unit: 'ms', samples: of('chain5'), baseline: plain },
    { what: 'turn with 5 execs in one answer', unit: 'ms', samples: of('batch5'), baseline: plain },
    { what: 'one more step (model and exec)', unit: 'ms', samples: perStep, baseline: plain },
    { what: `sh -c '${COMMAND}', spawned directly`, unit: 'ms', samples: shell },
    { what: 'one more exec in an answer', unit: 'ms', samples: perCall, baseline: { name: 'sh -c', value: median(shell) } },
  ];
}

async function askDirectly({ model }: House): Promise<number> {
  const begun = performance.now();
  const { DEFAULT_KEY } = await import('../test/servers/model-server.js');
  const response = await fetch(`${model.baseUrl('openai')}/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${DEFAULT_KEY}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'scripted', stream: true, messages: [{ role: 'user', content: 'hello' }] }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(text);
  return performance.now() - begun;
}

async function atOnce(client: Gateway, plan: Plan, plainMs: number): Promise<readonly Row[]> {
  const [rates, latencies]: [number[], number[]] = [[], []];
  const rounds = plan.rounds(4);
  for (let round = 0; round < rounds; round += 1) {
    const begun = performance.now();
    const perSession = await Promise.all(
      Array.from({ length: SESSIONS }, async (_, session) => {
        const mine: number[] = [];
        for (let turn = 0; turn < TURNS_EACH; turn += 1) mine.push((await takeTurn(client, 'hello', `parallel-${session}`)).answerMs);
        return mine;
      }),
    );
    if (round === 0) continue; // twenty sessions start: the warm-up
    rates.push((SESSIONS * TURNS_EACH * 1_000) / (performance.now() - begun));
    latencies.push(...perSession.flat());
  }
  return [
    { what: `${SESSIONS} sessions at once`, unit: 'turns/s', samples: rates, baseline: { name: 'one session', value: 1_000 / plainMs } },
    { what: `plain turn among ${SESSIONS} sessions`, unit: 'ms', samples: latencies, baseline: { name: 'plain turn', value: plainMs } },
  ];
}

async function stopping(client: Gateway, plan: Plan): Promise<readonly Row[]> {
  const rounds = plan.rounds(STOPS);
  const during = async (message: string, stream: string): Promise<readonly number[]> => {
    const samples: number[] = [];
    for (let round = 0; round < rounds; round += 1) samples.push(await stopOne(client, message, stream));
    return samples;
  };
  return [
    { what: 'chat.abort inside a command → run ended', unit: 'ms', samples: await during('chain: 1 sleep 60', 'tool') },
    { what: 'chat.abort inside a model call → run ended', unit: 'ms', samples: await during('never answered', 'lifecycle') },
  ];
}

/** Time from the stop to the end of the run, as somebody who waits for it sees it. */
async function stopOne(client: Gateway, message: string, stream: string): Promise<number> {
  const runId = randomUUID();
  const sessionKey = `stop-${stream}`;
  const running = new Promise<void>((resolve) =>
    client.onEvent(({ event, payload }) => {
      const seen = (payload ?? {}) as { readonly runId?: string; readonly stream?: string; readonly data?: { readonly phase?: string } };
      if (event === 'agent' && seen.runId === runId && seen.stream === stream && seen.data?.phase === 'start') resolve();
    }),
  );
  await client.request('chat.send', { sessionKey, message, idempotencyKey: runId });
  await running;
  // The step begins an instant after its event.
  await new Promise((done) => setTimeout(done, 300));
  const ended = client.request<{ readonly status: string }>('agent.wait', { runId, timeoutMs: 30_000 }, { timeoutMs: 40_000 });
  const begun = performance.now();
  const stopped = await client.request<{ readonly aborted: boolean }>('chat.abort', { sessionKey, runId });
  const { status } = await ended;
  if (!stopped.aborted || status === 'ok' || status === 'timeout') throw new Error(`the stop did not land: ${JSON.stringify({ stopped, status })}`);
  return performance.now() - begun;
}
