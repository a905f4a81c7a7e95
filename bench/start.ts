/**
 * How long until the gateway answers, from spawn: the first start ever (database, namespace and workspace are made), a
 * start without a running engine, one that adopts the running engine; then what it weighs.
 */
import { once } from 'node:events';
import { spawn } from 'node:child_process';
import { type Installation, install } from '../test/servers/installation.js';
import { type Plan, type Row, median } from './lib/figures.js';
import { takeTurn } from './lib/house.js';
import { BIN, answersAt, isAlive, memory, pause, soon, timed } from './lib/process.js';

export const title = 'start and weight';

const ROUNDS = 5;
const TURNS = 20;
/** Long enough for the garbage of the last turn to be collected, as in a gateway nobody talks to. */
const IDLE_MS = 5_000;
const PEER_LIVE = '10,000–16,000 ms';
const PEER_READY = '11,000–19,600 ms';

interface Times {
  readonly live: number[];
  readonly ready: number[];
  readonly stop: number[];
}
const times = (): Times => ({ live: [], ready: [], stop: [] });

export async function measure(plan: Plan): Promise<readonly Row[]> {
  const rounds = plan.rounds(ROUNDS);
  const [first, cold, warm] = [times(), times(), times()];
  const bare: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const house = await install();
    try {
      bare.push((await timed(process.execPath, ['-e', '0'])).ms);
      await startAndStop(house, first);
      await endEngine(house);
      await startAndStop(house, cold);
      await startAndStop(house, warm);
    } finally {
      await house.remove();
    }
  }
  const baseline = { name: 'bare node', value: median(bare) };
  const rows = (name: string, of: Times): readonly Row[] => [
    { what: `${name} → /healthz`, unit: 'ms', samples: of.live, baseline, peer: PEER_LIVE },
    { what: `${name} → /readyz`, unit: 'ms', samples: of.ready, baseline, peer: PEER_READY },
  ];
  return [
    { what: 'node -e 0', unit: 'ms', samples: bare, baseline },
    ...rows('first start, empty state directory', first),
    ...rows('start, no engine', cold),
    ...rows('start, engine running', warm),
    { what: 'SIGTERM, nothing running → exit', unit: 'ms', samples: [...cold.stop, ...warm.stop], baseline },
    ...(await weigh(plan)),
  ];
}

async function startAndStop({ env, port }: Installation, into: Times): Promise<void> {
  const begun = performance.now();
  // No pipe: what it says is not what is measured.
  const gateway = spawn(process.execPath, [BIN, 'gateway'], { env, stdio: 'ignore' });
  try {
    const [live, ready] = await Promise.all(['healthz', 'readyz'].map((path) => answersAt(`http://127.0.0.1:${port}/${path}`)));
    into.live.push(live! - begun);
    into.ready.push(ready! - begun);
  } finally {
    const stopped = performance.now();
    gateway.kill('SIGTERM');
    await once(gateway, 'exit');
    into.stop.push(performance.now() - stopped);
  }
}

async function endEngine(house: Installation): Promise<void> {
  const { pid } = house.engine();
  house.killEngine();
  await soon('the engine is gone', () => (isAlive(pid) ? undefined : true));
}

async function weigh(plan: Plan): Promise<readonly Row[]> {
  const house = await install();
  try {
    await house.start();
    const weights = (): readonly [number, number] => [memory(house.pid()!), memory(house.engine().pid)];
    await pause(IDLE_MS);
    const [gateway, engine] = weights();
    const client = await house.client();
    const turns = plan.rounds(TURNS);
    for (let turn = 0; turn < turns; turn += 1) await takeTurn(client, `hello ${turn}`);
    await pause(IDLE_MS);
    const [later, engineLater] = weights();
    const own = { name: 'before', value: gateway };
    return [
      { what: 'gateway, idle after start: resident', unit: 'MB', samples: [gateway], peer: '786 MB, 3 processes' },
      { what: 'engine, idle after start: resident', unit: 'MB', samples: [engine], peer: 'has none' },
      { what: `gateway, idle after ${turns} turns: resident`, unit: 'MB', samples: [later], baseline: own, peer: '1,200 MB' },
      { what: `engine, idle after ${turns} turns: resident`, unit: 'MB', samples: [engineLater], baseline: { ...own, value: engine }, peer: 'has none' },
    ];
  } finally {
    await house.remove();
  }
}
