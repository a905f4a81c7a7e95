/** `usage` and `budgets`: what they ask the gateway, what they show, and what they refuse. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type GatewayStub, startGatewayStub } from '../servers/gateway-stub.js';
import { type Installation, makeInstallation } from './cli.js';

const QUESTION = { id: 'bq-abc', line: 'day:2026-01-02', scope: 'day', unit: 'tokens', limit: 50_000, spent: 49_500, needs: 1_200, state: 'open', createdAt: Date.now(), waiting: [{ run: 'abcdef', runId: 'run-1', session: 'agent:main:main', since: Date.now() }] };
const NONE = { tokens: 0, usd: 0 };
const BUDGETS = {
  day: '2026-01-02', timezone: 'Europe/Vienna', limits: { day: { tokens: 25_000 } },
  lines: [
    { line: 'day:2026-01-02', scope: 'day', of: '2026-01-02', limit: { tokens: 50_000 }, raised: { tokens: 25_000, usd: 0 }, spent: { tokens: 49_500, usd: 1.25 }, held: { tokens: 0, usd: 0 } },
    { line: 'session:agent:main:main', scope: 'session', of: 'agent:main:main', limit: {}, raised: NONE, spent: NONE, held: NONE },
    { line: 'run:abcdef', scope: 'run', of: 'abcdef', run: { runId: 'run-1', session: 'agent:main:main', ended: false }, limit: {}, raised: NONE, spent: NONE, held: NONE },
    { line: 'run:012345', scope: 'run', of: '012345', run: { runId: '8f14e45f-ceea-4672-9a1b-0d2f3a6b7c8d', session: 'agent:main:work', ended: true }, limit: {}, raised: NONE, spent: NONE, held: NONE },
  ],
  questions: [QUESTION],
};
const totals = (totalTokens: number, totalCost: number) => ({ totalTokens, totalCost, missingCostEntries: 0 });
const USAGE = {
  timezone: 'Europe/Vienna', days: 7, today: totals(49_500, 1.25), month: totals(80_000, 2), totals: totals(60_000, 1.5),
  models: [{ provider: 'anthropic', model: 'opus', count: 3, totals: totals(60_000, 1.5) }], sessions: [{ key: 'agent:main:work', count: 2, totals: totals(55_000, 1.4) }],
};

let home: Installation;
let stub: GatewayStub;
const asked: unknown[] = [];
beforeEach(async () => {
  home = makeInstallation();
  asked.length = 0;
  const answer = (value: unknown) => (params: unknown) => {
    asked.push(params);
    return value;
  };
  stub = await startGatewayStub({ methods: { 'budgets.list': () => BUDGETS, 'usage.summary': answer(USAGE), 'budgets.answer': answer({ ok: true, question: { ...QUESTION, state: 'raised' } }) } });
  home.env['OPENCLAW_GATEWAY_PORT'] = String(stub.port);
});
afterEach(async () => {
  await stub.close();
  home.remove();
});

test('usage shows today, month, models, sessions, budgets and open questions; --json is one document', async () => {
  const { code, stdout } = await home.run(['usage', '--days', '7']);
  expect(code).toBe(0);
  for (const part of [/Today +49\.5k +\$1\.25/, /This month +80\.0k/, /Last 7 days +60\.0k/, /anthropic\/opus +60\.0k +\$1\.50 +3/, /agent:main:work/, /day 2026-01-02 +49\.5k +50\.0k/, /raised by 25\.0k tokens/, /bq-abc {2}the budget of this day has no room: limit 50\.0k tokens, spent 49\.5k tokens, the next call needs 1200 tokens or more/, /waits: run-1 in agent:main:main/]) expect(stdout).toMatch(part);
  expect(asked).toEqual([{ days: 7 }]);
  expect(JSON.parse((await home.run(['usage', '--json'])).stdout)).toEqual({ ...USAGE, budgets: BUDGETS });
});

test('budgets list names the commands that answer, each to be pasted, whose runs the lines are, and who waits', async () => {
  const { stdout } = await home.run(['budgets', 'list']);
  for (const answer of ['raise', 'once', 'stop']) expect(stdout).toMatch(new RegExp(`: +openclaw budgets answer bq-abc ${answer}\n`));
  expect(stdout).toMatch(/^day 2026-01-02 .*1 run waits for bq-abc, raised by 25\.0k tokens$/m);
  expect(stdout).toMatch(/^session agent:main:main .*1 run waits for bq-abc$/m);
  expect(stdout).toMatch(/^run run-1 in agent:main:main .*waits for bq-abc$/m);
  expect(stdout).toMatch(/^run 8f14e45f in agent:main:work .*ended$/m);
});

test('the id of a question may be shortened; one that is closed is the gateway\'s to answer', async () => {
  for (const typed of ['abc', 'BQ-ABC']) expect((await home.run(['budgets', 'answer', typed, 'once'])).code).toBe(0);
  await home.run(['budgets', 'answer', 'zzzz2222', 'once']);
  expect(asked).toMatchObject([{ id: 'bq-abc' }, { id: 'bq-abc' }, { id: 'bq-zzzz2222' }]);
  expect(JSON.parse((await home.run(['budgets', 'answer', 'xyz', 'once', '--json'])).stdout)).toMatchObject({ error: { code: 'UNKNOWN_QUESTION', hint: 'See those that are open: openclaw budgets list' } });
  expect((await home.run(['budgets', 'answer', 'ab', 'once'])).code).toBe(2);
});

test('budgets answer sends the answer and says how many waited', async () => {
  expect(await home.run(['budgets', 'answer', 'bq-abc', 'raise', '--usd', '2.5', '--tokens', '100'])).toMatchObject({ code: 0, stdout: 'The limit is raised; 1 run waited.\n' });
  await home.run(['budgets', 'answer', 'bq-abc', 'stop']);
  expect(asked).toEqual([{ id: 'bq-abc', answer: 'raise', tokens: 100, usd: 2.5 }, { id: 'bq-abc', answer: 'stop' }]);
});

test('what makes no sense is refused before anything is sent', async () => {
  for (const wrong of [['bq-abc', 'perhaps'], ['bq-abc', 'raise', '--usd', 'much'], ['bq-abc', 'once', '--tokens', '5'], ['bq-abc']]) expect((await home.run(['budgets', 'answer', ...wrong])).code).toBe(2);
  expect(asked).toEqual([]);
});
