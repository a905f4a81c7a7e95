/**
 * The grammar of session keys: `agent:<agent>:<rest>`, lower-case parts joined by `:`. Pure.
 * A key that passed {@link parseSessionKey} is safe in workflow ids and log lines; file names use its hash.
 */

/** Longest part; longer platform ids are replaced by a hash at the door (`sessions/`). */
export const SESSION_KEY_PART_MAX = 64;
/** Longest key: Temporal's id limit is 1,000 bytes, the wire's is 512 characters. */
export const SESSION_KEY_MAX = 512;

const PART = /^[a-z0-9][a-z0-9._@+=-]*$/;

export interface SessionKey {
  /** Canonical text, e.g. `agent:main:main`. */
  readonly key: string;
  readonly agent: string;
  /** What follows the agent, e.g. `main`, `direct:ann`, `telegram:group:-100123:topic:7`. */
  readonly rest: string;
}

/** Says what is wrong with a canonical key, or nothing. */
export function sessionKeyProblem(key: string): string | undefined {
  if (key.length > SESSION_KEY_MAX) return `session key is longer than ${SESSION_KEY_MAX} characters`;
  const parts = key.split(':');
  if (parts.length < 3 || parts[0] !== 'agent') return 'session key must look like agent:<agent>:<name>';
  for (const part of parts) {
    // Group ids of some platforms are negative numbers.
    const text = part.startsWith('-') ? part.slice(1) : part;
    if (part.length > SESSION_KEY_PART_MAX) return `session key part "${part.slice(0, 16)}…" is longer than ${SESSION_KEY_PART_MAX} characters`;
    if (!PART.test(text)) return `session key part "${part}" may only hold lower-case letters, digits and . _ @ + = -`;
  }
  return undefined;
}

/**
 * Accepts what people and clients write (`main`, `Agent:Main:Main`, `agent:main:main`) and returns the canonical key.
 * A short name `x` is `agent:<agent>:x`.
 */
export function parseSessionKey(text: string, agent = 'main'): SessionKey | { readonly problem: string } {
  const lower = text.trim().toLowerCase();
  if (lower === '') return { problem: 'session key is empty' };
  const key = lower.startsWith('agent:') ? lower : `agent:${agent}:${lower}`;
  const problem = sessionKeyProblem(key);
  if (problem !== undefined) return { problem };
  const [, keyAgent = agent, ...rest] = key.split(':');
  return { key, agent: keyAgent, rest: rest.join(':') };
}

/** @param key canonical */
export function agentOf(key: string, otherwise = 'main'): string {
  const parsed = parseSessionKey(key);
  return 'problem' in parsed ? otherwise : parsed.agent;
}

export const mainSessionKey = (agent: string): string => `agent:${agent}:main`;
