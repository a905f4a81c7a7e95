/** A door and a sweeper over the real store; only the engine is a stand-in that a test can switch off. */
import { createBus } from '../../src/bus/bus.js';
import type { RunEvent } from '../../src/core/events.js';
import type { InboundMessage } from '../../src/core/message.js';
import type { Door, DoorAnswer, DoorRequest, Logger } from '../../src/core/ports.js';
import type { InboxItem } from '../../src/core/queue.js';
import type { DecidedSignal, SessionView, StopSignal } from '../../src/core/run.js';
import type { SessionCondition } from '../../src/sessions/condition.js';
import type { SessionAddress, SessionEngine } from '../../src/sessions/engine.js';
import { createDoor } from '../../src/sessions/intake.js';
import type { Db } from '../../src/storage/sqlite.js';
import { SESSION, makeStore, messageOf } from '../storage/store.js';

export interface FakeEngine extends SessionEngine {
  readonly delivered: { readonly to: SessionAddress; readonly item: InboxItem }[];
  readonly stops: { readonly session: string; readonly order: StopSignal }[];
  readonly answers: { readonly session: string; readonly answer: DecidedSignal }[];
  readonly asked: string[];
  readonly running: Set<string>;
  readonly conditions: Map<string, SessionCondition>;
  readonly views: Map<string, SessionView>;
  readonly terminated: { readonly session: string; readonly reason: string }[];
  /** While set, every call fails. */
  away: Error | undefined;
  /** Runs before a delivery counts: what the world looks like while it is under way. */
  onDeliver: (item: InboxItem) => void | Promise<void>;
}

export function fakeEngine(): FakeEngine {
  const fake: FakeEngine = {
    delivered: [], stops: [], answers: [], asked: [], running: new Set(), conditions: new Map(), views: new Map(), terminated: [], away: undefined, onDeliver: () => undefined,
    async deliver(to, item) {
      await fake.onDeliver(item);
      if (fake.away) throw fake.away;
      fake.delivered.push({ to, item });
    },
    async stop(to, order) {
      if (fake.away) throw fake.away;
      fake.stops.push({ session: to.session, order });
    },
    async decided(to, answer) {
      if (fake.away) throw fake.away;
      fake.answers.push({ session: to.session, answer });
    },
    async isRunning(session) {
      fake.asked.push(session);
      if (fake.away) throw fake.away;
      return fake.running.has(session);
    },
    view: async (session) => fake.views.get(session),
    async condition(session) {
      if (fake.away) throw fake.away;
      return fake.conditions.get(session) ?? { state: fake.running.has(session) ? 'running' : 'gone' };
    },
    async terminate(session, reason) {
      if (fake.away) throw fake.away;
      if (!fake.running.delete(session)) return false;
      fake.terminated.push({ session, reason });
      fake.conditions.delete(session);
      return true;
    },
    async *runningSessions() {
      yield* fake.running;
    },
  };
  return fake;
}

export interface LogLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly fields: object;
  readonly message: string;
}

export interface House {
  readonly db: Db;
  readonly engine: FakeEngine;
  readonly events: RunEvent[];
  readonly lines: LogLine[];
  readonly log: Logger;
  readonly door: Door;
  /** A second door on the same store, as a second adapter has one. */
  newDoor(): Door;
  send(runId: string | undefined, text: string, over?: Partial<DoorRequest>, message?: Partial<InboundMessage>): Promise<DoorAnswer>;
}

export async function makeHouse(): Promise<House> {
  const { db } = await makeStore();
  const engine = fakeEngine();
  const bus = createBus();
  const events: RunEvent[] = [];
  bus.subscribe((event) => void events.push(event));
  const lines: LogLine[] = [];
  const at = (level: LogLine['level']) => (fields: object, message: string): void => void lines.push({ level, fields, message });
  const log: Logger = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
  const newDoor = (): Door => createDoor({ db, engine, events: bus, log });
  const door = newDoor();
  return {
    db, engine, events, lines, log, door, newDoor,
    send: (runId, text, over = {}, message = {}) => door.accept(requestOf(runId, text, over, message)),
  };
}

export function requestOf(runId: string | undefined, text: string, over: Partial<DoorRequest> = {}, message: Partial<InboundMessage> = {}): DoorRequest {
  const session = over.session ?? SESSION;
  return {
    session, principal: 'owner', role: 'owner', ...(runId === undefined ? {} : { runId }), ...over,
    message: messageOf(text, { messageId: runId ?? 'm', conversation: { kind: 'direct', id: session }, ...message }),
  };
}
