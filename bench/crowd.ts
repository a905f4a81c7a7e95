/** Many sessions at once: how many turns a second, and how long one waits among them. */
import type { Gateway } from '../src/cli/lib/client.js';
import { type Plan, type Row, median } from './lib/figures.js';
import { takeTurn } from './lib/house.js';
import { openTarget } from './lib/target.js';

export const title = 'many sessions at once';

const ALONE = 20;
/** Sessions, and turns of each, so that a round is long enough to be told from noise. */
const CROWDS = [[20, 6], [50, 3], [100, 2]] as const;
/** The first of them starts the sessions and is not counted. */
const ROUNDS = 3;

export async function measure(plan: Plan): Promise<readonly Row[]> {
  const target = await openTarget(plan);
  try {
    const client = await target.client();
    const alone: number[] = [];
    for (let i = 0; i < plan.rounds(10); i += 1) await takeTurn(client, 'hello', target.session('warm-up'));
    for (let i = 0; i < plan.rounds(ALONE); i += 1) {
      const { sent, final } = await takeTurn(client, 'hello', target.session('alone'));
      alone.push(final - sent);
    }
    const rows: Row[] = [{ what: 'plain turn, one session', unit: 'ms', samples: alone }];
    for (const [sessions, turns] of CROWDS) {
      plan.say(`${sessions} sessions at once`);
      rows.push(...(await crowd(client, Array.from({ length: sessions }, (_, i) => target.session(`crowd-${sessions}-${i}`)), turns, plan, median(alone))));
    }
    return rows;
  } finally {
    await target.remove();
  }
}

async function crowd(client: Gateway, sessions: readonly string[], turns: number, plan: Plan, aloneMs: number): Promise<readonly Row[]> {
  const [rates, latencies]: [number[], number[]] = [[], []];
  for (let round = 0; round < plan.rounds(ROUNDS); round += 1) {
    const begun = performance.now();
    const perSession = await Promise.all(
      sessions.map(async (session) => {
        const mine: number[] = [];
        for (let turn = 0; turn < turns; turn += 1) {
          const { sent, final } = await takeTurn(client, 'hello', session);
          mine.push(final - sent);
        }
        return mine;
      }),
    );
    if (round === 0) continue;
    rates.push((sessions.length * turns * 1_000) / (performance.now() - begun));
    latencies.push(...perSession.flat());
  }
  return [
    { what: `${sessions.length} sessions at once`, unit: 'turns/s', samples: rates, baseline: { name: 'one session', value: 1_000 / aloneMs }, aim: '> 30' },
    { what: `plain turn among ${sessions.length} sessions`, unit: 'ms', samples: latencies, baseline: { name: 'alone', value: aloneMs } },
  ];
}
