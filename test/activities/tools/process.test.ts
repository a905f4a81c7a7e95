/** Background jobs through the `process` tool. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createExecTool } from '../../../src/activities/tools/exec/exec.js';
import { createProcessTool } from '../../../src/activities/tools/process.js';
import type { ToolResult } from '../../../src/activities/tools/types.js';
import { makeContext, makeHost, textOf, type TestHost } from './helpers/env.js';

let calls = 0;
const ask = (host: TestHost, args: Record<string, unknown>, key = `cc:${(calls += 1)}.0`, session?: string): Promise<ToolResult> =>
  createProcessTool(host).run(args, makeContext(key, undefined, session));

async function pollUntil(host: TestHost, job: string, wanted: string): Promise<string> {
  let seen = '';
  const deadline = Date.now() + 10_000;
  while (!seen.includes(wanted)) {
    if (Date.now() > deadline) throw new Error(`never saw ${wanted} in ${seen}`);
    seen = textOf(await ask(host, { action: 'poll', job }));
  }
  return seen;
}

describe('process', () => {
  it('starts in the background at once, lists, polls from an offset, and tells the end', async () => {
    const host = makeHost();
    // It waits for its gate: that this returns at all is what "in the background" says.
    const start = await createExecTool(host).run({ command: 'echo one; until [ -e gate ]; do sleep 0.02; done; echo zwei ✓; exit 2', background: true }, makeContext('aa:1.0'));
    expect(textOf(start)).toContain('job aa-1.0');
    expect(textOf(await ask(host, { action: 'list' }))).toMatch(/^aa-1\.0 {2}running {2}since .* {2}echo one; until/);
    await pollUntil(host, 'aa-1.0', 'one');
    const first = await ask(host, { action: 'poll', job: 'aa-1.0' });
    expect(textOf(first)).toBe('one\n\n[running; next offset 4]');
    writeFileSync(join(host.workspace, 'gate'), '');
    await pollUntil(host, 'aa-1.0', 'exit code 2');
    const rest = await ask(host, { action: 'poll', job: 'aa-1.0', offset: 4 });
    expect(textOf(rest)).toBe('zwei ✓\n\n[exit code 2; next offset 13]');
    expect(rest.details).toMatchObject({ state: 'done', exitCode: 2 });
    expect(textOf(await ask(host, { action: 'poll', job: 'aa-1.0', offset: 13 }))).toContain('(no new output)');
  });

  it('writes to the input once per call, in order, and closes it', async () => {
    const host = makeHost();
    await createExecTool(host).run({ command: 'while read -r line; do echo "got $line"; done; echo closed', background: true }, makeContext('aa:1.0'));
    await ask(host, { action: 'write', job: 'aa-1.0', text: 'eins\n' }, 'dd:1.0');
    await ask(host, { action: 'write', job: 'aa-1.0', text: 'eins\n' }, 'dd:1.0'); // a retry of the same call
    await pollUntil(host, 'aa-1.0', 'got eins');
    await ask(host, { action: 'write', job: 'aa-1.0', text: 'eins\n' }, 'dd:1.0'); // and one after it was consumed
    await ask(host, { action: 'write', job: 'aa-1.0', text: 'zwei\n' }, 'dd:2.0');
    await ask(host, { action: 'write', job: 'aa-1.0', text: 'zwei\n' }, 'dd:3.0'); // another call with the same text
    await ask(host, { action: 'close', job: 'aa-1.0' });
    expect(textOf(await ask(host, { action: 'write', job: 'aa-1.0', text: 'late\n' }, 'dd:4.0'))).toMatch(/is closed .*; nothing was written/);
    const all = await pollUntil(host, 'aa-1.0', 'exit code');
    // A retry after the end still says what happened at the first time.
    expect((await ask(host, { action: 'write', job: 'aa-1.0', text: 'zwei\n' }, 'dd:3.0')).isError).toBe(false);
    expect(all).toMatch(/^got eins\ngot zwei\ngot zwei\nclosed\n\n\[/);
  });

  it('a program can open its input by name', async () => {
    const host = makeHost();
    await createExecTool(host).run({ command: 'cat /dev/stdin', background: true }, makeContext('aa:1.0'));
    await ask(host, { action: 'write', job: 'aa-1.0', text: 'hello\n' });
    await ask(host, { action: 'close', job: 'aa-1.0' });
    expect(await pollUntil(host, 'aa-1.0', 'exit code')).toContain('hello\n');
  });

  it('kills, and says so to every later look', async () => {
    const host = makeHost();
    await createExecTool(host).run({ command: 'sleep 300', background: true }, makeContext('aa:1.0'));
    expect(textOf(await ask(host, { action: 'kill', job: 'aa-1.0' }))).toBe('aa-1.0: killed');
    expect(textOf(await ask(host, { action: 'kill', job: 'aa-1.0' }))).toBe('aa-1.0: killed');
    expect(textOf(await ask(host, { action: 'list' }))).toContain('killed');
  });

  it('a retried start of a background job is the same job', async () => {
    const host = makeHost();
    const run = (): Promise<ToolResult> => createExecTool(host).run({ command: 'echo x; sleep 300', background: true }, makeContext('aa:1.0'));
    expect(textOf(await run())).toBe(textOf(await run()));
    expect((await pollUntil(host, 'aa-1.0', 'x\n')).match(/x\n/g)).toHaveLength(1);
    await ask(host, { action: 'kill', job: 'aa-1.0' });
  });

  it('knows no jobs of other sessions, no missing ones and no paths', async () => {
    const host = makeHost();
    await createExecTool(host).run({ command: 'sleep 300', background: true }, makeContext('aa:1.0'));
    for (const action of ['poll', 'kill', 'write', 'close']) {
      expect((await ask(host, { action, job: 'aa-1.0', text: 'x' }, 'ee:1.0', 'agent:main:other')).isError, action).toBe(true);
      expect((await ask(host, { action, job: '../../etc', text: 'x' })).isError, action).toBe(true);
      expect((await ask(host, { action, job: 'zz-9.9', text: 'x' })).isError, action).toBe(true);
    }
    expect(textOf(await ask(host, { action: 'list' }, 'ee:2.0', 'agent:main:other'))).toBe('No background jobs in this session.');
    expect(textOf(await ask(host, { action: 'list' }))).toContain('running');
    await ask(host, { action: 'kill', job: 'aa-1.0' });
  });

  it('gives long output in pieces that join to the whole', async () => {
    const host = makeHost();
    await createExecTool(host).run({ command: 'for i in $(seq 1 4000); do echo "$i ☃"; done', background: true }, makeContext('aa:1.0'));
    await pollUntil(host, 'aa-1.0', 'exit code 0');
    let whole = '';
    let offset = 0;
    for (let round = 0; round < 10; round += 1) {
      const result = await ask(host, { action: 'poll', job: 'aa-1.0', offset });
      whole += textOf(result).replace(/\n\[exit code 0; next offset .*\]$/, '').replace('(no new output)', '');
      if (result.details?.['offset'] === offset) break;
      offset = Number(result.details?.['offset']);
    }
    expect(whole).toBe(Array.from({ length: 4000 }, (_, i) => `${i + 1} ☃\n`).join(''));
  });
});
