/**
 * Commands as a person types them: wall time from spawn to exit and peak memory, against `node -e 0`.
 * Every round runs each command once, so that a busy moment of the machine touches all of them alike.
 */
import { type Installation, install } from '../test/servers/installation.js';
import { type Plan, type Row, median } from './lib/figures.js';
import { UNASKED } from './lib/house.js';
import { BIN, peakMemory, timed } from './lib/process.js';

export const title = 'commands, cold';
export const ownOnly = 'these are commands of this program';

interface Case {
  readonly what: string;
  readonly args: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  /** Wall time, memory. */
  readonly peer?: string;
}
const ROUNDS = 15;
const MEMORY_ROUNDS = 3;
const BARE = 'node -e 0';
const PEER_MEMORY = '220–460 MB a command';

export async function measure(plan: Plan): Promise<readonly Row[]> {
  const up = await install({ config: UNASKED });
  const down = await install({ config: UNASKED });
  try {
    await up.start();
    return await compare(cases(up, down), plan);
  } finally {
    await Promise.all([up.remove(), down.remove()]);
  }
}

const cases = (up: Installation, down: Installation): readonly Case[] => [
  { what: BARE, args: ['-e', '0'] },
  { what: '--version', args: [BIN, '--version'], peer: '70 ms' },
  { what: '--help', args: [BIN, '--help'], peer: '240 ms' },
  { what: 'status, gateway down', args: [BIN, 'status'], env: down.env, peer: '2,100 ms' },
  { what: 'status, gateway up', args: [BIN, 'status'], env: up.env, peer: '5,400 ms' },
  { what: 'health', args: [BIN, 'health'], env: up.env, peer: '1,750 ms' },
  { what: 'runs list', args: [BIN, 'runs', 'list'], env: up.env },
  { what: 'agent -m hello, offline model', args: [BIN, 'agent', '-m', 'hello'], env: up.env, peer: '2,100 ms, of which 600 ms the model' },
];

async function compare(list: readonly Case[], plan: Plan): Promise<readonly Row[]> {
  const wall = new Map(list.map(({ what }) => [what, [] as number[]]));
  const peak = new Map(list.map(({ what }) => [what, [] as number[]]));
  for (const { args, env } of list) await timed(process.execPath, args, env); // fills Node's compile cache
  for (let round = 0; round < plan.rounds(ROUNDS); round += 1) {
    for (const { what, args, env } of list) {
      const { ms, code, stderr } = await timed(process.execPath, args, env);
      if (code !== 0) throw new Error(`${what} ended with ${code}: ${stderr}`);
      wall.get(what)!.push(ms);
    }
  }
  for (let round = 0; round < plan.rounds(MEMORY_ROUNDS); round += 1) {
    for (const { what, args, env } of list) peak.get(what)!.push(await peakMemory(args, env));
  }
  const rows = (of: ReadonlyMap<string, number[]>, unit: 'ms' | 'MB'): readonly Row[] =>
    list.map(({ what, peer }) => {
      const told = what === BARE ? undefined : unit === 'ms' ? peer : PEER_MEMORY;
      return { what: unit === 'ms' ? what : `${what}: peak memory`, unit, samples: of.get(what)!, baseline: { name: 'bare node', value: median(of.get(BARE)!) }, ...(told === undefined ? {} : { peer: told }) };
    });
  return [...rows(wall, 'ms'), ...rows(peak, 'MB')];
}
