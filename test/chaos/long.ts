/**
 * The long version: storm after storm on one installation until the time is up, with every kind of blow.
 * Invariant: green means that every message that was acknowledged has exactly one answer and every call one effect; anything
 * else ends with code 1 and says how to see it again.
 */
import { parseArgs } from 'node:util';
import { BLOWS, type Blow } from './lib/blows.js';
import { dice } from './lib/dice.js';
import { openScene } from './lib/scene.js';
import { storm } from './lib/storm.js';
import type { Finding } from './lib/whole.js';

/** Of ten blows; a frozen process takes as long as three killed ones. */
const SHARES: readonly Blow[] = ['gateway', 'gateway', 'gateway', 'gateway', 'gateway', 'engine', 'engine', 'both', 'both', 'pause'];
const BLOWS_A_STORM = 10;
const SESSIONS = 6;
const PAUSE_MS = 2_500;

const { values } = parseArgs({ options: { seed: { type: 'string', default: String(Date.now() % 1_000_000) }, minutes: { type: 'string', default: '5' } } });
const seed = Number(values.seed);
const minutes = Number(values.minutes);
if (!Number.isInteger(seed) || !(minutes > 0)) {
  process.stderr.write('Usage: npm run chaos -- --seed <whole number> --minutes <number>\n');
  process.exit(2);
}

const say = (line: string): void => void process.stdout.write(`${line}\n`);
const random = dice(seed);
const kills = new Map<Blow, number>(BLOWS.map((blow) => [blow, 0]));
const findings: Finding[] = [];
let messages = 0;
let broken: unknown;

say(`chaos: seed ${seed}, ${minutes} minutes, ${SESSIONS} sessions at once`);
const scene = await openScene();
for (const [signal, code] of [['SIGINT', 130], ['SIGTERM', 143]] as const) process.once(signal, () => void scene.close().finally(() => process.exit(code)));
const end = Date.now() + minutes * 60_000;
try {
  // The first storm that loses or repeats something is the last: what follows it proves nothing.
  for (let nth = 1; Date.now() < end && findings.length === 0; nth += 1) {
    const blows = Array.from({ length: BLOWS_A_STORM }, () => random.pick(SHARES));
    const account = await storm(scene, { name: `${seed}-${nth}`, random: dice(random.below(2 ** 31)), sessions: SESSIONS, blows, pauseMs: PAUSE_MS });
    for (const blow of blows) kills.set(blow, kills.get(blow)! + 1);
    messages += account.messages;
    findings.push(...account.findings);
    for (const words of account.gaveUp) say(`  a start gave up and was repeated: ${words}`);
    // Only the storm that is under way is asked about again.
    scene.model.forget();
    say(`storm ${nth}: ${blows.join(' ')} · ${account.messages} messages · ${account.findings.length === 0 ? 'whole' : `${account.findings.length} findings`}`);
  }
} catch (error) {
  broken = error;
}

const count = (kind: Finding['kind']): number => findings.filter((finding) => finding.kind === kind).length;
const { pause = 0, ...killed } = Object.fromEntries(kills);
say(`kills ${Object.values(killed).reduce((sum, n) => sum + n, 0)} (${Object.entries(killed).map(([blow, n]) => `${blow} ${n}`).join(', ')}), frozen and thawed ${pause}`);
say(`messages ${messages}`);
say(`lost ${count('lost')}`);
say(`repeated ${count('repeated')}`);
if (count('wrong') > 0) say(`otherwise wrong ${count('wrong')}`);
const failed = findings.length > 0 || broken !== undefined;
if (failed) {
  for (const { kind, run, what } of findings.slice(0, 50)) say(`  ${kind}: ${run}: ${what}`);
  if (broken !== undefined) say(`  it broke off: ${broken instanceof Error ? (broken.stack ?? broken.message) : String(broken)}`);
  say(`Again: npm run chaos -- --seed ${seed} --minutes ${minutes} (the same blows after the same pauses; how far the work has got by then differs)`);
  say(`Left for a look: ${scene.house.stateDir}`);
}
await scene.close({ keepFiles: failed });
process.exit(failed ? 1 : 0);
