/** What a step asks its model: whose word on thinking counts. */
import { expect, it } from 'vitest';
import type { ActivityDeps } from '../../src/activities/deps.js';
import { modelRequest } from '../../src/activities/model-request.js';
import type { ThinkingLevel } from '../../src/core/model.js';
import { setSessionSettings } from '../../src/storage/session-settings.js';
import type { Db } from '../../src/storage/sqlite.js';
import { tool, toolset } from '../servers/scripted.js';
import { SESSION, accept, makeStore, openSession, rowOf } from '../storage/store.js';

const REASONS = { contextWindow: 100_000, maxTokens: 1_000, images: false, reasoning: true };

async function asked(db: Db, id: string, { thinking, reasoning = true }: { readonly thinking?: ThinkingLevel; readonly reasoning?: boolean } = {}): Promise<ThinkingLevel | undefined> {
  await accept(db, id, { message_key: id, request: JSON.stringify(thinking === undefined ? {} : { thinking }) });
  const fence = await openSession(db);
  const deps = { db, tools: () => toolset(tool('exec', 'side-effecting', async () => ({ blocks: [], isError: false }))), systemPrompt: async () => '', settings: () => ({ maxSteps: 20, idleMs: 1, thinking: 'low' }) } as unknown as ActivityDeps;
  const input = { ...fence, inboundId: id, run: `run of ${id}`, step: 1, seq: 1, model: 'fake/one' };
  return (await modelRequest(deps, input, await rowOf(db, id), 'one', { ...REASONS, reasoning })).thinking;
}

it('thinks as the message says, else as its session was set to, else as configured; a model that cannot does not', async () => {
  const { db } = await makeStore();
  expect(await asked(db, 'configured')).toBe('low');
  await db.transaction().execute((tx) => setSessionSettings(tx, SESSION, { thinking: 'high' }));
  expect(await asked(db, 'set')).toBe('high');
  expect(await asked(db, 'said', { thinking: 'off' })).toBe('off');
  expect(await asked(db, 'plain', { reasoning: false })).toBe('off');
  await db.transaction().execute((tx) => setSessionSettings(tx, SESSION, { thinking: undefined }));
  expect(await asked(db, 'again')).toBe('low');
});
