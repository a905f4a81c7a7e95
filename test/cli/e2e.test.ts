/** The commands against a real gateway with its engine: a message in, an answer out, and what the person sees of it. */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { install, type Installation } from '../servers/installation.js';
import { BIN, makeInstallation, type CliResult, type Installation as Shell } from './cli.js';
import { startOnTerminal } from './terminal.js';

let house: Installation;
let shell: Shell;

beforeAll(async () => {
  house = await install();
  await house.start();
  shell = makeInstallation({ OPENCLAW_STATE_DIR: house.stateDir, OPENCLAW_GATEWAY_PORT: String(house.port) });
});
afterAll(async () => {
  shell?.remove();
  await house?.remove();
});

const json = async (args: readonly string[]) => {
  const result = await shell.run([...args, '--json']);
  return JSON.parse(result.stdout) as Record<string, unknown>;
};
const state = async (run: string): Promise<unknown> => ((await json(['runs', 'show', run]))['run'] as { readonly state: string } | undefined)?.state;

describe('a message in, an answer out', () => {
  test('an answer that used tools, its timeline and the link to the Web UI', async () => {
    const asked = await shell.run(['agent', '-m', 'chain: 3 echo hi', '--run-id', 'e2e-1']);
    expect(asked).toMatchObject({ code: 0, stderr: '' });
    expect(asked.stdout).toMatch(/Done, 3 calls/);

    const shown = await shell.run(['runs', 'show', 'e2e-1']);
    expect(shown.stdout.match(/tool +exec echo hi/g)).toHaveLength(3);
    expect(shown.stdout).toMatch(/4 model, 3 tool/);
    expect(shown.stdout).toMatch(/Web UI +http:\/\/127\.0\.0\.1:\d+\//);
    expect((await shell.run(['runs', 'list'])).stdout).toMatch(/e2e-1 +agent:main:main +ok .*chain: 3 echo hi/);
    expect((await shell.run(['sessions', 'list'])).stdout).toContain('agent:main:main');
  });

  test('the same id and message again is the same answer and no second run; another message is refused', async () => {
    const first = await json(['agent', '-m', 'chain: 1 echo once', '--run-id', 'e2e-2']);
    expect(await json(['agent', '-m', 'chain: 1 echo once', '--run-id', 'e2e-2'])).toEqual(first);
    expect(await json(['agent', '-m', 'something else', '--run-id', 'e2e-2'])).toMatchObject({ ok: false, error: { type: 'rpc_error', code: 'INVALID_REQUEST' } });
    const { runs } = (await json(['runs', 'list'])) as { readonly runs: readonly { readonly runId: string }[] };
    expect(runs.filter((run) => run.runId === 'e2e-2')).toHaveLength(1);
  });

  test('--queue waits its turn, says so, and answers', async () => {
    const busy = shell.start(['agent', '-m', 'slow: 12', '--session', 'queue', '--run-id', 'e2e-busy']);
    await expect.poll(() => state('e2e-busy'), { timeout: 15_000 }).toBe('running');
    const queued = await shell.run(['agent', '-m', 'chain: 1 echo queued', '--session', 'queue', '--queue', 'followup']);
    expect(queued.stdout).toContain('queued');
    expect(queued.stderr).toContain('Waiting: another run of this session');
    expect((await busy.done).stderr).not.toContain('Waiting:');
  });
});

describe('leaving and coming back', () => {
  test('Ctrl-C detaches; `runs wait` gives the answer', async () => {
    const running = shell.start(['agent', '-m', 'slow: 3', '--session', 'detach', '--run-id', 'e2e-3']);
    await expect.poll(() => state('e2e-3'), { timeout: 15_000 }).toBe('running');
    running.child.kill('SIGINT');
    const left = await running.done;
    expect(left.code).toBe(130);
    expect(left.stderr).toContain('openclaw runs wait e2e-3');
    expect(await shell.run(['runs', 'wait', 'e2e-3'])).toMatchObject({ code: 0, stdout: expect.stringContaining('Done after 3 s') as unknown });
  });

  test('Ctrl-C twice stops the run', async () => {
    const running = shell.start(['agent', '-m', 'slow: 60', '--session', 'stop', '--run-id', 'e2e-4']);
    await expect.poll(() => state('e2e-4'), { timeout: 15_000 }).toBe('running');
    running.child.kill('SIGINT');
    await running.stderrHas('Ctrl-C again');
    running.child.kill('SIGINT');
    expect((await running.done).code).toBe(130);
    await expect.poll(() => state('e2e-4'), { timeout: 15_000 }).toBe('aborted');
    expect(await shell.run(['runs', 'wait', 'e2e-4'])).toMatchObject({ code: 1, stdout: '' });
  });

  test('out of time is exit 3 and the run goes on; `runs abort` ends it', async () => {
    const result = await shell.run(['agent', '-m', 'slow: 60', '--session', 'late', '--run-id', 'e2e-5', '--timeout', '2']);
    expect(result.code).toBe(3);
    expect((await shell.run(['runs', 'abort', 'e2e-5'])).stdout).toBe('Stopped e2e-5.\n');
    await expect.poll(() => state('e2e-5'), { timeout: 15_000 }).toBe('aborted');
    expect((await shell.run(['runs', 'abort', 'e2e-5'])).stderr).toContain('NOT_RUNNING');
  });

  test('the gateway killed in the middle: the waiting command prints the one answer', async () => {
    const running = shell.start(['agent', '-m', 'slow: 3', '--session', 'killed', '--run-id', 'e2e-6']);
    await expect.poll(() => state('e2e-6'), { timeout: 15_000 }).toBe('running');
    await house.kill();
    await running.stderrHas('The gateway went away');
    await house.start();
    const result = await running.done;
    expect(result.code).toBe(0);
    expect(result.stdout.match(/Done after 3 s/g)).toHaveLength(1);
  });
});

describe('a command that no rule covers', () => {
  test('without a person: exit 3 with the question; it is answered from elsewhere, and `runs wait` gives the answer', async () => {
    const asked = await shell.run(['agent', '-m', 'chain: 1 touch allowed.txt', '--session', 'ask', '--run-id', 'e2e-7', '--timeout', '4', '--json']);
    const document = JSON.parse(asked.stdout) as { readonly status: string; readonly approvals: readonly { readonly id: string; readonly request: { readonly command: string } }[] };
    expect({ code: asked.code, status: document.status, commands: document.approvals.map(({ request }) => request.command) }).toEqual({ code: 3, status: 'waiting_approval', commands: ['touch allowed.txt'] });
    const id = document.approvals[0]?.id ?? '';
    expect((await shell.run(['status'])).stdout).toMatch(/0 running, 1 waiting for approval, 0 queued[^]*1 waits for your answer, asked .*: openclaw approvals list/);
    expect((await shell.run(['runs', 'list'])).stdout).toMatch(/e2e-7 .*waits for an approval/);
    expect((await shell.run(['runs', 'show', 'e2e-7'])).stdout).toContain(`approval ${id} of touch allowed.txt`);
    expect((await shell.run(['approvals', 'list'])).stdout).toContain('  $ touch allowed.txt\n');
    expect(existsSync(join(house.workspace, 'allowed.txt'))).toBe(false);
    expect((await shell.run(['approvals', 'approve', id.slice(3, 8).toUpperCase()])).stdout).toContain(`Allowed once: ${id}.`);
    expect(await shell.run(['runs', 'wait', 'e2e-7'])).toMatchObject({ code: 0, stdout: expect.stringContaining('(no output)') as unknown });
    expect(existsSync(join(house.workspace, 'allowed.txt'))).toBe(true);
    expect((await shell.run(['approvals', 'deny', id])).stderr).toMatch(/already allowed once by owner at .*INVALID_REQUEST\) → It has run\. The next time it is asked about anew\./);
    const always = (await shell.run(['approvals', 'approve', id, '--always'])).stdout;
    expect(always).toMatch(/was allowed once by owner .* ago already; the same is allowed always from now on\. Take that back: openclaw approvals revoke gr-\w+\n/);
    expect(await shell.run(['agent', '-m', 'chain: 1 touch allowed.txt', '--session', 'ask', '--run-id', 'e2e-7b'])).toMatchObject({ code: 0 });
    expect((await shell.run(['approvals', 'deny', id, '--always'])).code).toBe(2);
    expect(await shell.run(['approvals', 'revoke', /gr-\w+/.exec(always)?.[0] ?? ''])).toMatchObject({ code: 0 });
  });

  test('denied a second time with another reason: what holds is the first', async () => {
    await shell.run(['agent', '-m', 'chain: 1 touch denied.txt', '--session', 'ask', '--run-id', 'e2e-7c', '--timeout', '4']);
    const { approvals } = (await json(['approvals', 'list'])) as { readonly approvals: readonly { readonly id: string }[] };
    const id = approvals[0]?.id ?? '';
    expect((await shell.run(['approvals', 'deny', id, '--reason', 'use a branch'])).stdout).toContain(`Denied: ${id}.`);
    expect((await shell.run(['approvals', 'deny', id, '--reason', 'no, really'])).stdout).toMatch(/was denied by owner .* ago already \(use a branch\); nothing was changed\. The reason you gave now reaches nobody\./);
    expect((await shell.run(['runs', 'wait', 'e2e-7c'])).stdout).toContain('use a branch');
  });

  test('at a terminal: A allows it, and the next time nobody is asked, until it is taken back', async () => {
    const ask = (run: string) => startOnTerminal(shell, ['agent', '-m', 'chain: 1 touch always.txt', '--session', 'ask', '--run-id', run]);
    const first = ask('e2e-8');
    await first.shows('a allow once');
    first.type('A');
    expect(await first.done).toMatchObject({ code: 0, restored: true, screen: expect.stringContaining('Allowed always') as unknown });
    expect(existsSync(join(house.workspace, 'always.txt'))).toBe(true);
    const second = await ask('e2e-9').done;
    expect(second.code).toBe(0);
    expect(second.screen).not.toContain('May this run?');
    const grants = (await json(['approvals', 'grants']))['grants'] as readonly { readonly id: string; readonly command: string }[];
    expect(grants.map(({ command }) => command)).toEqual(['touch always.txt']);
    expect((await shell.run(['approvals', 'revoke', grants[0]?.id ?? ''])).code).toBe(0);
    const third = ask('e2e-10');
    await third.shows('a allow once');
    third.type('d');
    expect((await third.done).screen).toContain('Denied: ');
  });
});

describe('a budget without room', () => {
  const bash = (line: string): Promise<{ readonly code: number | null; readonly out: string }> =>
    new Promise((done) => {
      const child = spawn('bash', ['-c', `openclaw() { ${JSON.stringify(process.execPath)} ${JSON.stringify(BIN)} "$@"; }; ${line}`], { env: shell.env, stdio: ['ignore', 'pipe', 'inherit'] });
      let out = '';
      child.stdout.on('data', (data: Buffer) => (out += data.toString()));
      child.on('close', (code) => done({ code, out }));
    });

  test('says limit, spending and need; who waits, also behind it; answered by a shortened id; hints can be pasted, whatever the run is called', async () => {
    await shell.run(['config', 'set', 'budgets.session.tokens', '300']);
    try {
      await expect.poll(async () => (await json(['budgets', 'list']))['limits'], { timeout: 15_000 }).toEqual({ session: { tokens: 300 } });
      const ask = async (run: string) => JSON.parse((await shell.run(['agent', '-m', 'hello', '--session', 'poor', '--run-id', run, '--timeout', '4', '--json'])).stdout) as {
        readonly status: string; readonly hint: string; readonly queuedBehind?: string; readonly budgetQuestion: { readonly id: string; readonly limit: number; readonly needs: number };
      };
      const first = await ask("first; it's mine");
      expect(first).toMatchObject({ status: 'waiting_budget', budgetQuestion: { limit: 300, needs: expect.any(Number) as unknown } });
      expect(first.budgetQuestion.needs).toBeGreaterThan(300);
      const { id } = first.budgetQuestion;
      expect(await ask('second')).toMatchObject({ status: 'waiting_budget', queuedBehind: "first; it's mine", budgetQuestion: { id } });
      expect((await shell.run(['runs', 'show', 'second'])).stdout).toContain(`queued behind run first; it's mine, which waits for a budget. Raise the limit: openclaw budgets answer ${id} raise`);
      expect((await shell.run(['status'])).stdout).toContain('0 running, 1 waiting for a budget, 1 queued');
      const listed = (await shell.run(['budgets', 'list'])).stdout;
      expect(listed).toMatch(new RegExp(`limit 300 tokens, spent 0 tokens, the next call needs ${first.budgetQuestion.needs} tokens or more`));
      expect(listed).toContain("waits: first; it's mine in agent:main:poor");

      expect((await shell.run(['budgets', 'answer', id.slice(3, 8), 'stop'])).stdout).toContain('These runs end');
      // The last command of the hint, as it stands.
      const failed = await bash(`${/openclaw runs wait .*$/.exec(first.hint)?.[0]} --json`);
      expect({ code: failed.code, ...(JSON.parse(failed.out) as object) }).toMatchObject({ code: 1, error: { code: 'BudgetExceeded', message: expect.stringMatching(/the call needs \d+ tokens or more\) and the owner said stop\. At the next message the owner is asked anew/) as unknown } });
      const shown = await bash((JSON.parse(failed.out) as { readonly error: { readonly hint: string } }).error.hint.replace('See what it did: ', ''));
      expect(shown).toMatchObject({ code: 0, out: expect.stringContaining('BudgetExceeded') as unknown });
      await expect.poll(async () => ((await json(['budgets', 'list']))['questions'] as readonly { readonly id: string }[]).map((one) => one.id === id), { timeout: 15_000 }).toEqual([false]);
      expect((await shell.run(['budgets', 'answer', id, 'raise'])).stderr).toMatch(/already stopped by owner .* → Its runs ended\. Send the message again/);
      await shell.run(['runs', 'abort', 'second']);
    } finally {
      await shell.run(['config', 'unset', 'budgets.session.tokens']);
    }
  });

  test('what is not there says where to look', async () => {
    for (const verb of ['show', 'abort', 'wait']) expect((await shell.run(['runs', verb, 'nope'])).stderr).toMatch(/→ See the runs there are: openclaw runs list\n$/);
  });
});

test('a gateway whose output nobody reads any more goes on', async () => {
  const other = await install();
  const gateway = spawn(process.execPath, [BIN, 'gateway'], { env: other.env, stdio: ['ignore', 'pipe', 'pipe'] });
  try {
    gateway.stdout.destroy();
    gateway.stderr.destroy();
    await expect.poll(() => other.ready(), { timeout: 30_000, interval: 100 }).toBe(true);
    expect(gateway.exitCode).toBeNull();
  } finally {
    gateway.kill('SIGKILL');
    await other.remove();
  }
});

describe('looking at it', () => {
  test('status, health, models and doctor', async () => {
    const status = await shell.run(['status']);
    expect(status.stdout).toMatch(/Gateway +│ running .*version \d/);
    expect(status.stdout).toMatch(/Engine +│ Temporal up 127\.0\.0\.1:\d+, namespace openclaw/);
    expect(status.stdout).toContain('offline/offline');
    expect((await shell.run(['health'])).code).toBe(0);
    expect((await shell.run(['models', 'test'])).stdout).toContain('offline/offline answered');
    const doctor = await shell.run(['doctor']);
    expect(doctor, doctor.stdout).toMatchObject({ code: 0 });
    expect(doctor.stdout).toContain('Workers: every queue is polled');
  });
});

describe('a start that cannot be is one line with what to do', () => {
  const refused = async (env: NodeJS.ProcessEnv, ...args: readonly string[]): Promise<CliResult> => {
    const result = await shell.run(['gateway', ...args], { env });
    expect(result.code).toBe(1);
    expect(result.stderr).toMatch(/^Error: .+ \([A-Z_]+\) → .+\n$/);
    return result;
  };
  const folder = (): string => mkdtempSync(join(tmpdir(), 'openclaw-start-'));

  test('another gateway on this state directory', async () => {
    await refused({});
  });

  test('a busy port', async () => {
    const dir = folder();
    expect((await refused({ OPENCLAW_STATE_DIR: dir })).stderr).toContain(String(house.port));
    rmSync(dir, { recursive: true, force: true });
  });

  test('the peer\'s state directory', async () => {
    const dir = folder();
    mkdirSync(join(dir, 'agents'));
    expect((await refused({ OPENCLAW_STATE_DIR: dir })).stderr).toContain('STATE_DIR_OF_PEER');
    rmSync(dir, { recursive: true, force: true });
  });

  test('a broken config', async () => {
    const dir = folder();
    writeFileSync(join(dir, 'openclaw.json'), '{\n  gateway: { port: "x" },\n}');
    expect((await refused({ OPENCLAW_STATE_DIR: dir })).stderr).toContain('openclaw.json:2:20 gateway.port must be a number');
    rmSync(dir, { recursive: true, force: true });
  });
});
