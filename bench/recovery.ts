/**
 * SIGKILL, and how long the person waits: for a gateway that answers, and for the answer to the message that was being
 * worked on. Inside a command (it ends the moment of the kill, so what is measured is the recovery), and at instants
 * spread over a plain turn: a kill that lands inside a workflow task waits for that task's timeout.
 */
import { randomUUID } from 'node:crypto';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Plan, type Row, median } from './lib/figures.js';
import { type House, scriptedHouse } from './lib/house.js';
import { answersAt, pause, soon } from './lib/process.js';

export const title = 'SIGKILL inside a command, and anywhere in a turn';
export const ownOnly = 'a gateway given by --url is not killed';

const ROUNDS = 6;
const ANYWHERE = 12;
/** From acceptance on; a little less than a plain turn takes on a busy machine. */
const SPREAD_MS = 80;

export async function measure(plan: Plan): Promise<readonly Row[]> {
  const house = await scriptedHouse();
  try {
    await house.start();
    await once(house, 'warm-up', async () => undefined);
    const [whole, ready, gatewayFinal, afterReady, engineFinal]: [number[], number[], number[], number[], number[]] = [[], [], [], [], []];
    for (let round = 0; round < plan.rounds(ROUNDS); round += 1) {
      whole.push((await once(house, `whole-${round}`, async () => undefined)).finalMs);
      const killed = await once(house, `gateway-${round}`, async (begun) => {
        await house.kill();
        const started = house.start();
        ready.push((await answersAt(`http://127.0.0.1:${house.port}/readyz`)) - begun);
        await started;
      });
      gatewayFinal.push(killed.finalMs);
      afterReady.push(killed.finalMs - ready.at(-1)!);
      engineFinal.push((await once(house, `engine-${round}`, async () => house.killEngine())).finalMs);
      plan.say(`round ${round + 1}: gateway ${gatewayFinal.at(-1)!.toFixed(0)} ms, engine ${engineFinal.at(-1)!.toFixed(0)} ms`);
    }
    const anywhere = await killAnywhere(house, plan);
    const baseline = { name: 'nothing killed', value: median(whole) };
    return [
      { what: 'nothing killed: command ends → final answer', unit: 'ms', samples: whole, baseline },
      { what: 'gateway killed → ready again', unit: 'ms', samples: ready, baseline, peer: '11,000–19,600 ms' },
      { what: 'gateway killed → final answer, same run', unit: 'ms', samples: gatewayFinal, baseline, peer: 'the command dies, another run is made' },
      { what: 'gateway ready again → final answer', unit: 'ms', samples: afterReady, baseline, aim: '< 6,000' },
      { what: 'gateway killed anywhere in a plain turn: ready again → final answer', unit: 'ms', samples: anywhere, baseline, aim: '< 6,000', peer: 'another run is made' },
      { what: 'engine killed → final answer, same run', unit: 'ms', samples: engineFinal, baseline, peer: 'has none' },
    ];
  } finally {
    await house.remove();
  }
}

/** At instants from the message's acceptance on. A turn that had ended before the kill is asked for all the same. */
async function killAnywhere(house: House, plan: Plan): Promise<readonly number[]> {
  const samples: number[] = [];
  const rounds = plan.rounds(ANYWHERE);
  for (let round = 0; round < rounds; round += 1) {
    const [runId, after] = [randomUUID(), (SPREAD_MS * round) / rounds];
    const client = await house.client();
    await client.request('chat.send', { sessionKey: 'anywhere', message: `hello ${round}`, idempotencyKey: runId });
    await pause(after);
    await house.kill();
    const started = house.start();
    const ready = await answersAt(`http://127.0.0.1:${house.port}/readyz`);
    await started;
    const waiting = await house.client();
    const { status } = await waiting.request<{ readonly status: string }>('agent.wait', { runId, timeoutMs: 90_000 }, { timeoutMs: 95_000 });
    if (status !== 'ok') throw new Error(`${runId} ended as ${status}`);
    samples.push(performance.now() - ready);
    plan.say(`killed ${after.toFixed(0)} ms after acceptance: answered ${samples.at(-1)!.toFixed(0)} ms after ready`);
    waiting.close();
  }
  return samples;
}

/** One turn with one command; inside it the command's gate opens and `happen` is done. */
async function once(house: House, id: string, happen: (begun: number) => Promise<void>): Promise<{ readonly finalMs: number }> {
  const file = (name: string): string => join(house.workspace, `${id}.${name}`);
  const client = await house.client();
  const message = `chain: 1 sh -c 'touch ${id}.begun; while [ ! -e ${id}.gate ]; do sleep 0.02; done; echo out'`;
  await client.request('chat.send', { sessionKey: 'recovery', message, idempotencyKey: id });
  await soon('the command runs', () => (existsSync(file('begun')) ? true : undefined));
  const begun = performance.now();
  writeFileSync(file('gate'), '');
  await happen(begun);
  const waiting = await house.client();
  const { status } = await waiting.request<{ readonly status: string }>('agent.wait', { runId: id, timeoutMs: 90_000 }, { timeoutMs: 95_000 });
  if (status !== 'ok') throw new Error(`${id} ended as ${status}`);
  const finalMs = performance.now() - begun;
  for (const each of [client, waiting]) each.close();
  return { finalMs };
}
