/** Runs the named benches, or all, one after the other, each with the machine to itself. Started by `run.mjs`. */
import { cpus, loadavg, platform } from 'node:os';
import * as cli from './cli.js';
import * as crowd from './crowd.js';
import * as install from './install.js';
import { type Bench, type Plan, markdown } from './lib/figures.js';
import { type Asked, parseFlags } from './lib/flags.js';
import * as long from './long.js';
import * as prompt from './prompt.js';
import * as recovery from './recovery.js';
import * as start from './start.js';
import * as stop from './stop.js';
import * as turn from './turn.js';

const benches: Readonly<Record<string, Bench>> = { cli, start, turn, crowd, long, stop, recovery, prompt, install };

/** A developer's keys and installations stay out: they would decide which model answers and what is started. */
const OWN = /^(ANTHROPIC|OPENAI|GEMINI|GOOGLE|DEEPSEEK|OPENROUTER|OLLAMA|BRAVE|SEARXNG|TEMPORAL)_|^OPENCLAW_(MODEL|STATE_DIR|CONFIG_PATH|PROFILE|GATEWAY_\w+|WORKSPACE_DIR)$/;
for (const name of Object.keys(process.env)) if (OWN.test(name)) delete process.env[name];

function readFlags(): Asked {
  try {
    return parseFlags(process.argv.slice(2), Object.keys(benches));
  } catch (error) {
    return giveUp(error);
  }
}

/** A refused token, a wrong address, a turn that did not end well: the reason, without the bench's own stack. */
function giveUp(error: unknown): never {
  const { message, hint } = error as { readonly message?: string; readonly hint?: string };
  process.stderr.write(`${message ?? String(error)}${hint === undefined ? '' : ` → ${hint}`}\n`);
  process.exit(1);
}

const { benches: asked, quick, remote } = readFlags();
const say = (line: string): void => void process.stderr.write(`• ${line}\n`);
/** Over the last minute: a figure from a busy machine must show that it is one. */
const load = (): string => loadavg()[0]!.toFixed(1);
const plan: Plan = { rounds: (many) => (quick ? Math.min(2, many) : many), say, ...(remote ? { remote } : {}) };

process.stdout.write(`${new Date().toISOString().slice(0, 10)}, ${platform()}, ${cpus().length} cores, node ${process.versions.node}, load ${load()}${remote ? `, ${remote.url}` : ''}${quick ? ', few samples' : ''}\n`);
for (const name of asked) {
  const bench = benches[name]!;
  if (remote && bench.ownOnly !== undefined) {
    process.stdout.write(`\n### ${name}: ${bench.title}\n\n- (${bench.ownOnly})\n`);
    continue;
  }
  say(`measuring ${name}: ${bench.title}`);
  const before = load();
  const rows = await bench.measure(plan).catch(giveUp);
  process.stdout.write(`\n### ${name}: ${bench.title}\n\nLoad ${before} before, ${load()} after.\n\n${markdown(rows)}`);
}
// A client of a gateway that was killed may still hold a timer.
process.exit(0);
