/**
 * Which addresses a page may be fetched from.
 *
 * Invariant: only public unicast addresses, decided on the address that is connected to and at that moment. A name that
 * resolves to a private address, now or on a second look-up, a redirect to one, an IPv4 address inside an IPv6 one: all
 * end here, because every connection of the dispatcher goes through the same check.
 */
import { lookup as systemLookup, type LookupAddress, type LookupOptions } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import ipaddr from 'ipaddr.js';
import { Agent, buildConnector } from 'undici';

/** Why an address is refused, or undefined. */
export function addressProblem(address: string): string | undefined {
  const bare = address.replace(/^\[|\]$/g, '').replace(/%.*$/, '');
  if (!ipaddr.isValid(bare)) return `${address} is no address`;
  // `process` unwraps ::ffff:127.0.0.1.
  let parsed = ipaddr.process(bare);
  if (parsed.kind() === 'ipv6') {
    const inner = embedded(parsed as ipaddr.IPv6);
    if (inner) parsed = inner;
  }
  const range = parsed.range();
  return range === 'unicast' ? undefined : `${address} is not a public address (${range})`;
}

/** IPv4 inside IPv6: NAT64 and 6to4 lead to it, so it decides. (ipaddr.js names their ranges; a gateway would route them.) */
function embedded(address: ipaddr.IPv6): ipaddr.IPv4 | undefined {
  const bytes = address.toByteArray();
  const range = address.range();
  if (range === 'rfc6052') return new ipaddr.IPv4(bytes.slice(12));
  if (range === '6to4') return new ipaddr.IPv4(bytes.slice(2, 6));
  return undefined;
}

/** For tests only: nothing in the config leads here. */
export interface FetchHooks {
  /** Replaces the system's resolver. */
  readonly resolve?: (name: string) => Promise<readonly string[]> | readonly string[];
  /** An address that counts as public, e.g. of a server on loopback. The port tells servers apart. */
  readonly allow?: (address: string, port: number) => boolean;
}

export class AddressRefused extends Error {
  override readonly name = 'AddressRefused';
}

/** A dispatcher that connects only where {@link addressProblem} has none. */
export function guardedDispatcher(timeoutMs: number, hooks: FetchHooks = {}): Agent {
  const connectTo = (port: number) => buildConnector({ timeout: timeoutMs, lookup: guardedLookup(port, hooks) });
  return new Agent({
    connect: (options, callback) => {
      const port = Number(options.port) || (options.protocol === 'https:' ? 443 : 80);
      const host = options.hostname.replace(/^\[|\]$/g, '');
      // No look-up happens for a literal address.
      if (isIP(host) !== 0) {
        const problem = hooks.allow?.(host, port) ? undefined : addressProblem(host);
        if (problem) return callback(new AddressRefused(problem), null);
      }
      return connectTo(port)(options, callback);
    },
  });
}

function guardedLookup(port: number, hooks: FetchHooks): LookupFunction {
  return (name, options, callback) => {
    resolveAll(name, options, hooks).then(
      (found) => {
        // One private address among public ones is no accident.
        const problem = found.map(({ address }) => (hooks.allow?.(address, port) ? undefined : addressProblem(address))).find(Boolean);
        if (problem) return callback(new AddressRefused(`${name}: ${problem}`), '', 4);
        const [first] = found;
        if (!first) return callback(new AddressRefused(`${name} has no address`), '', 4);
        return options.all ? callback(null, [...found]) : callback(null, first.address, first.family);
      },
      (error: NodeJS.ErrnoException) => callback(error, '', 4),
    );
  };
}

async function resolveAll(name: string, options: LookupOptions, hooks: FetchHooks): Promise<readonly LookupAddress[]> {
  if (hooks.resolve) return (await hooks.resolve(name)).map((address) => ({ address, family: isIP(address) }));
  return new Promise((resolve, reject) => {
    systemLookup(name, { ...options, all: true }, (error, found) => (error ? reject(error) : resolve(found)));
  });
}
