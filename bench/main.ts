/** Runs the named benches, or all, one after the other, each with the machine to itself. Started by `run.mjs`. */
import { cpus, platform } from 'node:os';
import * as cli from './cli.js';
import { type Bench, markdown } from './lib/figures.js';
import * as prompt from './prompt.js';
import * as recovery from './recovery.js';
import * as start from './start.js';
import * as turn from './turn.js';

const benches: Readonly<Record<string, Bench>> = { cli, start, turn, recovery, prompt };

/** A developer's keys and installations stay out: they would decide which model answers and what is started. */
const OWN = /^(ANTHROPIC|OPENAI|GEMINI|GOOGLE|DEEPSEEK|OPENROUTER|OLLAMA|BRAVE|SEARXNG|TEMPORAL)_|^OPENCLAW_(MODEL|STATE_DIR|CONFIG_PATH|PROFILE|GATEWAY_\w+|WORKSPACE_DIR)$/;
for (const name of Object.keys(process.env)) if (OWN.test(name)) delete process.env[name];

const words = process.argv.slice(2);
const quick = words.includes('--quick');
const asked = words.filter((word) => !word.startsWith('-'));
const unknown = asked.find((name) => benches[name] === undefined);
if (unknown !== undefined) {
  process.stderr.write(`there is no bench "${unknown}" → one of: ${Object.keys(benches).join(', ')}\n`);
  process.exit(1);
}

const say = (line: string): void => void process.stderr.write(`• ${line}\n`);
process.stdout.write(`${new Date().toISOString().slice(0, 10)}, ${platform()}, ${cpus().length} cores, node ${process.versions.node}${quick ? ', few samples' : ''}\n`);
for (const name of asked.length > 0 ? asked : Object.keys(benches)) {
  const bench = benches[name]!;
  say(`measuring ${name}: ${bench.title}`);
  const rows = await bench.measure({ rounds: (many) => (quick ? Math.min(2, many) : many), say });
  process.stdout.write(`\n### ${name}: ${bench.title}\n\n${markdown(rows)}`);
}
// A client of a gateway that was killed may still hold a timer.
process.exit(0);
