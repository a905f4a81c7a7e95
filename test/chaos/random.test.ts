/** The gateway is killed at 20 random instants, its own starts among them, while four sessions work. */
import { afterAll, expect, test } from 'vitest';
import { dice } from './lib/dice.js';
import { type Scene, openScene } from './lib/scene.js';
import { storm } from './lib/storm.js';

/** Another one each day would find more, and be of no use to whoever must repeat it: `npm run chaos` is for that. */
const SEED = 20_240_917;
const KILLS = 20;

let scene: Scene | undefined;
afterAll(() => scene?.close());

test(`the gateway is killed at ${KILLS} random instants (seed ${SEED}): nothing lost, nothing repeated`, async () => {
  scene = await openScene();
  const account = await storm(scene, { name: 'random', random: dice(SEED), sessions: 4, blows: Array.from({ length: KILLS }, () => 'gateway' as const), pauseMs: 2_500 });
  expect(account.findings).toEqual([]);
  expect(account.gaveUp).toEqual([]);
  expect(account.messages).toBeGreaterThanOrEqual(4);
});
