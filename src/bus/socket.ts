/**
 * `run.sock`: carries run events from workers to the gateway of the same state directory, as JSON lines.
 * Invariants: publishing never waits and never throws; a slow, absent or hostile other side costs bounded memory and
 * no correctness, because whoever waits watches the row. A reader never sees text with a hole: after a gap the worker
 * sends `reset` and the step's whole text so far.
 */
import { chmodSync, rmSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';

import { CodedError } from '../core/errors.js';
import type { RunEvent } from '../core/events.js';
import type { RunEvents } from '../core/ports.js';
import { createBus } from './bus.js';
import { createFence } from './fence.js';
import { EVENT_LINE_MAX, eventLine, parseEventLine } from './event-line.js';
import { checkSocketFolder, prepareSocketFolder, socketPath } from './socket-path.js';

export interface RunSocketServer {
  /** Where it really listens (see {@link socketPath}). */
  readonly path: string;
  close(): Promise<void>;
}

/** The gateway's side: every event a worker sends is published on `bus`. @throws CodedError SOCKET_BUSY */
export async function serveRunSocket(wanted: string, bus: Pick<RunEvents, 'publish'>): Promise<RunSocketServer> {
  const path = socketPath(wanted);
  prepareSocketFolder(path);
  if (await answers(path)) {
    throw new CodedError('SOCKET_BUSY', `Another gateway listens on ${path}.`, 'Stop it, or use another OPENCLAW_STATE_DIR.');
  }
  // Nobody answers: what is left there is a dead gateway's.
  rmSync(path, { force: true });

  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    readLines(socket, (line) => {
      const event = parseEventLine(line);
      if (event) bus.publish(event);
    });
  });
  await listening(server, path);
  chmodSync(path, 0o600);

  return {
    path,
    async close() {
      for (const socket of sockets) socket.destroy();
      // Also removes the file.
      await new Promise<void>((done) => server.close(() => done()));
    },
  };
}

export interface RunSocketOptions {
  /** Unsent bytes after which events are dropped; never less than the stream's own buffer. */
  readonly maxBuffered?: number;
  /** Milliseconds before the first and at most before later attempts to connect. */
  readonly retryMs?: { readonly first: number; readonly max: number };
}

export interface RunSocketClient extends RunEvents {
  connected(): boolean;
  close(): void;
}

/** A model streams some kilobytes a second; a gateway this far behind will not catch up delta by delta. */
const MAX_BUFFERED = 1024 * 1024;
const RETRY = { first: 50, max: 2_000 };
/** Turns one worker streams at once; far above what it runs. */
const MAX_OPEN = 1_000;

/**
 * A standalone worker's side. `subscribe` hears this process's own events, as with the in-process bus; `publish` also
 * sends them to the gateway while one is there.
 */
export function connectRunSocket(wanted: string, options: RunSocketOptions = {}): RunSocketClient {
  const path = socketPath(wanted);
  const maxBuffered = options.maxBuffered ?? MAX_BUFFERED;
  const retry = options.retryMs ?? RETRY;
  const local = createBus();
  const fence = createFence();
  /** Steps whose text is being streamed, by run, with what was said so far. */
  const open = new Map<string, { readonly base: RunEvent; text: string; stale: boolean }>();
  let socket: Socket | undefined;
  let up = false;
  let closed = false;
  let delay = retry.first;
  let timer: NodeJS.Timeout | undefined;
  dial();

  return {
    publish(event) {
      local.publish(event);
      // Before it is tracked: what a replaced attempt says would take the place of the step's text.
      if (closed || !fence.passes(event)) return;
      const stale = track(event);
      if (stale || !up || !socket) return;
      if (full(socket)) return markStale(event.run);
      socket.write(eventLine(event));
    },
    subscribe: local.subscribe,
    connected: () => up,
    close() {
      closed = true;
      up = false;
      clearTimeout(timer);
      socket?.end();
      socket?.unref();
      open.clear();
    },
  };

  /** Below its high-water mark a stream tells of no `drain`, and nothing would catch up. */
  function full(to: Socket): boolean {
    return to.writableLength > Math.max(maxBuffered, to.writableHighWaterMark);
  }

  /** Keeps the text of open steps. @returns the event is covered by a later catch-up */
  function track(event: RunEvent): boolean {
    switch (event.type) {
      case 'text': {
        const known = open.get(event.run);
        const same = known && known.base.step === event.step && known.base.attempt === event.attempt;
        const entry = same ? known : { base: event, text: '', stale: false };
        entry.text += event.delta;
        if (!same) open.set(event.run, entry);
        if (!up) entry.stale = true;
        if (open.size > MAX_OPEN) open.delete(open.keys().next().value!);
        return entry.stale;
      }
      case 'reset':
      case 'answer':
      case 'end':
        open.delete(event.run);
        return false;
      default:
        return false;
    }
  }

  function markStale(run: string): void {
    const entry = open.get(run);
    if (entry) entry.stale = true;
  }

  /** Sends the whole text of every step that has a gap. */
  function catchUp(): void {
    for (const entry of open.values()) {
      if (!entry.stale || !up || !socket || full(socket)) continue;
      const { session, run, runId, step, attempt } = entry.base;
      const base = { session, run, runId, step, attempt, at: Date.now() };
      socket.write(eventLine({ ...base, type: 'reset' }));
      socket.write(eventLine({ ...base, type: 'text', delta: entry.text }));
      entry.stale = false;
    }
  }

  function dial(): void {
    if (closed) return;
    try {
      checkSocketFolder(path);
    } catch {
      // Not there yet, or not ours: try again later rather than talk to a stranger.
      return again();
    }
    const next = connect(path);
    socket = next;
    // The worker's life does not hang on its events.
    next.unref();
    next.on('connect', () => {
      up = true;
      delay = retry.first;
      for (const entry of open.values()) entry.stale = true;
      catchUp();
    });
    next.on('drain', catchUp);
    next.on('error', () => next.destroy());
    // Nothing is expected; reading keeps `close` coming.
    next.resume();
    next.on('close', () => {
      up = false;
      socket = undefined;
      again();
    });
  }

  function again(): void {
    if (closed) return;
    timer = setTimeout(dial, delay);
    timer.unref();
    delay = Math.min(delay * 2, retry.max);
  }
}

function readLines(socket: Socket, onLine: (line: string) => void): void {
  let rest = '';
  socket.setEncoding('utf8');
  socket.on('data', (chunk: string) => {
    rest += chunk;
    let end = rest.indexOf('\n');
    if (end === -1 && rest.length > EVENT_LINE_MAX) {
      // No worker of ours writes such a line.
      socket.destroy();
      return;
    }
    let start = 0;
    for (; end !== -1; end = rest.indexOf('\n', start)) {
      onLine(rest.slice(start, end));
      start = end + 1;
    }
    rest = rest.slice(start);
  });
}

function answers(path: string): Promise<boolean> {
  return new Promise((done) => {
    const probe = connect(path);
    probe.on('connect', () => {
      probe.destroy();
      done(true);
    });
    probe.on('error', () => done(false));
  });
}

function listening(server: Server, path: string): Promise<void> {
  return new Promise((done, fail) => {
    server.once('error', fail);
    server.listen(path, () => {
      server.off('error', fail);
      server.on('error', () => undefined);
      done();
    });
  });
}
