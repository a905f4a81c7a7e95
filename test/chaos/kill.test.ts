/**
 * SIGKILL of the gateway at chosen instants of chains of ten calls: at every step boundary, in the middle of model
 * streams and commands, between row and completion, between claim and effect. After each, what `lib/whole.ts` says.
 */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { CALLS, type Scene, type Sent, catchInstant, chain, openScene, until } from './lib/scene.js';
import { type Answer, type Ask, isCommand } from './lib/script.js';
import { expectWhole } from './lib/whole.js';

let scene: Scene;
beforeAll(async () => {
  scene = await openScene();
});
afterEach(() => {
  scene.model.hook = undefined;
});
afterAll(() => scene?.close());

const range = (from: number, to: number): readonly number[] => Array.from({ length: to - from + 1 }, (_, i) => from + i);
const sendAll = async (chains: readonly Sent[]): Promise<void> => {
  for (const sent of chains) await scene.send(sent);
};
const expectAllWhole = async (chains: readonly Sent[]): Promise<void> => {
  for (const sent of chains) await expectWhole(scene, [sent]);
};
const doneOf = (sent: Sent): readonly number[] => scene.model.asksOf(sent.id).map((ask) => ask.done);

/** Catches each chain's request after `after` calls, once. */
function catchAsks(wanted: ReadonlyMap<string, number>, reply: (ask: Ask, answer: Answer) => ReturnType<NonNullable<Scene['model']['hook']>>): { readonly all: () => boolean } {
  const caught = new Set<string>();
  scene.model.hook = (ask, answer) => {
    if (wanted.get(ask.id) !== ask.done || caught.has(ask.id)) return undefined;
    caught.add(ask.id);
    return reply(ask, answer);
  };
  return { all: () => caught.size === wanted.size };
}

test('one chain at every step boundary, after 0, 1, … 10 of ten calls, and one in the middle of every model stream', async () => {
  const boundary = range(0, CALLS).map((done) => chain(`boundary-${done}`));
  const stream = range(0, CALLS).map((done) => chain(`stream-${done}`));
  const wanted = new Map([boundary, stream].flatMap((chains) => chains.map(({ id }, done) => [id, done] as const)));
  const caught = catchAsks(wanted, (ask, answer) => (ask.id.startsWith('stream') ? { ...answer, fault: { after: 2, how: 'silent' } } : { kind: 'mute' }));
  await sendAll([...boundary, ...stream]);
  await until('every chain is where it is to be cut', caught.all);
  await scene.house.kill();
  await scene.house.start();
  for (const [id, done] of wanted) {
    const sent = [...boundary, ...stream].find((one) => one.id === id)!;
    await expectWhole(scene, [sent]);
    // The interrupted step is asked once more, finished ones never again.
    expect(doneOf(sent)).toEqual(range(0, CALLS).flatMap((step) => (step === done ? [step, step] : [step])));
  }
});

test('one chain in the middle of each command: they live on, end while nobody watches, and are re-attached', async () => {
  const inside = range(1, CALLS).filter(isCommand);
  const chains = inside.map((call) => chain(`inside-${call}`, { gated: true }));
  await sendAll(chains);
  for (const [index, sent] of chains.entries()) scene.open(sent, inside[index]! - 1);
  await until('every command runs', () => chains.every((sent, index) => scene.inside(sent, inside[index]!)));
  await scene.house.kill();
  const ending = chains.filter((_, index) => index % 2 === 0);
  for (const sent of ending) scene.open(sent);
  await until('some have ended', () => ending.every((sent) => scene.lines(`${sent.id}.log`).includes(`line-${inside[chains.indexOf(sent)]!}`)));
  await scene.house.start();
  for (const sent of chains) scene.open(sent);
  await expectAllWhole(chains);
  for (const sent of chains) expect(doneOf(sent)).toEqual(range(0, CALLS));
});

/** The engine is frozen before the rows are written, and never thaws: it cannot have heard of them. */
test('between row and completion: answers and results that are stored, but unknown to the engine, are used', async () => {
  const at = [0, 3, 6, CALLS];
  const answers = at.map((done) => chain(`row-answer-${done}`));
  const calls = [1, 5, 9];
  const results = calls.map((call) => chain(`row-result-${call}`, { gated: true }));
  let release = (): void => undefined;
  const released = new Promise<void>((resolve) => (release = resolve));
  const caught = catchAsks(new Map(answers.map(({ id }, index) => [id, at[index]!])), (_, answer) => ({ ...answer, hold: { after: 2, until: released } }));
  await sendAll([...answers, ...results]);
  for (const [index, sent] of results.entries()) scene.open(sent, calls[index]! - 1);
  await until('all are where they are to be cut', () => caught.all() && results.every((sent, index) => scene.inside(sent, calls[index]!)));
  process.kill(scene.house.engine().pid, 'SIGSTOP');
  release();
  for (const sent of results) scene.open(sent);
  const hasRow = ({ id }: Sent, step: number, kind: string): boolean =>
    scene.query('select 1 from transcript t join inbound i on i.run = t.run where i.run_id = ? and t.step = ? and t.kind = ?', id, step, kind).length === 1;
  await until('every row is written', () => answers.every((sent, index) => hasRow(sent, at[index]! + 1, 'assistant')) && results.every((sent, index) => hasRow(sent, calls[index]!, 'tool.0')));
  scene.house.killEngine();
  await scene.house.kill();
  await scene.house.start();
  await expectAllWhole([...answers, ...results]);
  // Stored, so never asked for again.
  for (const sent of [...answers, ...results]) expect(doneOf(sent)).toEqual(range(0, CALLS));
});

test('between claim, effect and end: a claimed write is done once, a claimed command is begun once', async () => {
  const jobs = join(scene.house.stateDir, 'jobs');
  const jobNames = (): readonly string[] => readdirSync(jobs).filter((name) => !name.startsWith('.'));
  const chains: Sent[] = [];
  const missed = new Set(['claim, effect', 'effect, end of the claim', "job's claim, its command"]);

  // Each lasts a millisecond or so: which were hit is read when the process is dead.
  for (let round = 1; round <= 10 && missed.size > 0; round += 1) {
    const writing = range(1, 3).map((n) => chain(`claim-${round}-write-${n}`, { calls: 3 }));
    const running = range(1, 3).map((n) => chain(`claim-${round}-exec-${n}`, { calls: 3 }));
    chains.push(...writing, ...running);
    const wrote = ({ id }: Sent): boolean => scene.lines(`${id}.log`).includes('line-2');
    let release = (): void => undefined;
    const released = new Promise<void>((resolve) => (release = resolve));
    const caught = catchAsks(new Map([...writing.map(({ id }) => [id, 1] as const), ...running.map(({ id }) => [id, 2] as const)]), (_, answer) => ({ ...answer, hold: { after: 2, until: released } }));
    await sendAll([...writing, ...running]);
    await until('every next call is about to be asked for', caught.all);
    const before = new Set(jobNames());
    const unstarted = (): boolean => jobNames().some((name) => !before.has(name) && !existsSync(join(jobs, name, 'command.json')) && !existsSync(join(jobs, name, 'exit.json')));
    const reader = scene.reader();
    const begun = (): readonly string[] => reader.query<{ id: string }>(`select i.run_id as id from claims c join inbound i on c.key = i.run || ':2.0' where c.state = 'begun'`).map(({ id }) => id);
    const [aim] = missed;
    release();
    await catchInstant(() => (aim === 'claim, effect' ? begun().length > 0 : aim === 'effect, end of the claim' ? writing.some(wrote) : unstarted()), 10_000);
    const killed = scene.house.kill();
    // A supervisor lives on: this instant is over when the gateway is gone.
    if (unstarted()) missed.delete("job's claim, its command");
    await killed;
    const open = writing.filter(({ id }) => begun().includes(id));
    reader.close();
    if (open.some((sent) => !wrote(sent))) missed.delete('claim, effect');
    if (open.some(wrote)) missed.delete('effect, end of the claim');
    await scene.house.start();
  }
  expect([...missed], 'never killed between').toEqual([]);
  await expectAllWhole(chains);
});

test('killed three times in one model call and once in a command, a run is neither given up nor handed to another model', async () => {
  const sent = chain('again', { gated: true });
  // As many attempts as a model gets before the next one in line is asked.
  scene.model.hook = (ask) => (ask.id === sent.id && scene.model.asksOf(sent.id).length <= 3 ? { kind: 'mute' } : undefined);
  await scene.send(sent);
  for (let kill = 1; kill <= 3; kill += 1) {
    await until(`the model is asked for the ${kill}. time`, () => scene.model.asksOf(sent.id).length === kill);
    await scene.house.kill();
    await scene.house.start();
  }
  await until('a command runs', () => scene.inside(sent, 1));
  await scene.house.kill();
  scene.open(sent);
  await scene.house.start();
  await expectWhole(scene, [sent]);
});

test('a gentle stop hands a running command over: the next start attaches to it', async () => {
  const sent = chain('gentle', { gated: true });
  await scene.send(sent);
  await until('the command runs', () => scene.inside(sent, 1));
  const before = Date.now();
  await scene.house.stop();
  expect(Date.now() - before).toBeLessThan(15_000);
  await scene.house.start();
  scene.open(sent);
  await expectWhole(scene, [sent]);
});
