/**
 * How long until the gateway answers, from spawn: the first start ever (database, namespace and workspace are made), a
 * start without a running engine, one that adopts the running engine. Then the first turn of the fresh process.
 */
import { once } from 'node:events';
import { spawn } from 'node:child_process';
import { type Plan, type Row, median } from './lib/figures.js';
import { type House, scriptedHouse, takeTurn } from './lib/house.js';
import { BIN, answersAt, isAlive, soon, timed } from './lib/process.js';

export const title = 'cold start';
export const ownOnly = 'a gateway given by --url was started by somebody else';

const ROUNDS = 5;
const PEER_LIVE = '10,000–16,000 ms';
const PEER_READY = '11,000–19,600 ms';

interface Times {
  readonly live: number[];
  readonly ready: number[];
  /** Sent → final. */
  readonly turn: number[];
  readonly stop: number[];
}
const times = (): Times => ({ live: [], ready: [], turn: [], stop: [] });

export async function measure(plan: Plan): Promise<readonly Row[]> {
  const rounds = plan.rounds(ROUNDS);
  const [first, cold, warm] = [times(), times(), times()];
  const bare: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const house = await scriptedHouse();
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
    { what: `${name} → /readyz`, unit: 'ms', samples: of.ready, baseline, peer: PEER_READY, aim: '< 1,500' },
    { what: `${name}: first turn after ready`, unit: 'ms', samples: of.turn, baseline },
  ];
  return [
    { what: 'node -e 0', unit: 'ms', samples: bare, baseline },
    ...rows('first start, empty state directory', first),
    ...rows('start, no engine', cold),
    ...rows('start, engine running', warm),
    { what: 'SIGTERM, nothing running → exit', unit: 'ms', samples: [...cold.stop, ...warm.stop], baseline },
  ];
}

async function startAndStop(house: House, into: Times): Promise<void> {
  const { env, port } = house;
  const begun = performance.now();
  // No pipe: what it says is not what is measured.
  const gateway = spawn(process.execPath, [BIN, 'gateway'], { env, stdio: 'ignore' });
  try {
    const [live, ready] = await Promise.all(['healthz', 'readyz'].map((path) => answersAt(`http://127.0.0.1:${port}/${path}`)));
    into.live.push(live! - begun);
    into.ready.push(ready! - begun);
    const { sent, final } = await takeTurn(await house.client(), 'hello', 'main');
    into.turn.push(final - sent);
  } finally {
    const stopped = performance.now();
    gateway.kill('SIGTERM');
    await once(gateway, 'exit');
    into.stop.push(performance.now() - stopped);
  }
}

async function endEngine(house: House): Promise<void> {
  const { pid } = house.engine();
  house.killEngine();
  await soon('the engine is gone', () => (isAlive(pid) ? undefined : true));
}
