/**
 * Two hundred turns in one session: what everything weighs before and after, whether the last turns are slower than the
 * first, what a turn leaves behind.
 */
import BetterSqlite from 'better-sqlite3';
import { Client, Connection } from '@temporalio/client';
import { join } from 'node:path';
import { DEFAULT_NAMESPACE, sessionWorkflowId } from '../src/core/names.js';
import { type Plan, type Row, median, missing } from './lib/figures.js';
import { type House, takeTurn } from './lib/house.js';
import { memory, pause } from './lib/process.js';
import { NO_FILES, NO_PIDS, type Target, openTarget } from './lib/target.js';

export const title = 'weight, and turn 200 against turn 10';

const TURNS = 200;
/** Events are counted between these: a history is cut before turn 200, and a sum over two of them would be a guess. */
const COUNTED = [20, 100] as const;
/** Long enough for the garbage of the last turn to be collected, as in a gateway nobody talks to. */
const SETTLE_MS = 5_000;
const IDLE_MS = 30_000;
const PEER_IDLE = '786 MB, 3 processes';
const PEER_LATER = '1,200 MB after 20 short turns';

export async function measure(plan: Plan): Promise<readonly Row[]> {
  const target = await openTarget(plan);
  try {
    const client = await target.client();
    const idle = await atRest(target, plan);
    const session = target.session('long');
    const turns = plan.rounds(TURNS) === TURNS ? TURNS : COUNTED[0] + 10;
    const bytesBefore = target.house && storeBytes(target.house);
    const took: number[] = [];
    const events: number[] = [];
    for (let turn = 1; turn <= turns; turn += 1) {
      const { sent, final } = await takeTurn(client, `hello ${turn}`, session);
      took.push(final - sent);
      if (target.house && (turn === COUNTED[0] || turn === Math.min(turns, COUNTED[1]))) events.push(await historyEvents(target.house, session));
    }
    const bytesAfter = target.house && storeBytes(target.house);
    const later = await atRest(target, plan);
    const first = took.slice(0, 10);
    const name = 'turns 1-10';
    return [
      ...weights(target, idle, later, turns),
      { what: name, unit: 'ms', samples: first, baseline: { name, value: median(first) } },
      { what: `turns ${turns - 10}-${turns}`, unit: 'ms', samples: took.slice(-11), baseline: { name, value: median(first) }, aim: '≤ 1.00 × turns 1-10' },
      ...left(events, Math.min(turns, COUNTED[1]) - COUNTED[0], turns, bytesBefore, bytesAfter),
    ];
  } finally {
    await target.remove();
  }
}

interface AtRest {
  readonly processes: number;
  readonly residentMb: number;
  readonly gatewayMb?: number;
  readonly engineMb?: number;
  readonly cpuPercent: number;
}

async function atRest({ weigh, house }: Target, plan: Plan): Promise<AtRest | undefined> {
  if (!weigh) return undefined;
  await pause(SETTLE_MS);
  const before = weigh();
  const begun = performance.now();
  await pause(plan.rounds(IDLE_MS) === IDLE_MS ? IDLE_MS : SETTLE_MS);
  const after = weigh();
  return {
    processes: after.processes,
    residentMb: after.residentMb,
    ...(house ? { gatewayMb: memory(house.pid()!), engineMb: memory(house.engine().pid) } : {}),
    cpuPercent: ((after.cpuMs - before.cpuMs) / (performance.now() - begun)) * 100,
  };
}

function weights(target: Target, idle: AtRest | undefined, later: AtRest | undefined, turns: number): readonly Row[] {
  if (!idle || !later) return [missing('all processes, idle after start: resident', 'MB', NO_PIDS), missing(`all processes, idle after ${turns} turns: resident`, 'MB', NO_PIDS), missing('all processes, idle: CPU', '% of a core', NO_PIDS)];
  const than = (value: number): Row['baseline'] => ({ name: 'before', value });
  const parts = (of: AtRest, before?: AtRest): readonly Row[] =>
    target.house === undefined ? [] : [
      { what: 'of it gateway', unit: 'MB', samples: [of.gatewayMb!], ...(before ? { baseline: than(before.gatewayMb!) } : {}) },
      { what: 'of it engine', unit: 'MB', samples: [of.engineMb!], ...(before ? { baseline: than(before.engineMb!) } : {}) },
    ];
  // Somebody else's gateway has run for a while.
  const since = target.house === undefined ? 'before' : 'after start';
  return [
    { what: `all ${idle.processes} processes, idle ${since}: resident`, unit: 'MB', samples: [idle.residentMb], ...(target.house === undefined ? {} : { aim: '< 420' }), peer: PEER_IDLE },
    ...parts(idle),
    { what: `all ${later.processes} processes, idle after ${turns} turns: resident`, unit: 'MB', samples: [later.residentMb], baseline: than(idle.residentMb), peer: PEER_LATER },
    ...parts(later, idle),
    { what: `all processes, idle ${since}: CPU`, unit: '% of a core', samples: [idle.cpuPercent] },
    { what: `all processes, idle after ${turns} turns: CPU`, unit: '% of a core', samples: [later.cpuPercent] },
  ];
}

interface Bytes {
  readonly store: number;
  readonly engine: number;
}

function left(events: readonly number[], counted: number, turns: number, before: Bytes | undefined, after: Bytes | undefined): readonly Row[] {
  if (!before || !after) return [missing('history events a turn', 'events', NO_FILES), missing('store a turn', 'bytes', NO_FILES)];
  return [
    { what: 'history events a turn', unit: 'events', samples: [(events[1]! - events[0]!) / counted] },
    { what: 'store a turn: openclaw.db', unit: 'bytes', samples: [(after.store - before.store) / turns], aim: '< 4,096' },
    { what: 'engine a turn: temporal.db, until its retention', unit: 'bytes', samples: [(after.engine - before.engine) / turns] },
  ];
}

const storeBytes = ({ stateDir }: House): Bytes => ({ store: usedBytes(join(stateDir, 'openclaw.db')), engine: usedBytes(join(stateDir, 'temporal', 'temporal.db')) });

/** Pages in use, those still in the write-ahead log too: a file's size tells neither. */
function usedBytes(file: string): number {
  const db = new BetterSqlite(file, { readonly: true });
  try {
    const of = (name: string): number => Number(db.pragma(name, { simple: true }));
    return (of('page_count') - of('freelist_count')) * of('page_size');
  } finally {
    db.close();
  }
}

async function historyEvents(house: House, session: string): Promise<number> {
  const connection = await Connection.connect({ address: `127.0.0.1:${house.engine().ports.grpc}` });
  try {
    return (await new Client({ connection, namespace: DEFAULT_NAMESPACE }).workflow.getHandle(sessionWorkflowId(session)).describe()).historyLength;
  } finally {
    await connection.close();
  }
}
