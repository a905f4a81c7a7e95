/** The sweeper: what was accepted is signalled, whoever died in between. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { markTaken } from '../../src/storage/inbound.js';
import type { Db } from '../../src/storage/sqlite.js';
import { createSweeper } from '../../src/sessions/sweeper.js';
import { SESSION, rowOf } from '../storage/store.js';
import { type House, makeHouse } from './house.js';

const OTHER = 'agent:main:other';
const STALE_MS = 60_000;
/** As if the signal had been noted that long ago. */
const signalledAgo = (db: Db, id: string, ms: number): Promise<unknown> => db.updateTable('inbound').set({ signalled_at: Date.now() - ms }).where('id', '=', id).execute();
const sent = (house: House): string[] => house.engine.delivered.map(({ item }) => item.inboundId);

describe('one pass', () => {
  it('signals what was accepted while the engine was away, oldest first, and notes it', async () => {
    const house = await makeHouse();
    house.engine.away = new Error('away');
    const [a, b] = [await house.send('a', 'x'), await house.send('b', 'x', { session: OTHER })];
    await house.db.updateTable('inbound').set({ accepted_at: 1 }).where('id', '=', b.inboundId).execute();
    house.engine.away = undefined;
    const sweeper = createSweeper(house);
    expect(await sweeper.sweep()).toBe(2);
    expect(sent(house)).toEqual([b.inboundId, a.inboundId]);
    expect(house.engine.delivered[0]?.to).toEqual({ session: OTHER, agent: 'main', channel: 'rpc' });
    expect((await rowOf(house.db, a.inboundId)).state).toBe('signalled');
    expect(await sweeper.sweep()).toBe(0);
  });

  it.each(['signalled', 'taken'] as const)('signals a row that is %s for long when its workflow does not run', async (state) => {
    const house = await makeHouse();
    const { inboundId } = await house.send('a', 'x');
    if (state === 'taken') await house.db.transaction().execute((tx) => markTaken(tx, inboundId));
    await signalledAgo(house.db, inboundId, STALE_MS + 1_000);
    const sweeper = createSweeper(house, { staleMs: STALE_MS });
    house.engine.running.add(SESSION);
    expect(await sweeper.sweep()).toBe(0);
    house.engine.running.delete(SESSION);
    expect(await sweeper.sweep()).toBe(1);
    expect(sent(house)).toEqual([inboundId, inboundId]);
    // A taken run stays taken: it goes on where it stood.
    expect((await rowOf(house.db, inboundId)).state).toBe(state);
  });

  it('leaves a fresh signal alone, without asking the engine', async () => {
    const house = await makeHouse();
    await house.send('a', 'x');
    expect(await createSweeper(house, { staleMs: STALE_MS }).sweep()).toBe(0);
    expect(house.engine.asked).toEqual([]);
  });

  it('leaves what has ended alone', async () => {
    const house = await makeHouse();
    const { inboundId } = await house.send('a', 'x');
    await signalledAgo(house.db, inboundId, STALE_MS * 9);
    await house.db.updateTable('inbound').set({ state: 'ok' }).execute();
    expect(await createSweeper(house, { staleMs: STALE_MS }).sweep()).toBe(0);
  });

  it('asks the engine once for all rows of a session', async () => {
    const house = await makeHouse();
    for (const id of ['a', 'b', 'c']) await signalledAgo(house.db, (await house.send(id, 'x')).inboundId, STALE_MS + 1_000);
    expect(await createSweeper(house, { staleMs: STALE_MS }).sweep()).toBe(3);
    expect(house.engine.asked).toEqual([SESSION]);
  });

  it('fails when the engine is away, and keeps every row', async () => {
    const house = await makeHouse();
    house.engine.away = new Error('away');
    const { inboundId } = await house.send('a', 'x');
    await expect(createSweeper(house).sweep()).rejects.toThrow('away');
    expect((await rowOf(house.db, inboundId)).state).toBe('accepted');
  });
});

it('a session that the engine refuses does not hold back the ones behind it', async () => {
  const house = await makeHouse();
  house.engine.away = new Error('away');
  const [a, b] = [await house.send('a', 'x'), await house.send('b', 'x', { session: OTHER })];
  await house.db.updateTable('inbound').set({ accepted_at: 1 }).where('id', '=', a.inboundId).execute();
  house.engine.away = undefined;
  const engine = { ...house.engine, deliver: (...args: Parameters<typeof house.engine.deliver>) => (args[0].session === SESSION ? Promise.reject(new Error('refused')) : house.engine.deliver(...args)) };
  await expect(createSweeper({ ...house, engine }).sweep()).rejects.toThrow('1 of 2');
  expect((await rowOf(house.db, a.inboundId)).state).toBe('accepted');
  expect((await rowOf(house.db, b.inboundId)).state).toBe('signalled');
});

describe('running on its own', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }));
  afterEach(() => void vi.useRealTimers());

  /** Resolves when the pass that is under way is over: SQLite answers without a timer, so a few turns of the loop do. */
  const settle = async (): Promise<void> => {
    for (let i = 0; i < 50; i += 1) await new Promise((resolve) => setImmediate(resolve));
  };

  it('at its start and when the engine is back takes up what has no workflow, however fresh', async () => {
    const house = await makeHouse();
    const { inboundId } = await house.send('a', 'x');
    // Older than this millisecond, far younger than stale.
    await signalledAgo(house.db, inboundId, 10);
    const sweeper = createSweeper(house, { everyMs: 60_000, staleMs: STALE_MS });
    sweeper.start();
    await settle();
    expect(sent(house)).toEqual([inboundId, inboundId]);
    house.engine.running.add(SESSION);
    sweeper.wake();
    await settle();
    house.engine.running.delete(SESSION);
    expect(sent(house)).toHaveLength(2);
    sweeper.wake();
    await settle();
    expect(sent(house)).toHaveLength(3);
    await sweeper.stop();
  });

  it('sweeps at its start, then once each interval', async () => {
    const house = await makeHouse();
    house.engine.away = new Error('away');
    const first = await house.send('a', 'x');
    house.engine.away = undefined;
    const sweeper = createSweeper(house, { everyMs: 60_000 });
    sweeper.start();
    await settle();
    expect(sent(house)).toEqual([first.inboundId]);
    house.engine.away = new Error('away');
    const second = await house.send('b', 'x');
    house.engine.away = undefined;
    await vi.advanceTimersByTimeAsync(59_999);
    await settle();
    expect(sent(house)).toEqual([first.inboundId]);
    await vi.advanceTimersByTimeAsync(1);
    await settle();
    expect(sent(house)).toEqual([first.inboundId, second.inboundId]);
    await sweeper.stop();
  });

  it('tries again soon while the engine is away, and says so without the message', async () => {
    const house = await makeHouse();
    house.engine.away = new Error('away');
    const { inboundId } = await house.send('a', 'my secret plan');
    const sweeper = createSweeper(house, { everyMs: 60_000 });
    sweeper.start();
    await settle();
    house.engine.away = undefined;
    await vi.advanceTimersByTimeAsync(5_000);
    await settle();
    expect(sent(house)).toEqual([inboundId]);
    expect(house.lines.filter((line) => line.message.startsWith('sweep failed'))).toHaveLength(1);
    expect(JSON.stringify(house.lines)).not.toContain('secret');
    await sweeper.stop();
  });

  it('stops for good: a pass under way ends after its row, and no other begins', async () => {
    const house = await makeHouse();
    house.engine.away = new Error('away');
    for (const id of ['a', 'b', 'c']) await house.send(id, 'x');
    house.engine.away = undefined;
    let release = (): void => undefined;
    const delivering = new Promise<void>((reached) => {
      house.engine.onDeliver = () => {
        reached();
        return new Promise<void>((resolve) => (release = resolve));
      };
    });
    const sweeper = createSweeper(house, { everyMs: 1_000 });
    sweeper.start();
    await delivering;
    let stopped = false;
    const stopping = sweeper.stop().then(() => (stopped = true));
    await settle();
    expect(stopped).toBe(false);
    release();
    await stopping;
    expect(sent(house)).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(10_000);
    await settle();
    expect(sent(house)).toHaveLength(1);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('stops while it waits', async () => {
    const house = await makeHouse();
    const sweeper = createSweeper(house, { everyMs: 1_000 });
    sweeper.start();
    await settle();
    expect(vi.getTimerCount()).toBe(1);
    await sweeper.stop();
    expect(vi.getTimerCount()).toBe(0);
  });
});
