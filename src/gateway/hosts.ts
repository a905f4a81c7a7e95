/**
 * Which Host and Origin headers are ours. A page on the web can make a browser send requests to loopback, also under a
 * name of its own that resolves there (DNS rebinding); these two headers are what it cannot forge.
 * Invariant: anything not plainly ours is refused.
 */
export interface HostRules {
  /** The port we listen on. */
  readonly port: number;
  /** `name` (any port) or `name:port`. */
  readonly allowedHosts: readonly string[];
}

const LOOPBACK_NAMES: ReadonlySet<string> = new Set(['127.0.0.1', 'localhost', '[::1]']);

export function hostAllowed(header: string | undefined, rules: HostRules): boolean {
  const host = splitHost(header);
  return host !== undefined && ours(host, 80, rules);
}

/** @param origin as the browser sent it; `null` (a sandboxed page, a file) is nobody's */
export function originAllowed(origin: string, rules: HostRules): boolean {
  if (!/^https?:\/\/[^/]+$/.test(origin)) return false;
  const secure = origin.startsWith('https:');
  const host = splitHost(origin.slice(secure ? 8 : 7));
  return host !== undefined && ours(host, secure ? 443 : 80, rules);
}

function ours(host: { readonly name: string; readonly port: number | undefined }, defaultPort: number, rules: HostRules): boolean {
  if (LOOPBACK_NAMES.has(host.name)) return (host.port ?? defaultPort) === rules.port;
  return rules.allowedHosts.some((entry) => {
    const allowed = splitHost(entry);
    return allowed !== undefined && allowed.name === host.name && (allowed.port === undefined || allowed.port === (host.port ?? defaultPort));
  });
}

function splitHost(text: string | undefined): { readonly name: string; readonly port: number | undefined } | undefined {
  const match = /^(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::(\d{1,5}))?$/.exec((text ?? '').toLowerCase());
  if (!match) return undefined;
  // A trailing dot is the same name to DNS.
  return { name: match[1]!.replace(/\.$/, ''), port: match[2] === undefined ? undefined : Number(match[2]) };
}
