/**
 * Takes keys out of text that a provider or a library wrote.
 * Invariant: what leaves here holds no key of ours, whole or in part that could be used, and is short.
 */

/** Providers echo requests in their errors; a message is for a log line, not for a page. */
const MAX_MESSAGE = 400;
const MASK = '[key]';

/** Shapes of keys and of places that hold them, for keys that are not ours (a proxy's upstream key, say). */
const SHAPES: readonly RegExp[] = [
  /\b(?:sk|rk|pk|gsk|xai)-[A-Za-z0-9_*.-]{6,}/g,
  /\bAIza[A-Za-z0-9_*-]{10,}/g,
  /\b(?:Bearer|Basic)\s+[A-Za-z0-9._~+/=-]{6,}/gi,
  /((?:api[_-]?key|[?&]key|token)["']?\s*[=:]\s*["']?)[A-Za-z0-9._~+/*-]{8,}/gi,
  // A password in an address.
  /(\/\/[^/\s:@]+:)[^/\s@]+(?=@)/g,
];

export function scrub(text: string, secrets: readonly string[]): string {
  let out = text;
  for (const secret of secrets) {
    // A very short "secret" (a local server's `x`) would eat ordinary words.
    if (secret.length < 4) continue;
    out = out.replaceAll(secret, MASK).replaceAll(encodeURIComponent(secret), MASK);
  }
  for (const shape of SHAPES) out = out.replace(shape, (whole, head: unknown) => (typeof head === 'string' ? `${head}${MASK}` : MASK));
  out = out.replace(/\s+/g, ' ').trim();
  return out.length <= MAX_MESSAGE ? out : `${out.slice(0, MAX_MESSAGE - 1)}…`;
}
