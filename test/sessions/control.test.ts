/** Stopping runs: a signal to the session, and the list of what was still open. */
import { expect, it } from 'vitest';
import { createSessionControl } from '../../src/sessions/control.js';
import { SESSION } from '../storage/store.js';
import { makeHouse } from './house.js';

it('stops everything open in a session, in order of arrival, and names the runs', async () => {
  const { db, engine, send } = await makeHouse();
  const runs: string[] = [];
  for (const [at, id] of ['a', 'b', 'c'].entries()) {
    const { inboundId, run } = await send(id, 'x');
    runs.push(run);
    await db.updateTable('inbound').set({ accepted_at: at }).where('id', '=', inboundId).execute();
  }
  await send('elsewhere', 'x', { session: 'agent:main:other' });
  await db.updateTable('inbound').set({ state: 'ok' }).where('run_id', '=', 'a').execute();
  expect(await createSessionControl({ db, engine }).stop('Main', {}, 'ann')).toEqual(['b', 'c']);
  expect(engine.stops).toEqual([{ session: SESSION, order: { runs: runs.slice(1), by: 'ann' } }]);
});

it('stops one run by its hash and no other', async () => {
  const { db, engine, send } = await makeHouse();
  await send('a', 'x');
  const { run } = await send('b', 'x');
  expect(await createSessionControl({ db, engine }).stop(SESSION, { run }, 'ann')).toEqual(['b']);
  expect(engine.stops).toEqual([{ session: SESSION, order: { runs: [run], by: 'ann' } }]);
});

it('with nothing open sends nothing', async () => {
  const { db, engine, send } = await makeHouse();
  await send('a', 'x');
  const control = createSessionControl({ db, engine });
  expect(await control.stop('agent:main:other', {}, 'ann')).toEqual([]);
  expect(await control.stop(SESSION, { run: 'nobody’s' }, 'ann')).toEqual([]);
  expect(engine.stops).toEqual([]);
});

it('with the engine away says that nothing was stopped and what to do', async () => {
  const { db, engine, send } = await makeHouse();
  await send('a', 'x');
  engine.away = new Error('connection refused');
  await expect(createSessionControl({ db, engine }).stop(SESSION, {}, 'ann')).rejects.toMatchObject({ code: 'UNAVAILABLE', message: expect.stringContaining('connection refused'), hint: expect.stringContaining('doctor') });
});

it('of a session key that is none is refused', async () => {
  const { db, engine } = await makeHouse();
  await expect(createSessionControl({ db, engine }).stop('a b', {}, 'ann')).rejects.toMatchObject({ code: 'INVALID_REQUEST' });
});
