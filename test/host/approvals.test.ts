/** Approvals through the compiled gateway on the default settings: asked, answered over the wire, once, across SIGKILL. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Gateway } from '../../src/cli/lib/client.js';
import { type Installation, install, until } from '../servers/installation.js';

let house: Installation;
beforeAll(async () => {
  house = await install();
  await house.start();
});
afterAll(() => house?.remove());

interface Entry {
  readonly id: string;
  readonly request: { readonly command: string; readonly runId: string };
}

const lines = (name: string): string => (existsSync(join(house.workspace, name)) ? readFileSync(join(house.workspace, name), 'utf8') : '');
const send = (client: Gateway, session: string, runId: string, message: string): Promise<unknown> => client.request('chat.send', { sessionKey: session, message, idempotencyKey: runId, queueMode: 'followup' });
const ended = (client: Gateway, runId: string, timeoutMs = 60_000): Promise<Readonly<Record<string, unknown>>> => client.request('agent.wait', { runId, timeoutMs }, { timeoutMs: timeoutMs + 5_000 });
const resolve = (client: Gateway, id: string, decision: string): Promise<unknown> => client.request('exec.approval.resolve', { id, decision });

/** The open question of a run. */
async function asked(client: Gateway, runId: string): Promise<Entry> {
  let found: Entry | undefined;
  await until(`${runId} asks`, async () => {
    found = (await client.request<readonly Entry[]>('exec.approval.list', {})).find((entry) => entry.request.runId === runId);
    return found !== undefined;
  });
  return found!;
}

test('what the allowlist does not cover is asked; allowed once, it runs once; always, it is not asked again until revoked', async () => {
  const client = await house.client();
  await send(client, 'ask', 'once', 'run: echo one >> once.log | cat');
  const first = await asked(client, 'once');
  expect(first.request.command).toBe('echo one >> once.log | cat');
  expect(await ended(client, 'once', 50)).toMatchObject({ status: 'timeout', waitingFor: 'approval', approvals: [first.id] });
  expect(lines('once.log')).toBe('');
  await resolve(client, first.id, 'allow-once');
  expect(await ended(client, 'once')).toMatchObject({ status: 'ok' });
  expect(lines('once.log')).toBe('one\n');

  await send(client, 'ask', 'always-1', 'run: echo two >> always.log | cat');
  await resolve(client, (await asked(client, 'always-1')).id, 'allow-always');
  await ended(client, 'always-1');
  await send(client, 'ask', 'always-2', 'run: echo two >> always.log | cat');
  expect(await ended(client, 'always-2')).toMatchObject({ status: 'ok' });
  expect(lines('always.log')).toBe('two\ntwo\n');
  const { grants } = await client.request<{ readonly grants: readonly { readonly id: string }[] }>('approvals.grants', {});
  await client.request('approvals.revoke', { id: grants[0]!.id });
  await send(client, 'ask', 'always-3', 'run: echo two >> always.log | cat');
  await resolve(client, (await asked(client, 'always-3')).id, 'deny');
  expect(await ended(client, 'always-3')).toMatchObject({ status: 'ok', terminalReply: { text: expect.stringContaining('the owner said no') } });
  expect(lines('always.log')).toBe('two\ntwo\n');
  // What the list covers asks nobody.
  await send(client, 'ask', 'listed', 'run: echo plain');
  expect(await ended(client, 'listed')).toMatchObject({ status: 'ok' });
});

test('a pending approval waits through three SIGKILLs of everything, and its command then runs once', async () => {
  const client = await house.client();
  await send(client, 'days', 'days-1', 'run: echo late >> days.log; cat days.log');
  const { id } = await asked(client, 'days-1');
  const finding = async (): Promise<unknown> => (await client.request<{ readonly checks: readonly { readonly id: string }[] }>('doctor.checks', {})).checks.find((check) => check.id === 'approvals');
  expect(await finding()).toMatchObject({ status: 'warn', detail: '1 waits for your answer, for less than a minute', remedy: 'openclaw approvals list' });
  for (let kill = 1; kill <= 3; kill += 1) {
    await house.kill();
    if (kill > 1) house.killEngine();
    await house.start();
    expect((await asked(await house.client(), 'days-1')).id).toBe(id);
  }
  const after = await house.client();
  await resolve(after, id, 'allow-once');
  expect(await ended(after, 'days-1')).toMatchObject({ runId: 'days-1', status: 'ok', terminalReply: { text: expect.stringContaining('late') } });
  expect(lines('days.log')).toBe('late\n');
  expect(await send(after, 'days', 'days-1', 'run: echo late >> days.log; cat days.log')).toEqual({ runId: 'days-1', status: 'ok' });
});

test('killed right after the decision, the command still runs once', async () => {
  const client = await house.client();
  await send(client, 'cut', 'cut-1', 'run: echo cut >> cut.log; cat cut.log');
  const { id } = await asked(client, 'cut-1');
  await resolve(client, id, 'allow-once');
  await house.kill();
  await house.start();
  const after = await house.client();
  expect(await ended(after, 'cut-1')).toMatchObject({ status: 'ok' });
  expect(lines('cut.log')).toBe('cut\n');
});

test('a second message is answered while the first’s call waits; the late decision runs it once, in a run that names it', async () => {
  const client = await house.client();
  await send(client, 'two', 'two-1', 'run: echo handed >> two.log; cat two.log');
  const { id } = await asked(client, 'two-1');
  await send(client, 'two', 'two-2', 'run: echo second');
  expect(await ended(client, 'two-2')).toMatchObject({ status: 'ok', terminalReply: { text: expect.stringContaining('second') } });
  expect(await ended(client, 'two-1')).toMatchObject({ status: 'ok', terminalReply: { text: expect.stringContaining(`waiting for approval ${id}`) } });
  expect(lines('two.log')).toBe('');
  expect(await resolve(client, id, 'allow-once')).toMatchObject({ followOnRunId: `approval-${id}` });
  expect(await ended(client, `approval-${id}`)).toMatchObject({ status: 'ok' });
  expect(lines('two.log')).toBe('handed\n');
  const { messages } = await client.request<{ readonly messages: readonly { readonly role: string; readonly content: unknown }[] }>('chat.history', { sessionKey: 'two' });
  expect(JSON.stringify(messages.filter(({ role }) => role === 'user').at(-1))).toContain('In run two-1 you asked to run: echo handed');
});
