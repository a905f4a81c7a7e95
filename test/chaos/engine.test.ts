/**
 * The Temporal server killed, both killed, and the gateway frozen past the heartbeat limit and thawed, alone and beside a
 * worker that has taken its steps over meanwhile.
 */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { FROZEN_MS, freeze } from './lib/blows.js';
import { CALLS, type Scene, type Sent, chain, openScene, say, stateOf, until } from './lib/scene.js';
import { expectWhole } from './lib/whole.js';

let scene: Scene;
beforeAll(async () => {
  scene = await openScene();
});
afterEach(() => {
  scene.model.hook = undefined;
});
afterAll(() => scene?.close());

interface Cut {
  /** In the middle of a command. */
  readonly command: Sent;
  /** In the middle of a model stream, which goes on when `release` is called. */
  readonly stream: Sent;
  readonly release: () => void;
}

/** Two chains, each held in the middle of its third step. */
async function cutInTheMiddle(name: string): Promise<Cut> {
  const command = chain(`${name}-command`, { gated: true });
  const stream = chain(`${name}-stream`);
  let release = (): void => undefined;
  const released = new Promise<void>((resolve) => (release = resolve));
  let held = false;
  scene.model.hook = (ask, answer) => {
    if (ask.id !== stream.id || ask.done !== 2 || held) return undefined;
    held = true;
    return { ...answer, hold: { after: 2, until: released } };
  };
  await scene.send(command);
  await scene.send(stream);
  scene.open(command, 1);
  await until('both are in the middle', () => held && scene.inside(command, 3));
  return { command, stream, release };
}

async function expectBothWhole({ command, stream }: Cut): Promise<void> {
  await expectWhole(scene, [command]);
  await expectWhole(scene, [stream]);
}

test('the Temporal server is killed: it comes back on its ports and the chains go on', async () => {
  const cut = await cutInTheMiddle('engine');
  const before = scene.house.engine();
  scene.house.killEngine();
  await until('it was started again', () => scene.house.engine().pid !== before.pid);
  expect(scene.house.engine().ports).toEqual(before.ports);
  scene.open(cut.command);
  cut.release();
  await expectBothWhole(cut);
});

test('gateway and Temporal server are killed together', async () => {
  const cut = await cutInTheMiddle('both');
  scene.house.killEngine();
  await scene.house.kill();
  await scene.house.start();
  scene.open(cut.command);
  await expectBothWhole(cut);
  cut.release();
});

test('one message runs and five wait when everything is killed: six answers, in order', async () => {
  const running = chain('queued', { gated: true });
  await scene.send(running);
  await until('the first command runs', () => scene.inside(running, 1));
  const waiting = ['a', 'b', 'c', 'd', 'e'].map((name) => say(`queued-${name}`, running.session));
  for (const sent of waiting) await scene.send(sent);
  scene.house.killEngine();
  await scene.house.kill();
  await scene.house.start();
  scene.open(running);
  await expectWhole(scene, [running, ...waiting]);
});

test('frozen past the heartbeat limit and thawed: the attempt that was given up and the new one are one', async () => {
  const cut = await cutInTheMiddle('frozen');
  const thawed = freeze(scene.house, FROZEN_MS.most);
  // The command ends, and the stream goes on, while nobody reads.
  scene.open(cut.command);
  cut.release();
  await thawed;
  await expectBothWhole(cut);
});

test('frozen while a second worker takes over and finishes, then thawed: the zombie writes neither row, claim nor line', async () => {
  const cuts = [await cutInTheMiddle('zombie-a'), await cutInTheMiddle('zombie-b')];
  const all = cuts.flatMap(({ command, stream }) => [command, stream]);
  // Only now: whatever is in its middle is the gateway's.
  const worker = scene.house.beside(['worker']);
  try {
    await until('the worker is ready', () => scene.house.output.some((line) => line.includes('worker ready')));
    scene.house.signal('SIGSTOP');
    try {
      for (const { command } of cuts) scene.open(command);
      await until('the worker has finished them', () => all.every((sent) => stateOf(scene, sent) === 'ok'), 90_000);
    } finally {
      scene.house.signal('SIGCONT');
    }
    const written = (): unknown => [scene.query('select session, seq, content from transcript order by session, seq'), scene.query('select key, state, result from claims order by key')];
    const before = written();
    // The zombies read on: a whole answer, to be written where one is already.
    for (const { release } of cuts) release();
    for (const cut of cuts) await expectBothWhole(cut);
    expect(written()).toEqual(before);
    for (const { stream } of cuts) expect(scene.model.asksOf(stream.id)).toHaveLength(CALLS + 2);
  } finally {
    worker.kill('SIGKILL');
  }
});
