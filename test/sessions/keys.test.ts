/** Ids made from what clients and platforms say. */
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { LIMITS } from '../../src/core/names.js';
import { sessionKeyProblem } from '../../src/core/session-key.js';
import { inboundIdOf, payloadHash, requireRunId, requireSessionKey, runHash } from '../../src/sessions/keys.js';

const REFUSED = expect.objectContaining({ code: 'INVALID_REQUEST' });

describe('a session key', () => {
  it('with parts too long for the grammar is hashed part by part, so that any platform id makes one', () => {
    const long = `${'x'.repeat(300)}/日本 &?`;
    const { key, rest } = requireSessionKey(`matrix:group:${long}`);
    expect(sessionKeyProblem(key)).toBeUndefined();
    expect(rest).toBe(`matrix:group:h-${createHash('sha256').update(long).digest('hex').slice(0, 32)}`);
  });

  it('is the same for the same long id, however it is written, and another for another', () => {
    const key = (part: string): string => requireSessionKey(`matrix:${part}`).key;
    const long = 'Abc'.repeat(100);
    expect(key(long)).toBe(key(long.toUpperCase()));
    expect(key(long)).not.toBe(key(`${long}d`));
    expect(requireSessionKey(requireSessionKey(long).key).key).toBe(requireSessionKey(long).key);
  });

  it('that no grammar knows is refused with the reason', () => {
    for (const text of ['', 'a b', 'a::b', '../x', 'x:'.repeat(400)]) expect(() => requireSessionKey(text), text).toThrow(REFUSED);
  });
});

describe('the hash of a run', () => {
  it('depends on principal, session and run id, and on which is which', () => {
    const hashes = [runHash('a', 'b', 'c'), runHash('x', 'b', 'c'), runHash('a', 'x', 'c'), runHash('a', 'b', 'x'), runHash('c', 'b', 'a'), runHash('b', 'a', 'c')];
    expect(new Set(hashes).size).toBe(hashes.length);
    expect(runHash('a', 'b', 'c')).toBe(hashes[0]);
  });

  it('cannot be made to collide by separators in the parts', () => {
    expect(runHash('a","b', 'c', 'd')).not.toBe(runHash('a', 'b","c', 'd'));
    expect(runHash('ab', 'c', 'd')).not.toBe(runHash('a', 'bc', 'd'));
  });

  it('is safe in paths and workflow ids whatever the client wrote', () => {
    for (const id of ['../../etc', 'a b', '\u001b[31m', '🙂', '']) expect(runHash('p', 's', id)).toMatch(/^[0-9a-f]{32}$/);
    expect(inboundIdOf('rpc/a/b/c')).toMatch(/^[0-9a-f]{32}$/);
    expect(payloadHash([{}])).toMatch(/^[0-9a-f]{64}$/);
  });
});

describe('an idempotency key', () => {
  it.each(['a', ' ', '../x', 'a b', '日本🙂', 'x'.repeat(LIMITS.idempotencyKey)])('%j is taken as it is', (runId) => {
    expect(requireRunId(runId)).toBe(runId);
  });
  it.each(['', 'x'.repeat(LIMITS.idempotencyKey + 1), 'a\nb', 'a\u0000', '\u001b[2J', 'a\u007f', 'a\u009b2J', 'a\ud800', 'approval-ap-7kfm2xwa'])('%j is refused', (runId) => {
    expect(() => requireRunId(runId)).toThrow(REFUSED);
  });
});
