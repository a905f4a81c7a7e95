/**
 * `ls`: the names in a folder.
 *
 * Invariant: sorted, so that the same folder reads the same; a symlink is shown as one and not followed.
 */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import Type from 'typebox';
import { refused, resolveInside } from './files.js';
import { problemResult } from './problems.js';
import { textResult, type Tool, type ToolEnv, type ToolResult } from './types.js';

/** A folder with more is searched by a command, not read. */
const MAX_ENTRIES = 500;

const parameters = Type.Object({ path: Type.Optional(Type.String()) });

export function createLsTool(env: ToolEnv): Tool {
  return {
    name: 'ls',
    description: 'List a folder.',
    parameters,
    policy: 'read-only',
    run: async (args) => {
      try {
        return await list(env, (args as { path?: string }).path ?? '.');
      } catch (error) {
        return problemResult(error);
      }
    },
  };
}

async function list(env: ToolEnv, path: string): Promise<ToolResult> {
  const real = await resolveInside(path, { workspace: env.workspace, roots: env.config.fs.roots, stateDir: env.stateDir });
  const found = await stat(real).catch(() => undefined);
  if (!found) throw refused(path, 'it does not exist');
  if (!found.isDirectory()) throw refused(path, 'it is a file; use read');
  const entries = (await readdir(real, { withFileTypes: true })).sort((a, b) => (a.name < b.name ? -1 : 1));
  const lines = await Promise.all(entries.slice(0, MAX_ENTRIES).map(async (entry) => {
    if (entry.isDirectory()) return `${entry.name}/`;
    if (entry.isSymbolicLink()) return `${entry.name}@`;
    const size = await stat(join(real, entry.name)).then((one) => one.size, () => 0);
    return `${entry.name}  ${size}`;
  }));
  if (entries.length > MAX_ENTRIES) lines.push(`[${entries.length - MAX_ENTRIES} more]`);
  return textResult(lines.length === 0 ? '(empty)' : lines.join('\n'), false, { entries: entries.length });
}
