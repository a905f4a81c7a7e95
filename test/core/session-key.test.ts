/** The grammar of session keys: what people may write, and what can never reach a workflow id or a log line. */
import { describe, expect, it } from 'vitest';
import { SESSION_KEY_MAX, SESSION_KEY_PART_MAX, mainSessionKey, parseSessionKey, sessionKeyProblem } from '../../src/core/session-key.js';

const part = (length: number): string => 'a'.repeat(length);

describe('a key that people or clients write', () => {
  it.each([
    ['main', 'agent:main:main', 'main'],
    ['  Main\n', 'agent:main:main', 'main'],
    ['Agent:Main:MAIN', 'agent:main:main', 'main'],
    ['agent:main:direct:ann@example.org', 'agent:main:direct:ann@example.org', 'direct:ann@example.org'],
    ['telegram:group:-100123:topic:7', 'agent:main:telegram:group:-100123:topic:7', 'telegram:group:-100123:topic:7'],
    ['my_notes.2026+x=1-a', 'agent:main:my_notes.2026+x=1-a', 'my_notes.2026+x=1-a'],
    ['7', 'agent:main:7', '7'],
    [part(SESSION_KEY_PART_MAX), `agent:main:${part(SESSION_KEY_PART_MAX)}`, part(SESSION_KEY_PART_MAX)],
  ])('%j becomes %s', (text, key, rest) => {
    expect(parseSessionKey(text)).toEqual({ key, agent: 'main', rest });
  });

  it.each([
    [''], ['   '], ['agent:'], ['agent:main'], ['agent:main:'], ['agent::main'], [':main'], ['main:'], ['a::b'], ['-'], ['--1'], ['.hidden'], ['..'], ['_x'], ['@x'],
    ['a b'], ['a\tb'], ['a\u0000b'], ['a\nb'], ['a\u001b[31m'], ['../../etc/passwd'], ['a/b'], ['a\\b'], ['a%2fb'], ["a'; drop table sessions; --"], ['${HOME}'], ['a|b'], ['<script>'],
    ['ünïcode'], ['日本'], ['\u202edlrow'], ['a\u200bb'], ['\ud800'], ['🙂'], ['İ'],
    [part(SESSION_KEY_PART_MAX + 1)], [`agent:${part(SESSION_KEY_PART_MAX + 1)}:x`], [Array.from({ length: 300 }, () => 'ab').join(':')],
  ])('%j is refused with a reason', (text) => {
    expect(parseSessionKey(text)).toEqual({ problem: expect.stringMatching(/^session key/) });
  });

  it('belongs to the asked agent only while it names none itself', () => {
    expect(parseSessionKey('x', 'other')).toEqual({ key: 'agent:other:x', agent: 'other', rest: 'x' });
    expect(parseSessionKey('agent:main:x', 'other')).toEqual({ key: 'agent:main:x', agent: 'main', rest: 'x' });
  });
});

describe('a canonical key', () => {
  it('parses to itself, so repeating the canonicalisation changes nothing', () => {
    for (const text of ['main', 'Direct:Ann', 'AGENT:MAIN:Telegram:Group:-5', 'a.b_c@d+e=f-g']) {
      const once = parseSessionKey(text);
      if ('problem' in once) throw new Error(once.problem);
      expect(sessionKeyProblem(once.key)).toBeUndefined();
      expect(parseSessionKey(once.key)).toEqual(once);
    }
  });

  it('is lower-case and complete: a short or upper-case one has a problem', () => {
    for (const key of ['main', 'agent:main', 'agent:main:Main', 'AGENT:main:main', 'other:main:main', ' agent:main:main', 'agent:main:main\n']) expect(sessionKeyProblem(key)).toBeDefined();
    expect(sessionKeyProblem(mainSessionKey('main'))).toBeUndefined();
  });

  it('may be as long as the wire allows and not a character longer', () => {
    const prefix = 'agent:main:';
    const parts = Array.from({ length: 7 }, () => part(SESSION_KEY_PART_MAX)).join(':');
    const longest = `${prefix}${parts}:${part(SESSION_KEY_MAX - prefix.length - parts.length - 1)}`;
    expect(longest).toHaveLength(SESSION_KEY_MAX);
    expect(sessionKeyProblem(longest)).toBeUndefined();
    expect(sessionKeyProblem(`${longest}a`)).toContain(`${SESSION_KEY_MAX}`);
  });

  it('shows at most the head of a part that is too long', () => {
    expect(sessionKeyProblem(`agent:main:${part(300)}`)!.length).toBeLessThan(120);
  });
});
