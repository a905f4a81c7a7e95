/**
 * Budgets through the compiled gateway: twenty sessions at once against a day's limit, one question, a SIGKILL while it
 * is open, one answer over the command line. Spent and held together never pass the limit.
 */
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, expect, test } from 'vitest';
import { type Installation, install, until } from '../servers/installation.js';
import { DEFAULT_KEY, type ModelServer, startModelServer } from '../servers/model-server.js';

const LIMIT = 25_000;
const SESSIONS = 20;

let house: Installation | undefined;
let model: ModelServer | undefined;
afterAll(async () => {
  await house?.remove();
  await model?.close();
});

interface Listed {
  readonly lines: readonly { readonly scope: string; readonly spent: { readonly tokens: number }; readonly held: { readonly tokens: number } }[];
  readonly questions: readonly { readonly id: string; readonly scope: string; readonly waiting: readonly { readonly runId: string }[] }[];
}

test('twenty sessions never overdraw a day, wait through a SIGKILL for one answer, and are all answered', async () => {
  // Counts as a provider does: less than we reserve, never more.
  model = await startModelServer({ answer: (seen) => ({ text: 'answered', delayMs: 20, usage: { input: Math.round(seen.raw.length / 4.5), output: 600 } }) });
  house = await install({
    config: {
      agents: { defaults: { model: { primary: 'scripted/one', fallbacks: ['scripted/unpriced'] }, userTimezone: 'Pacific/Kiritimati' } },
      models: { providers: { scripted: { baseUrl: model.baseUrl('openai'), apiKey: DEFAULT_KEY, models: [{ id: 'one', contextWindow: 100_000, maxTokens: 1_500, cost: { input: 1, output: 2 } }, { id: 'unpriced' }] } } },
      budgets: { day: { tokens: LIMIT }, month: { usd: 1_000 } },
    },
  });
  await house.start();
  let client = await house.client();
  const runs = Array.from({ length: SESSIONS }, (_, i) => `run-${i}`);
  const store = new Database(join(house.stateDir, 'openclaw.db'), { readonly: true });
  let most = 0;
  const look = (): void => {
    const row = store.prepare<[], { sum: number | null }>("select max(tokens + held_tokens) as sum from ledger where line like 'day:%'").get();
    most = Math.max(most, row?.sum ?? 0);
  };
  const watch = setInterval(look, 3);
  try {
    await Promise.all(runs.map((run, i) => client.request('chat.send', { sessionKey: `s${i}`, message: 'hello', idempotencyKey: run })));
    const listed = () => client.request<Listed>('budgets.list', {});
    const state = async (run: string): Promise<string> => (await client.request<{ run: { state: string } }>('runs.get', { runId: run })).run.state;
    let ended = 0;
    await until('some are answered and the others wait', async () => {
      ended = (await Promise.all(runs.map(state))).filter((each) => each === 'ok').length;
      return ended + ((await listed()).questions[0]?.waiting.length ?? 0) === SESSIONS;
    });
    const before = await listed();
    expect(before.questions).toHaveLength(1);
    const { id } = before.questions[0]!;
    expect(ended).toBeGreaterThan(5);
    expect(ended).toBeLessThan(SESSIONS);
    expect(model.requests).toHaveLength(ended);
    expect((await house.run(['status'])).stdout).toMatch(/Budgets .*of 25\.0k tokens.*1 waits for your answer/);

    await house.kill();
    await house.start();
    client = await house.client();
    expect((await listed()).questions.map((one) => [one.id, one.waiting.length])).toEqual([[id, SESSIONS - ended]]);
    const waiting = before.questions[0]!.waiting[0]!.runId;
    expect((await house.run(['runs', 'show', waiting])).stdout).toContain(`openclaw budgets answer ${id}`);
    expect((await house.run(['doctor', '--json'])).stdout).toContain(`${LIMIT} tokens a day, $1000 a month; 1 reached, runs wait for your answer; scripted/unpriced has no known price and counts $0`);
    // A person who waits is told.
    const told = await house.run(['agent', '-m', 'hello too', '--session', 'extra', '--run-id', 'extra', '--timeout', '5']);
    expect(told).toMatchObject({ code: 3, stderr: expect.stringContaining(`openclaw budgets answer ${id} raise`) });

    const spent = before.lines.find((line) => line.scope === 'day')!.spent.tokens;
    expect(most).toBeLessThanOrEqual(LIMIT);
    expect(most).toBeGreaterThanOrEqual(spent);
    clearInterval(watch);

    expect(await house.run(['budgets', 'answer', id, 'raise', '--tokens', '1000000'])).toMatchObject({ code: 0, stdout: `The limit is raised; ${SESSIONS - ended + 1} runs waited.\n` });
    for (const run of [...runs, 'extra']) expect(await client.request('agent.wait', { runId: run, timeoutMs: 60_000 }, { timeoutMs: 70_000 })).toMatchObject({ status: 'ok' });
    expect(model.requests, 'each was asked once').toHaveLength(SESSIONS + 1);

    const after = await listed();
    const used = model.requests.reduce((sum, seen) => sum + Math.round(seen.raw.length / 4.5) + 600, 0);
    for (const line of after.lines) expect(line).toMatchObject({ spent: { tokens: used }, held: { tokens: 0 } });
    expect(after.questions).toEqual([]);
    expect(await house.run(['budgets', 'answer', id, 'stop'])).toMatchObject({ code: 1, stderr: expect.stringContaining('already raised by owner') });
    expect(JSON.parse((await house.run(['usage', '--json'])).stdout)).toMatchObject({ timezone: 'Pacific/Kiritimati', today: { totalTokens: used }, models: [{ provider: 'scripted', model: 'one', count: SESSIONS + 1 }] });
  } finally {
    clearInterval(watch);
    store.close();
  }
});
