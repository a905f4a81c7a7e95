/**
 * What a turn costs besides the model: over RPC, with a model on loopback that answers at once. A turn is split where the
 * model is asked and where it has answered. Ratios are against a plain turn of the same run.
 */
import type { Gateway } from '../src/cli/lib/client.js';
import { DEFAULT_KEY, type ModelServer } from '../test/servers/model-server.js';
import { type Plan, type Row, median, missing } from './lib/figures.js';
import { takeTurn } from './lib/house.js';
import { type ModelClock, startModelClock } from './lib/model-clock.js';
import { timed } from './lib/process.js';
import { NO_MODEL, type Target, openTarget } from './lib/target.js';

export const title = 'turns, a model that answers at once';

const ROUNDS = 40;
const COMMAND = 'echo hi';
const KINDS = { chain1: `chain: 1 ${COMMAND}`, chain5: `chain: 5 ${COMMAND}`, batch1: `batch: 1 ${COMMAND}`, batch5: `batch: 5 ${COMMAND}` } as const;
const TOTAL = 'plain turn, sent → final';

export async function measure(plan: Plan): Promise<readonly Row[]> {
  const target = await openTarget(plan);
  const clock = startModelClock();
  try {
    const client = await target.client();
    const warmUp = target.model ? KINDS.chain1 : 'hello';
    for (let i = 0; i < plan.rounds(10); i += 1) await takeTurn(client, warmUp, target.session('warm-up'));
    return target.model ? await split(target, target.model, client, clock, plan) : await whole(target, client, plan);
  } finally {
    clock.stop();
    await target.remove();
  }
}

/** A session is renewed now and then: a prompt that grows with the rounds would be measured as slowness. */
const renewed = (target: Target, kind: string, round: number): string => target.session(`${kind}-${Math.floor(round / 10)}`);

/** A gateway whose model is not ours: what it takes, that model included. */
async function whole(target: Target, client: Gateway, plan: Plan): Promise<readonly Row[]> {
  const total: number[] = [];
  const accepted: number[] = [];
  for (let round = 0; round < plan.rounds(ROUNDS); round += 1) {
    const { sent, final, acceptMs } = await takeTurn(client, 'hello', renewed(target, 'plain', round));
    total.push(final - sent);
    accepted.push(acceptMs);
  }
  return [
    { what: `${TOTAL}, its model included`, unit: 'ms', samples: total },
    { what: 'sent → accepted', unit: 'ms', samples: accepted },
    missing('overhead around the model', 'ms', NO_MODEL),
    missing('turns with commands', 'ms', NO_MODEL),
  ];
}

async function split(target: Target, model: ModelServer, client: Gateway, clock: ModelClock, plan: Plan): Promise<readonly Row[]> {
  const samples = { total: [] as number[], accepted: [] as number[], before: [] as number[], model: [] as number[], after: [] as number[], overhead: [] as number[], direct: [] as number[], shell: [] as number[] };
  const answered: Record<keyof typeof KINDS, number[]> = { chain1: [], chain5: [], batch1: [], batch5: [] };
  for (let round = 0; round < plan.rounds(ROUNDS); round += 1) {
    samples.direct.push(await askDirectly(model));
    samples.shell.push((await timed('sh', ['-c', COMMAND])).ms);
    clock.take();
    const { sent, final, acceptMs } = await takeTurn(client, 'hello', renewed(target, 'plain', round));
    const asked = clock.take();
    if (asked === undefined) throw new Error('the turn ended without a request to the instant model: is the gateway configured for it?');
    samples.total.push(final - sent);
    samples.accepted.push(acceptMs);
    samples.before.push(asked.asked - sent);
    samples.model.push(asked.answered - asked.asked);
    samples.after.push(final - asked.answered);
    samples.overhead.push(final - sent - (asked.answered - asked.asked));
    for (const kind of Object.keys(KINDS) as (keyof typeof KINDS)[]) answered[kind].push((await takeTurn(client, KINDS[kind], renewed(target, kind, round))).answerMs);
  }
  const plain = { name: 'plain turn', value: median(samples.total) };
  const direct = { name: 'direct', value: median(samples.direct) };
  // Each round's own difference: what four more calls in the same answer added.
  const perCall = answered.batch5.map((ms, i) => (ms - answered.batch1[i]!) / 4);
  const perStep = answered.chain5.map((ms, i) => (ms - answered.chain1[i]!) / 4);
  return [
    { what: 'the model asked directly', unit: 'ms', samples: samples.direct, baseline: direct },
    { what: TOTAL, unit: 'ms', samples: samples.total, baseline: direct },
    { what: 'overhead: the turn without the model', unit: 'ms', samples: samples.overhead, baseline: direct, aim: 'p50 < 35' },
    { what: 'of it before: sent → the model is asked', unit: 'ms', samples: samples.before, baseline: plain },
    { what: 'the model: asked → answered', unit: 'ms', samples: samples.model, baseline: plain },
    { what: 'of it after: the model has answered → final', unit: 'ms', samples: samples.after, baseline: plain },
    { what: 'sent → accepted', unit: 'ms', samples: samples.accepted, baseline: plain },
    { what: 'turn with 1 exec', unit: 'ms', samples: answered.chain1, baseline: plain },
    { what: 'turn with 5 execs, one after the other', unit: 'ms', samples: answered.chain5, baseline: plain },
    { what: 'turn with 5 execs in one answer', unit: 'ms', samples: answered.batch5, baseline: plain },
    { what: 'one more step (model and exec)', unit: 'ms', samples: perStep, baseline: plain },
    { what: `sh -c '${COMMAND}', spawned directly`, unit: 'ms', samples: samples.shell },
    { what: 'one more exec in an answer', unit: 'ms', samples: perCall, baseline: { name: 'sh -c', value: median(samples.shell) } },
  ];
}

async function askDirectly(model: ModelServer): Promise<number> {
  const begun = performance.now();
  const response = await fetch(`${model.baseUrl('openai')}/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${DEFAULT_KEY}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'scripted', stream: true, messages: [{ role: 'user', content: 'hello' }] }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(text);
  return performance.now() - begun;
}
