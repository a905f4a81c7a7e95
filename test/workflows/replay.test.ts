/**
 * Every recorded history of every released version replays on the workflow code as it is now. A failure here means that
 * running sessions would be stuck after an upgrade: put the change behind `patched()`.
 */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { historyFromJSON } from '@temporalio/common/lib/proto-utils.js';
import { DeterminismViolationError } from '@temporalio/workflow';
import { Worker } from '@temporalio/worker';
import { beforeAll, expect, test } from 'vitest';
import { workflowBundle } from './harness.js';
import { HISTORIES, recordVersion } from './record.js';

const recording = process.env['OPENCLAW_RECORD_VERSION'];
if (recording !== undefined) await recordVersion(recording);

const recorded = readdirSync(HISTORIES, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.json')).toSorted();
type Json = Parameters<typeof historyFromJSON>[0];
const load = (name: string): Json => JSON.parse(readFileSync(join(HISTORIES, name), 'utf8')) as Json;
let bundle: Awaited<ReturnType<typeof workflowBundle>>;

beforeAll(async () => {
  bundle = await workflowBundle();
});

test('there are histories of released versions', () => {
  expect(recorded.length).toBeGreaterThanOrEqual(10);
});

test.each(recorded)('%s replays', async (name) => {
  await Worker.runReplayHistory({ workflowBundle: bundle }, historyFromJSON(load(name)), 'session:replayed');
});

test('a history that the code would not have written is refused', async () => {
  // The same history with its first model call renamed: as if the workflow had been changed without a patch.
  const name = recorded.find((each) => each.includes('idle'))!;
  const changed = JSON.parse(readFileSync(join(HISTORIES, name), 'utf8').replaceAll('"callModel"', '"askModel"')) as Json;
  await expect(Worker.runReplayHistory({ workflowBundle: bundle }, historyFromJSON(changed), 'session:changed')).rejects.toBeInstanceOf(DeterminismViolationError);
});
