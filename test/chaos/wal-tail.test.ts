/** A store that lost the end of its write-ahead log, beside an engine that knows better: said, repaired, nothing repeated. */
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { withWorkflow } from './lib/engine.js';
import { type Scene, chain, openScene, say, stateOf, until } from './lib/scene.js';
import { cutTail } from './lib/wal.js';
import { expectWhole } from './lib/whole.js';

let scene: Scene;
beforeAll(async () => {
  scene = await openScene();
});
afterAll(() => scene?.close());

const status = async (): Promise<string> => {
  const client = await scene.house.client();
  try {
    return JSON.stringify(await client.request('status'));
  } finally {
    client.close();
  }
};

test('the store lost the answer whose command is running: the owner and the model are told, the command is found again, no line comes twice', async () => {
  const before = await scene.send(chain('whole', { calls: 2 }));
  await until('a first chain is done', () => stateOf(scene, before) === 'ok');
  const sent = await scene.send(chain('torn', { gated: true }));
  scene.open(sent, 2);
  await until('the third command runs', () => scene.inside(sent, 3));
  scene.house.killEngine();
  await scene.house.kill();
  const row = `select 1 from transcript t join inbound i on i.run = t.run where i.run_id = ? and t.step = 3 and t.kind = 'assistant'`;
  expect(scene.query(row, sent.id)).toHaveLength(1);
  cutTail(join(scene.house.stateDir, 'openclaw.db'), row, sent.id);
  expect(scene.query(row, sent.id)).toHaveLength(0);

  await scene.house.start();
  await until('status says so', async () => /lost the latest entries of session agent:main:chaos-torn/.test(await status()));
  await until('the chain that knew better has ended', () => withWorkflow(scene, sent, async (workflow) => (await workflow.describe()).status.name !== 'RUNNING'));
  // A start repairs at once what the sweeper repairs within a minute (repair.test.ts waits for it).
  await scene.house.kill();
  await scene.house.start();
  scene.open(sent);
  // The lost answer is asked for again; that its command was begun, its folder knows.
  await expectWhole(scene, [sent], { stepsMayRepeat: true });
  await expectWhole(scene, [before]);
  expect(scene.model.server.requests.some(({ raw }) => raw.includes('lost its latest entries'))).toBe(true);
  // Others were not hurt, and it goes on as ever.
  await scene.send(say('after', 'chaos-after'));
  await expectWhole(scene, [say('after', 'chaos-after')]);
});
