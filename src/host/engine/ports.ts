/**
 * Loopback ports: is one free, which one near it is, has it become free; which ones the server takes.
 *
 * Invariant: a port is judged by binding it, never by who seems to listen there, so an unknown process is only ever
 * stepped around.
 */
import { createServer, connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

import type { EnginePorts, EngineSettings, Log } from './types.js';

export const LOOPBACK = '127.0.0.1';

/** Can `port` be bound on loopback right now? */
export function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host: LOOPBACK, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/** The first free port from `wanted` upwards that is not in `taken`. */
export async function freePortNear(wanted: number, taken: readonly number[] = []): Promise<number> {
  // A machine with 200 neighbours in a row taken has another problem than ours.
  for (let port = wanted; port < Math.min(wanted + 200, 65_536); port += 1) {
    if (!taken.includes(port) && (await isFree(port))) return port;
  }
  throw new Error(`no free port between ${wanted} and ${wanted + 200} on ${LOOPBACK}`);
}

/** Waits until all ports can be bound; false when one still cannot after `limitMs`. */
export async function becomeFree(ports: readonly number[], limitMs: number): Promise<boolean> {
  const giveUp = Date.now() + limitMs;
  for (;;) {
    const free = await Promise.all(ports.map(isFree));
    if (free.every(Boolean)) return true;
    if (Date.now() > giveUp) return false;
    await sleep(50);
  }
}

/** Does anything accept connections on `port`? Cheaper than a gRPC call while a server is coming up. */
export function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: LOOPBACK });
    const done = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(1_000, () => done(false));
    socket.once('connect', () => done(true));
    socket.once('error', () => done(false));
  });
}

/** Configured ports first, then those of the last time (a worker elsewhere may know them), then the usual ones. */
export async function choosePorts(options: EngineSettings & { readonly log: Log }, last: EnginePorts | undefined): Promise<EnginePorts> {
  const grpc = await choosePort(options, 'grpc', last?.grpc, []);
  const ui = await choosePort(options, 'ui', last?.ui, [grpc]);
  return { grpc, ui };
}

async function choosePort(options: EngineSettings & { readonly log: Log }, kind: keyof EnginePorts, last: number | undefined, taken: readonly number[]): Promise<number> {
  const usual = options.ports[kind];
  if (!options.portsExplicit[kind] && last !== undefined && !taken.includes(last) && (await isFree(last))) return last;
  const port = await freePortNear(usual, taken);
  if (port !== usual) {
    options.log(options.portsExplicit[kind] ? 'warn' : 'info', `port ${usual} is taken by another process: using ${port}`, { kind });
  }
  return port;
}
