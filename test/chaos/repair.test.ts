/** Workflows that are gone, by themselves or by hand: the rows have it all. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { withWorkflow } from './lib/engine.js';
import { CALLS, type Scene, type Sent, chain, openScene, until } from './lib/scene.js';
import { expectWhole } from './lib/whole.js';

let scene: Scene;
beforeAll(async () => {
  scene = await openScene({ session: { idleMinutesToComplete: 0.02 } });
});
afterAll(() => scene?.close());

const describe = (sent: Sent) => withWorkflow(scene, sent, (workflow) => workflow.describe());
const terminate = (sent: Sent) => withWorkflow(scene, sent, (workflow) => workflow.terminate('by hand'));

test('after an idle completion every question about a run is answered from its row, and nothing is started for it', async () => {
  const sent = await scene.send(chain('idle', { calls: 2 }));
  await until('its workflow has completed', async () => (await describe(sent)).status.name === 'COMPLETED');
  const { runId } = await describe(sent);
  await expectWhole(scene, [sent]);
  await scene.house.kill();
  await scene.house.start();
  await expectWhole(scene, [sent]);
  expect((await describe(sent)).runId).toBe(runId);
});

test('a workflow terminated by hand in the middle of a command: repaired at the next start, or within a minute without one', async () => {
  const byStart = await scene.send(chain('terminated-start', { gated: true }));
  const bySweep = await scene.send(chain('terminated-sweep', { gated: true }));
  const both = [byStart, bySweep];
  for (const sent of both) scene.open(sent, 2);
  await until('both are in their third call', () => both.every((sent) => scene.inside(sent, 3)));

  await terminate(byStart);
  await scene.house.kill();
  await scene.house.start();
  scene.open(byStart);
  await expectWhole(scene, [byStart]);

  await terminate(bySweep);
  const terminated = Date.now();
  // Its command goes on, and ends without anybody who waits for it.
  scene.open(bySweep);
  await until('it ended by itself', () => scene.lines(`${bySweep.id}.log`).includes('line-3'));
  await until('the chain is continued', () => scene.lines(`${bySweep.id}.log`).includes('line-4'), 75_000);
  expect(Date.now() - terminated).toBeLessThan(65_000);
  await expectWhole(scene, [bySweep]);
  for (const sent of both) expect(scene.model.asksOf(sent.id).map((ask) => ask.done)).toEqual(Array.from({ length: CALLS + 1 }, (_, i) => i));
});
