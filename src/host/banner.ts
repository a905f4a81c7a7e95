/** What `openclaw gateway` prints once it is ready: where everything is and which model answers. */
import type { ModelRegistry } from '../activities/models/index.js';
import type { Temporal } from './temporal.js';
import { VERSION } from './version.js';

const COMMANDS: Readonly<Record<string, string>> = {
  deny: 'deny (none run)',
  allowlist: 'allowlist (simple ones of the list; others are refused)',
  ask: 'ask (simple ones run at once, you are asked about any other)',
  full: 'full (any command runs, as you)',
};

export interface BannerFacts {
  readonly url: string;
  readonly stateDir: string;
  readonly workspace: string;
  readonly models: ModelRegistry;
  readonly temporal: Temporal;
  readonly startedAt: number;
  readonly execMode: string;
}

export function banner(facts: BannerFacts): string {
  const [primary = '', ...fallbacks] = facts.models.chain;
  const offline = primary.startsWith('offline/');
  const engine = facts.temporal.engine ? `embedded${facts.temporal.engine.adopted ? ', already running' : ''}` : 'external';
  const lines: [string, string][] = [
    ['gateway', facts.url],
    ['model', offline ? `${primary} (no language model: set ANTHROPIC_API_KEY or another provider’s key)` : [primary, ...fallbacks].join(', then ')],
    ['commands', COMMANDS[facts.execMode] ?? facts.execMode],
    ['workspace', facts.workspace],
    ['state', facts.stateDir],
    ['Temporal', `${facts.temporal.address} (${engine})`],
    ...(facts.temporal.uiUrl === undefined ? [] : ([['Web UI', facts.temporal.uiUrl]] as [string, string][])),
  ];
  const width = Math.max(...lines.map(([name]) => name.length));
  return [
    `OpenClaw on Temporal ${VERSION}, ready in ${((Date.now() - facts.startedAt) / 1_000).toFixed(1)} s`,
    ...lines.map(([name, value]) => `  ${name.padEnd(width)}  ${value}`),
    'Ask something:  openclaw agent -m "hello"      Stop: Ctrl-C',
    '',
  ].join('\n');
}
