/**
 * The HTTP side: token, method, body, faults, answer; and the download of files.
 *
 * Invariant: a dropped or held connection is a real one on a real socket, and `call.effect` says the truth about what
 * the client does not learn. Coming back up takes the same port.
 */
import { type IncomingMessage, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

import { type Body, readBody } from './body.js';
import type { CallLog, OpenCall } from './calls.js';
import type { Blow } from './faults.js';
import { fileAt } from './files.js';
import { methods } from './methods/index.js';
import { Refusal, badRequest } from './refusal.js';
import { canonicalMethod, parameterProblem } from './schema.js';
import { forbiddenMarkup } from './text.js';
import type { Updates } from './updates.js';
import type { World } from './world.js';

export interface HttpDeps {
  readonly world: World;
  readonly updates: Updates;
  readonly log: CallLog;
  readonly token: () => string;
  readonly strike: (call: OpenCall) => Blow | undefined;
}

export interface HttpSide {
  readonly port: () => number;
  up(): Promise<void>;
  down(): Promise<void>;
  /** Drops every open connection, the waiting poll included, and goes on listening. */
  drop(): void;
}

export function createHttpSide(deps: HttpDeps, wantedPort = 0): HttpSide {
  const sockets = new Set<Socket>();
  let server: ReturnType<typeof createServer> | undefined;
  let port = wantedPort;
  const drop = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    port: () => port,
    drop,
    async up() {
      if (server) return;
      const next = createServer((request, response) => void serve(deps, request, response).catch((error: unknown) => answer(response, 500, { ok: false, error_code: 500, description: `Internal Server Error: ${String(error)}` })));
      next.on('connection', (socket) => {
        sockets.add(socket);
        socket.once('close', () => sockets.delete(socket));
      });
      await new Promise<void>((done, failed) => next.once('error', failed).listen(port, '127.0.0.1', done));
      port = (next.address() as AddressInfo).port;
      server = next;
    },
    async down() {
      const old = server;
      server = undefined;
      if (!old) return;
      const closed = new Promise<void>((done) => old.close(() => done()));
      drop();
      await closed;
    },
  };
}

async function serve(deps: HttpDeps, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://localhost');
  const [, isFile, token = '', rest = ''] = /^\/(file\/)?bot([^/]+)\/(.*)$/.exec(decodeURI(url.pathname)) ?? [];
  if (token !== deps.token()) {
    request.resume();
    return refuse(response, token === '' ? new Refusal(404, 'Not Found') : new Refusal(401, 'Unauthorized'));
  }
  if (isFile !== undefined) return download(deps, rest, response);
  await serveMethod(deps, rest, url, request, response);
}

function download({ world }: HttpDeps, path: string, response: ServerResponse): void {
  const file = fileAt(world, path);
  if (file === undefined) return refuse(response, new Refusal(404, 'Not Found'));
  response.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': file.bytes.length }).end(file.bytes);
}

async function serveMethod(deps: HttpDeps, spelled: string, url: URL, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { log, world } = deps;
  const method = canonicalMethod(spelled) ?? spelled;
  let body: Body = { params: {}, files: new Map() };
  let broken: Refusal | undefined;
  try {
    body = await readBody(request, method, url.searchParams);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    broken = error;
  }
  const call = log.open(method, body.params, [...body.files].map(([part, { name, bytes }]) => ({ part, name, size: bytes.length })));
  const gone = new AbortController();
  response.once('close', () => {
    gone.abort();
    if (call.outcome === 'open') call.outcome = 'gone';
    world.changed();
  });
  const blow = deps.strike(call);
  world.changed();
  if (blow?.when === 'before' && (await struck(blow, call, request, response))) return world.changed();
  const outcome = await run(deps, call, body, broken, gone.signal);
  world.changed();
  if (blow?.when === 'after' && (await struck(blow, call, request, response))) return world.changed();
  if (call.outcome === 'gone') return;
  if (outcome instanceof Refusal) {
    settle(call, outcome);
    refuse(response, outcome);
  } else {
    call.outcome = 'ok';
    answer(response, 200, { ok: true, result: outcome });
  }
  world.changed();
}

async function run(deps: HttpDeps, call: OpenCall, body: Body, broken: Refusal | undefined, gone: AbortSignal): Promise<unknown> {
  const { world, updates, log } = deps;
  try {
    if (broken !== undefined) throw broken;
    if (canonicalMethod(call.method) === undefined) throw new Refusal(404, 'Not Found');
    const problem = !isWellFormed(body.params) ? 'strings must be encoded in UTF-8' : parameterProblem(call.method, body.params);
    if (problem !== undefined) {
      log.violation(call.method, problem);
      throw badRequest(problem);
    }
    const markup = forbiddenMarkup(body.params);
    if (markup !== undefined) log.violation(call.method, markup);
    const method = methods[call.method];
    if (method === undefined) {
      log.violation(call.method, 'the stand-in does not play this method');
      throw new Refusal(404, 'Not Found');
    }
    const result = await method({ world, updates, params: body.params, files: body.files, gone });
    call.effect = true;
    call.result = result;
    return result;
  } catch (error) {
    if (error instanceof Refusal) return error;
    throw error;
  }
}

/** Half a surrogate pair cannot be written in UTF-8: what a message cut in the wrong place looks like. */
const isWellFormed = (value: unknown): boolean => (typeof value === 'string' ? value.isWellFormed() : typeof value !== 'object' || value === null || Object.values(value).every(isWellFormed));

/** Whether the fault took the answer's place. */
async function struck(blow: Blow, call: OpenCall, request: IncomingMessage, response: ServerResponse): Promise<boolean> {
  switch (blow.how) {
    case 'cut':
      call.outcome = 'cut';
      request.socket.destroy();
      return true;
    case 'refuse':
      settle(call, blow.refusal);
      refuse(response, blow.refusal);
      return true;
    case 'hold':
      await Promise.race([blow.until, new Promise((done) => response.once('close', done))]);
      // Hung up meanwhile: nothing was done for a call held before its effect.
      return response.destroyed;
  }
}

function settle(call: OpenCall, refusal: Refusal): void {
  call.outcome = 'refused';
  call.status = refusal.code;
  call.description = refusal.description;
}

const refuse = (response: ServerResponse, { code, description, parameters }: Refusal): void => answer(response, code, { ok: false, error_code: code, description, ...(parameters === undefined ? {} : { parameters }) });

function answer(response: ServerResponse, status: number, body: unknown): void {
  if (response.destroyed) return;
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
