/** This version starts on what every released version left behind when it was killed, and goes on where that stood. */
import { afterEach, expect, test } from 'vitest';
import { type Installation, install } from '../servers/installation.js';
import { recordState, releasedStates, unpackState } from './released-state.js';

const recording = process.env['OPENCLAW_RECORD_VERSION'];
if (recording !== undefined) await recordState(recording);

let house: Installation | undefined;
afterEach(async () => {
  await house?.remove();
  house = undefined;
});

interface Run {
  readonly runId: string;
  readonly state: string;
}

test('there are states of released versions', () => {
  expect(releasedStates().length).toBeGreaterThan(0);
});

test.each(releasedStates())('%s', async (version) => {
  house = await install();
  unpackState(version, house.stateDir);
  await house.start();
  const client = await house.client();
  const says = (text: string) => ({ status: 'ok', terminalReply: { text: expect.stringContaining(text) } });
  const ended = (runId: string): Promise<unknown> => client.request('agent.wait', { runId, timeoutMs: 60_000 }, { timeoutMs: 65_000 });
  // Modes are named from 0.3 on.
  const collects = Number(version.split('.')[1]) >= 3;
  // What was answered stays answered, and its key repeats the answer.
  expect(await ended('done-1')).toMatchObject(says('recorded'));
  expect(await client.request('chat.send', { sessionKey: 'main', message: 'run: echo recorded', idempotencyKey: 'done-1', ...(collects ? { queueMode: 'followup' } : {}) })).toEqual({ runId: 'done-1', status: 'ok' });
  // The command that outlived its gateway is not run again: its end was waiting in its folder.
  expect(await ended('cut-1')).toMatchObject(says('finished'));
  expect(await ended('cut-2')).toMatchObject({ status: 'ok' });
  expect(await ended('cut-3')).toMatchObject(says('last'));
  const timeline = await client.request<{ readonly tools?: readonly unknown[] }>('runs.get', { runId: 'cut-1' });
  expect(JSON.stringify(timeline)).not.toContain('unknown');
  const approvals = await client.request<readonly { readonly id: string }[]>('exec.approval.list', {});
  for (const { id } of approvals) await client.request('exec.approval.resolve', { id, decision: 'allow-once' });
  // The question survives; but it showed a folder of the machine that recorded it, so what it allows does not run here.
  if (approvals.length > 0) expect(await ended('asks-1')).toMatchObject(says('was shown another folder'));
  // What was being collected is answered.
  if (collects) expect(await ended('collects-1')).toMatchObject({ status: 'ok' });
  const { runs } = await client.request<{ readonly runs: readonly Run[] }>('runs.list', {});
  expect(runs.map((run) => run.runId).toSorted()).toEqual([...(approvals.length > 0 ? ['asks-1'] : []), ...(collects ? ['collects-1'] : []), 'cut-1', 'cut-2', 'cut-3', 'done-1']);
  expect(runs.every((run) => run.state === 'ok')).toBe(true);
});
