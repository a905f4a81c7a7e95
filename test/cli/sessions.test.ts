/** `sessions`: what a person reads and types, against the wire alone, and once against a real gateway. */
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startGatewayStub, type GatewayStub, type StubOptions } from '../servers/gateway-stub.js';
import { type Installation as House, install } from '../servers/installation.js';
import { makeInstallation, type Installation } from './cli.js';
import { startOnTerminal } from './terminal.js';

const KEY = 'agent:main:main';
const AT = Date.parse('2026-07-31T08:00:00Z');

describe('the words', () => {
  let home: Installation;
  const stubs: GatewayStub[] = [];
  beforeEach(() => {
    home = makeInstallation();
  });
  afterEach(async () => {
    await Promise.all(stubs.splice(0).map((stub) => stub.close()));
    home.remove();
  });

  async function stub(methods: NonNullable<StubOptions['methods']>): Promise<GatewayStub> {
    const started = await startGatewayStub({ methods });
    stubs.push(started);
    home.env['OPENCLAW_GATEWAY_PORT'] = String(started.port);
    return started;
  }

  const session = {
    key: KEY, label: 'Mine\u202e', state: 'running', turn: { step: 4, tools: ['exec'] }, createdAt: AT, modelSet: 'fake/two', settings: { model: 'fake/two', thinking: 'high' }, queue: { mode: 'steer', debounceMs: 500, cap: 20, drop: 'summarize' },
    running: [{ runId: 'r-2', startedAt: Date.now() - 5_000, preview: 'at\u001b[31m work', waitingFor: 'approval', approvals: ['ap-1'] }], waiting: [{ runId: 'r-3', acceptedAt: Date.now(), principal: 'owner', preview: 'next' }],
    conversations: [{ id: 'a', rows: 10, firstAt: AT, lastAt: AT + 60_000 }, { id: 'b', rows: 2, firstAt: AT + 3_600_000, lastAt: AT + 3_660_000, current: true }],
    heardLast: { channel: 'telegram', account: 'default', conversation: { kind: 'direct', id: '42' } }, linkedFrom: [{ session: 'agent:main:direct:ann', state: 'draining' }], deliveries: [{ id: 'reply-1', state: 'held', channel: 'telegram' }],
    usage: { totalTokens: 1_500, cost: { total: 0.25 } }, webUrl: 'http://127.0.0.1:8233/x',
  };

  test('show says what it does, what waits, how it is set, its conversations, and nothing that a terminal obeys', async () => {
    await stub({ 'sessions.get': () => ({ session }) });
    const { stdout } = await home.run(['sessions', 'show', 'main']);
    for (const part of [
      /Session +agent:main:main {2}Mine\\u\{202e\}/, /State +works, step 4 \(exec\)/, /Run +r-2 .*at work {2}waits for approval ap-1/, /Waits +r-3 .*owner: next/, /Model +fake\/two \(set for this session\)/, /Thinking +high/,
      /Queue +steer, quiet 500 ms, at most 20, then summarize\n/, /Heard last +telegram \(default\) 42/, /Linked +agent:main:direct:ann \(until it is at rest\)/, /Delivery +reply-1 {2}held on telegram/, /Used +1500 tokens, \$0\.25/, /Web UI +http/,
      /now +2026-07-31 09:00 +2026-07-31 09:01 +2\n +2026-07-31 08:00 +2026-07-31 08:01 +10/,
    ]) expect(stdout).toMatch(part);
    // eslint-disable-next-line no-control-regex -- what must not be there
    expect(stdout).not.toMatch(/[\u001b\u202e]/);
  });

  test('list goes on page by page, and finds by name', async () => {
    const gateway = await stub({ 'sessions.list': ({ offset }) => ({ sessions: [{ key: `agent:main:s-${offset ?? 0}` }], totalCount: 2, nextOffset: offset === undefined ? 1 : null }) });
    const first = await home.run(['sessions', 'list', '--limit', '1']);
    expect([first.stdout.includes('agent:main:s-0'), first.stderr]).toEqual([true, '2 in all: --offset 1 shows the next\n']);
    const next = await home.run(['sessions', 'list', '--limit', '1', '--offset', '1', '--name', 's-']);
    expect([next.stdout.includes('agent:main:s-1'), next.stderr]).toEqual([true, '']);
    expect(gateway.calls.at(-1)!.params).toEqual({ limit: 1, includeLastMessage: true, offset: 1, search: 's-' });
  });

  test('reset says what it ended', async () => {
    await stub({ 'sessions.reset': () => ({ ok: true, key: KEY, ended: ['r-2'], cancelled: ['ap-1'] }) });
    expect((await home.run(['sessions', 'reset', 'main'])).stdout).toBe(`${KEY}: a new conversation begins. What was said before is kept: openclaw sessions export ${KEY}\nEnded: r-2\nOpen questions that are cancelled: ap-1\n`);
  });

  test('delete asks at a terminal, needs --yes without one, and says what it was that went', async () => {
    const gateway = await stub({ 'sessions.get': () => ({ session }), 'sessions.delete': () => ({ ok: true, key: KEY, deleted: true, archived: [] }) });
    const deletions = () => gateway.calls.filter(({ method }) => method === 'sessions.delete').length;
    expect(await home.run(['sessions', 'delete', 'main'])).toMatchObject({ code: 2, stderr: expect.stringContaining('--yes') });
    expect((await home.run(['sessions', 'delete', 'main', '--json'])).code).toBe(2);
    expect(deletions()).toBe(0);
    expect(await home.run(['sessions', 'delete', 'main', '--yes'])).toMatchObject({ code: 0, stdout: `Deleted: ${KEY} (2 conversations, 12 rows).\n` });
    for (const [typed, code, count] of [['n\r', 130, 1], ['\r', 130, 1], ['y\r', 0, 2]] as const) {
      const terminal = startOnTerminal(home, ['sessions', 'delete', 'main']);
      await terminal.shows('[y/N]');
      expect(terminal.screen()).toContain('(2 conversations, 12 rows) for good?');
      terminal.type(typed);
      expect([(await terminal.done).code, deletions()]).toEqual([code, count]);
    }
  });

  const rows = [
    { seq: 1, conversation: 'a', at: '2026-07-31T08:00:00.000Z', type: 'user', text: 'Look at *this*', sender: { id: '42', name: 'Ann' }, attachments: [{ kind: 'document', name: 'plan.pdf', mime: 'application/pdf' }] },
    { seq: 2, conversation: 'a', at: '2026-07-31T08:00:01.000Z', type: 'assistant', text: '', calls: [{ index: 0, tool: 'exec', args: { command: 'echo `x`' } }] },
    { seq: 3, conversation: 'a', at: '2026-07-31T08:00:02.000Z', type: 'tool', tool: 'exec', isError: true, blocks: [{ type: 'text', text: '```\nx' }] },
    { seq: 4, conversation: 'b', at: '2026-08-01T08:00:00.000Z', type: 'notice', text: 'A new conversation begins.' },
  ];
  const pages: StubOptions['methods'] = { 'sessions.export': ({ after }) => ({ key: KEY, rows: after === undefined ? rows.slice(0, 3) : rows.slice(3), nextAfter: after === undefined ? 3 : null }) };

  test('export is a document for people, with a fence around what a tool said', async () => {
    await stub(pages);
    expect((await home.run(['sessions', 'export', 'main'])).stdout).toBe([
      `# Session ${KEY}`, '', '## Conversation of 2026-07-31', '', '**Ann** · 2026-07-31 08:00', '', 'Look at *this*', '', '[document: plan.pdf, application/pdf]', '',
      '**OpenClaw** · 2026-07-31 08:00', '', '- `` exec echo `x` ``', '', '`exec` failed:', '', '````', '```', 'x', '````', '',
      '## Conversation of 2026-08-01', '', '*A new conversation begins.*', '', '',
    ].join('\n'));
  });

  test('export goes into a file of its owner alone, and never over another', async () => {
    await stub(pages);
    const file = join(home.home, 'out.jsonl');
    expect(await home.run(['sessions', 'export', 'main', '--format', 'jsonl', '--out', file])).toMatchObject({ code: 0, stdout: '', stderr: `4 rows in ${file}\n` });
    expect(readFileSync(file, 'utf8').trimEnd().split('\n').map((line) => JSON.parse(line) as unknown)).toEqual(rows);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    writeFileSync(file, 'mine');
    expect(await home.run(['sessions', 'export', 'main', '--out', file])).toMatchObject({ code: 1, stderr: expect.stringContaining('FILE_EXISTS') });
    expect(readFileSync(file, 'utf8')).toBe('mine');
    expect(JSON.parse((await home.run(['sessions', 'export', 'main', '--json'])).stdout)).toEqual({ key: KEY, count: 4, rows });
  });

  test('search takes words as they are, and says when there is more', async () => {
    const gateway = await stub({ 'sessions.search': () => ({ results: [{ sessionKey: KEY, messageId: 'a:1', role: 'user', timestamp: AT, snippet: 'the flight\nto Lisbon' }], truncated: true }) });
    expect((await home.run(['sessions', 'search', 'flight', 'lisbon', '--session', 'main', '--limit', '1'])).stdout).toBe(`2026-07-31 08:00  ${KEY}  said\n  the flight to Lisbon\nThere are more than these 1: name more words, or a session.\n`);
    expect(gateway.calls.at(-1)!.params).toEqual({ query: 'flight lisbon', limit: 1, sessionKeys: ['main'] });
    expect((await home.run(['sessions', 'search'])).code).toBe(2);
  });
});

describe('with a gateway', () => {
  let house: House;
  beforeAll(async () => {
    house = await install();
    await house.start();
  });
  afterAll(() => house.remove());

  test('a session is spoken in, shown, found, saved, reset, deleted, and begins anew', async () => {
    const say = async (words: string): Promise<string> => (await house.run(['agent', '-m', words, '--session', 'work'])).stdout;
    expect(await say('echo the blue heron')).toContain('the blue heron');
    expect((await house.run(['sessions', 'show', 'work'])).stdout).toMatch(/Session +agent:main:work[\s\S]*now .* 2\n/);
    expect((await house.run(['sessions', 'search', 'heron'])).stdout).toMatch(/agent:main:work {2}answered[\s\S]*agent:main:work {2}said\n {2}echo the blue heron/);
    expect((await house.run(['sessions', 'export', 'work'])).stdout).toMatch(/^# Session agent:main:work\n[\s\S]*\*\*owner\*\*[\s\S]*echo the blue heron/);

    expect((await house.run(['sessions', 'reset', 'work'])).stdout).toContain('agent:main:work: a new conversation begins.');
    expect(await say('/new')).toContain('A new conversation begins.');
    expect(await say('/stop')).toContain('Nothing was running.');
    expect((await house.run(['sessions', 'show', 'work'])).stdout).toMatch(/CONVERSATION/);

    expect(await house.run(['sessions', 'delete', 'work', '--yes'])).toMatchObject({ code: 0, stdout: expect.stringContaining('Deleted: agent:main:work (3 conversations') });
    for (const verb of ['show', 'reset', 'export']) expect(await house.run(['sessions', verb, 'work'])).toMatchObject({ code: 1, stderr: expect.stringContaining('there is no session agent:main:work') });
    expect((await house.run(['sessions', 'search', 'heron'])).stdout).toBe('Nothing found.\n');
    expect((await house.run(['usage', '--json'])).stdout).toContain('agent:main:work');
    expect(await say('echo back again')).toContain('back again');
    expect((await house.run(['sessions', 'list'])).stdout).toContain('agent:main:work');
  });
});
