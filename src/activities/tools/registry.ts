/**
 * The tools of this host.
 *
 * Invariant: always in the same order, so that the prompt's prefix stays byte-identical; all schemas together stay
 * small (a test weighs them). A tool that is switched off is not listed, but can still be found: a call that was begun
 * before it was switched off is finished.
 */
import { createEditTool } from './edit.js';
import { createExecTool } from './exec/exec.js';
import { createLsTool } from './ls.js';
import { createMessageTool } from './message.js';
import { createProcessTool } from './process.js';
import { createReadTool } from './read.js';
import type { Tool, ToolEnv, ToolRegistry } from './types.js';
import type { FetchHooks } from './web/address.js';
import { createWebFetchTool } from './web-fetch.js';
import { createWebSearchTool } from './web-search.js';
import { createWriteTool } from './write.js';

export interface RegistryOptions {
  /** For tests only. */
  readonly fetchHooks?: FetchHooks;
}

export function createToolRegistry(env: ToolEnv, options: RegistryOptions = {}): ToolRegistry {
  const all = [
    createExecTool(env),
    createProcessTool(env),
    createReadTool(env),
    createWriteTool(env),
    createEditTool(env),
    createLsTool(env),
    createWebFetchTool(env, options.fetchHooks),
    createWebSearchTool(env),
    createMessageTool(env),
  ].filter((tool): tool is Tool => tool !== undefined);
  const byName = new Map(all.map((tool) => [tool.name, tool]));
  const off = env.config.exec.mode === 'deny' ? ['exec', 'process'] : [];
  return {
    tools: all.filter((tool) => !off.includes(tool.name)),
    get: (name) => byName.get(name),
  };
}
