/** The list of tools a model sees, and the check of what it sends. */
import { describe, expect, it } from 'vitest';
import { createToolRegistry } from '../../../src/activities/tools/registry.js';
import { capParts, TEXT_CAP } from '../../../src/activities/tools/truncate.js';
import { validateArgs } from '../../../src/activities/tools/validate.js';
import { estimateTokens } from '../../../src/core/context.js';
import { makeHost } from './helpers/env.js';

const search = { provider: 'searxng', baseUrl: 'http://127.0.0.1:1' } as const;

describe('the registry', () => {
  it('lists the tools in a fixed order', () => {
    const names = (config: Parameters<typeof makeHost>[0]) => createToolRegistry(makeHost(config)).tools.map((tool) => tool.name);
    expect(names({})).toEqual(['exec', 'process', 'read', 'write', 'edit', 'ls', 'web_fetch']);
    expect(names({ web: { search } })).toEqual(['exec', 'process', 'read', 'write', 'edit', 'ls', 'web_fetch', 'web_search']);
  });

  it('lists no exec when commands are switched off, but still finds it for a call that was begun', () => {
    const registry = createToolRegistry(makeHost({ exec: { mode: 'deny', allow: [], timeoutSeconds: 1 } }));
    expect(registry.tools.map((tool) => tool.name)).toEqual(['read', 'write', 'edit', 'ls', 'web_fetch']);
    expect(registry.get('exec')?.name).toBe('exec');
    expect(registry.get('nothing')).toBeUndefined();
  });

  it('costs under 700 tokens of every request, 800 where a messenger is configured, and uses only what every provider’s schemas know', () => {
    for (const mode of ['allowlist', 'ask', 'full'] as const) {
      const allow = ['echo', 'pwd', 'ls', 'cat', 'head', 'tail', 'wc', 'date', 'grep', 'sleep'];
      const outbound = { channels: () => ['telegram'], resolve: () => Promise.reject(new Error('unused')), isOwners: () => Promise.resolve(true) };
      const host = makeHost({ web: { search }, exec: { mode, allow, timeoutSeconds: 60 } });
      const { tools } = createToolRegistry({ ...host, outbound });
      const weighed = (list: typeof tools): string => JSON.stringify(list.map(({ name, description, parameters }) => ({ name, description, parameters })));
      const text = weighed(tools);
      expect(estimateTokens(weighed(createToolRegistry(host).tools))).toBeLessThan(700);
      expect(estimateTokens(text)).toBeLessThan(800);
      expect(text).not.toMatch(/patternProperties|anyOf|"const"|\$ref|\$id/);
    }
  });

  it('says for each tool what may be repeated', () => {
    const registry = createToolRegistry(makeHost({ web: { search } }));
    expect(Object.fromEntries(registry.tools.map((tool) => [tool.name, tool.policy]))).toEqual({
      exec: 'side-effecting', process: 'idempotent', read: 'read-only', write: 'side-effecting', edit: 'side-effecting', ls: 'read-only', web_fetch: 'read-only', web_search: 'read-only',
    });
  });
});

describe('arguments', () => {
  const registry = createToolRegistry(makeHost());
  const check = (name: string, args: unknown): string | undefined => validateArgs(registry.get(name)!, args);

  it('that fit pass', () => {
    expect(check('exec', { command: 'ls', env: { A: 'b' }, background: false, timeoutSeconds: 2.5 })).toBeUndefined();
    expect(check('process', { action: 'list' })).toBeUndefined();
    expect(check('ls', {})).toBeUndefined();
  });

  it.each([
    ['exec', {}, '"command" is missing'],
    ['exec', { command: 5 }, '"command" must be string'],
    ['exec', { command: 'ls', cwd: '/' }, 'exec has no argument "cwd"; it takes command, workdir?, timeoutSeconds?, background?, env?.'],
    ['exec', { command: 'ls', env: { A: 5 } }, '"env.A" must be string'],
    ['exec', { command: 'ls', timeoutSeconds: 0 }, '"timeoutSeconds" must be >= 1'],
    ['process', { action: 'start' }, '"action" must be one of list, poll, write, close, kill'],
    ['read', { path: 'x', offset: 1.5 }, '"offset" must be integer'],
    ['edit', { path: 'x', oldText: '', newText: 'y' }, '"oldText"'],
    ['read', 'x', 'must be an object'],
    ['read', null, 'must be an object'],
    ['read', [1], 'must be an object'],
    ['read', { path: 'x', __proto__x: 1 }, 'no argument'],
  ])('%s %j: %s', (name, args, message) => {
    const problem = check(name, args);
    expect(problem).toContain(message);
    expect(problem?.split('\n')).toHaveLength(1);
  });
});

describe('capped text', () => {
  it('keeps both ends, says what is missing, and breaks no character', () => {
    expect(capParts('short', undefined, 5)).toBe('short');
    const long = `HEAD${'☃👍'.repeat(20_000)}TAIL`;
    const cut = capParts(long, undefined, Buffer.byteLength(long), 'read path job:x');
    expect(cut.length).toBeLessThan(TEXT_CAP + 100);
    expect(cut.startsWith('HEAD☃')).toBe(true);
    expect(cut.endsWith('👍TAIL')).toBe(true);
    expect(cut.isWellFormed()).toBe(true);
    const missing = Number(/\[… (\d+) bytes left out; all of it: read path job:x …\]/.exec(cut)?.[1]);
    const kept = cut.replace(/\n\[….*…\]\n/, '');
    expect(missing + Buffer.byteLength(kept)).toBe(Buffer.byteLength(long));
  });
});
