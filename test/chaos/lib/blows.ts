/**
 * What is done to the processes: SIGKILL of the gateway, of the Temporal server, of both; SIGSTOP past the heartbeat limit.
 * Invariant: every blow leaves a gateway that runs or starts, so that the next one may fall at any instant.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Installation } from '../../servers/installation.js';
import type { Dice } from './dice.js';
import { until } from './scene.js';

export const BLOWS = ['gateway', 'engine', 'both', 'pause'] as const;
export type Blow = (typeof BLOWS)[number];

/** Beyond the 4 s after which the engine gives a step to another attempt. */
export const FROZEN_MS = { least: 4_500, most: 7_000 } as const;

/** Starts the gateway without waiting for it: the next blow may hit the start. */
export async function strike(house: Installation, blow: Blow, random: Dice): Promise<void> {
  switch (blow) {
    case 'gateway':
      await house.kill();
      house.launch();
      return;
    case 'engine':
      return killEngine(house);
    case 'both':
      killEngine(house);
      await house.kill();
      house.launch();
      return;
    case 'pause':
      await freeze(house, random.between(FROZEN_MS.least, FROZEN_MS.most));
  }
}

export async function freeze(house: Installation, ms: number): Promise<void> {
  house.signal('SIGSTOP');
  await sleep(ms);
  house.signal('SIGCONT');
}

/** A server that is being started is not recorded yet, or was killed a moment ago. */
function killEngine(house: Installation): void {
  try {
    house.killEngine();
  } catch {
    // The blow missed.
  }
}

/** A start that gives up, e.g. because its engine was killed under it, is repeated, as a service manager does. */
const STARTS = 3;

/** @returns why starts gave up, when some did */
export async function untilReady(house: Installation): Promise<readonly string[]> {
  const gaveUp: string[] = [];
  await until('the gateway is ready', async () => {
    if (!house.gone()) return house.ready();
    gaveUp.push(house.output.join('').trim().split('\n').at(-1) ?? '');
    if (gaveUp.length > STARTS) throw new Error(`the gateway ends by itself:\n${house.output.join('').slice(-4_000)}`);
    house.launch();
    return false;
  });
  return gaveUp;
}
