/**
 * What a config reload may change, behind functions: models, tools, turn settings, the prompt.
 * Invariant: a reload replaces all of it or nothing; running steps keep what they began with.
 */
import { realpathSync } from 'node:fs';
import { homedir } from 'node:os';
import type { ActivityDeps, TurnSettings } from '../activities/deps.js';
import { createSpeech, type Speech } from '../activities/media/speech.js';
import { type ModelRegistry, type OllamaProbe, createModelRegistry, ollamaAddress, probeOllama } from '../activities/models/index.js';
import { createToolOutbound } from '../activities/outbound.js';
import { DEFAULT_ALLOW } from '../activities/tools/exec/policy.js';
import { createToolRegistry } from '../activities/tools/registry.js';
import type { ToolConfig, ToolRegistry } from '../activities/tools/types.js';
import { systemPrompt } from '../activities/workspace/prompt.js';
import { ensureWorkspace } from '../activities/workspace/workspace.js';
import { hostTimezone, isTimezone } from '../core/calendar.js';
import { CodedError, messageOf } from '../core/errors.js';
import type { Logger, MediaStore } from '../core/ports.js';
import type { Config } from '../core/schema/config.js';
import { type LoadedConfig, type PathOptions, expandHome, loadConfig, workspaceOf } from '../storage/config/index.js';
import type { Budgets } from '../storage/ledger.js';
import type { Db } from '../storage/sqlite.js';
import { sendingAccounts } from './sending-accounts.js';
import type { StateDir } from './state-dir.js';

export interface Live extends Required<Pick<ActivityDeps, 'models' | 'speech' | 'tools' | 'settings' | 'budgets' | 'systemPrompt'>> {
  /** What the process runs with. */
  loaded(): LoadedConfig;
  workspace(): string;
  /** Reads the file again. @returns whether it had changed. @throws CodedError CONFIG_… and keeps what was */
  reload(): Promise<boolean>;
}

interface Current {
  readonly loaded: LoadedConfig;
  readonly workspace: string;
  readonly models: ModelRegistry;
  readonly speech: Speech;
  readonly tools: ToolRegistry;
}

/** A local Ollama answers at once or is not there. */
const OLLAMA_PROBE_MS = 400;

export async function createLive(options: { readonly paths: StateDir; readonly pathOptions: PathOptions; readonly media: MediaStore; readonly log: Logger; readonly db: Db; readonly first: LoadedConfig }): Promise<Live> {
  const { env } = options.pathOptions;
  let current = await build(options.first);
  let reloading: Promise<unknown> = Promise.resolve();

  async function build(loaded: LoadedConfig): Promise<Current> {
    const { config } = loaded;
    const wanted = workspaceOf(options.paths, config.agents.defaults.workspace, env);
    const workspace = await usableWorkspace(wanted);
    const ollama: OllamaProbe | undefined = await probeOllama(ollamaAddress(env), OLLAMA_PROBE_MS);
    return {
      loaded,
      workspace,
      models: createModelRegistry({ config, env, log: options.log, ollama }),
      speech: createSpeech({ config, env }),
      tools: createToolRegistry({ workspace, stateDir: options.paths.stateDir, jobsDir: options.paths.jobs, media: options.media, log: options.log, config: toolConfig(config, env['HOME'] || homedir()), env, outbound: createToolOutbound({ db: options.db, accounts: () => sendingAccounts(config, env) }) }),
    };
  }

  return {
    loaded: () => current.loaded,
    workspace: () => current.workspace,
    models: () => current.models,
    speech: () => current.speech,
    tools: () => current.tools,
    settings: () => turnSettings(current.loaded.config),
    budgets: () => budgetsOf(current.loaded.config),
    systemPrompt: () =>
      systemPrompt({
        workspace: current.workspace,
        platform: process.platform,
        timezone: timezoneOf(current.loaded.config),
        now: new Date(),
      }),
    reload() {
      // One after another, or the slower build of an older file could win.
      const next = reloading.then(reload, reload);
      reloading = next;
      return next;
    },
  };

  async function reload(): Promise<boolean> {
    const loaded = loadConfig(options.pathOptions);
    if (loaded.hash === current.loaded.hash) return false;
    current = await build(loaded);
    return true;
  }
}

async function usableWorkspace(wanted: string): Promise<string> {
  try {
    await ensureWorkspace(wanted);
    return realpathSync(wanted);
  } catch (error) {
    throw new CodedError('WORKSPACE_UNUSABLE', `The workspace ${wanted} cannot be used: ${messageOf(error)}`, 'Set agents.defaults.workspace or OPENCLAW_WORKSPACE_DIR to a folder you own.');
  }
}

const turnSettings = ({ agents, session }: Config): TurnSettings => ({
  maxSteps: agents.defaults.maxSteps,
  ...(agents.defaults.runTimeoutSeconds > 0 ? { runTimeoutMs: agents.defaults.runTimeoutSeconds * 1_000 } : {}),
  idleMs: Math.max(1_000, session.idleMinutesToComplete * 60_000),
  thinking: agents.defaults.thinkingDefault,
  reset: (kind) => ({ ...session.reset, ...(kind === 'direct' ? session.resetByType.direct : kind === 'thread' ? session.resetByType.thread : session.resetByType.group) }),
});

/** A zone nobody knows must not stop every call: the host's is used, and doctor says so. */
function timezoneOf({ agents }: Config): string {
  const wanted = agents.defaults.userTimezone;
  return wanted !== undefined && isTimezone(wanted) ? wanted : hostTimezone();
}

const budgetsOf = (config: Config): Budgets => ({
  timezone: timezoneOf(config),
  limits: Object.fromEntries(Object.entries(config.budgets).filter(([, { tokens, usd }]) => tokens !== undefined || usd !== undefined)),
});

function toolConfig({ tools }: Config, home: string): ToolConfig {
  const { search, fetch } = tools.web;
  const service =
    !search.enabled ? undefined
    : search.provider !== 'brave' && search.baseUrl !== undefined ? { provider: 'searxng' as const, baseUrl: search.baseUrl }
    : search.apiKey !== undefined ? { provider: 'brave' as const, apiKey: search.apiKey, ...(search.baseUrl === undefined ? {} : { baseUrl: search.baseUrl }) }
    : undefined;
  return {
    exec: { ...tools.exec, allow: [...DEFAULT_ALLOW, ...tools.exec.allow] },
    fs: { roots: tools.fs.roots.map((root) => expandHome(root, home)) },
    web: { ...(service ? { search: service } : {}), fetch: fetch.enabled && { maxBytes: fetch.maxBytes, timeoutSeconds: fetch.timeoutSeconds } },
  };
}
