/**
 * Which commands may run.
 *
 * Invariant: in `allowlist` mode, and unasked in `ask` mode, nothing runs that this did not understand completely: one listed program, plain words,
 * known options, every path inside the workspace or the configured roots after its symlinks, and no folder walked that
 * holds the state directory. Whoever runs the command executes the words given out here, without a shell.
 */
import { realpathSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { holdsState, realPathProblem, type Roots } from '../files.js';
import { readArguments } from './arguments.js';
import { parseSimple } from './words.js';

type ExecMode = 'deny' | 'allowlist' | 'ask' | 'full';

export const DEFAULT_ALLOW: readonly string[] = ['echo', 'pwd', 'ls', 'cat', 'head', 'tail', 'wc', 'date', 'grep', 'sleep'];

/** Linux takes no single argument over 128 KiB; a shell gets the command as one. */
const COMMAND_BYTES = 100_000;

export interface ExecPlace extends Roots {
  /** Where the command would run; the workspace if absent. */
  readonly cwd?: string;
}

export type ExecDecision = { readonly words: readonly string[] } | { readonly shell: string } | { readonly problem: string } | { readonly ask: string; readonly why: string };

/** The decision together with what to execute. Reads symlinks, changes nothing. */
export function decideExec(command: string, mode: ExecMode, allow: readonly string[], place: ExecPlace): ExecDecision {
  if (mode === 'deny') return { problem: 'Commands are switched off here (tools.exec.mode is "deny"). Do without, or tell the user.' };
  if (command.trim() === '') return { problem: 'The command is empty.' };
  if (command.includes('\0')) return { problem: 'The command holds a null byte.' };
  if (Buffer.byteLength(command) > COMMAND_BYTES) return { problem: `The command is longer than ${COMMAND_BYTES} bytes; write a script file and run that.` };
  if (mode === 'full') return { shell: command };

  const listed = listedCommand(command, allow, place);
  if ('words' in listed) return listed;
  return mode === 'ask' ? { ask: command, why: listed.why } : refuse(listed.why, allow);
}

/** One listed program with words and paths that are understood completely, or why it is not. */
function listedCommand(command: string, allow: readonly string[], place: ExecPlace): { readonly words: readonly string[] } | { readonly why: string } {
  const parsed = parseSimple(command);
  if ('problem' in parsed) return { why: `it has ${parsed.problem}` };
  const [program = '', ...args] = parsed.words;
  if (!allow.includes(program)) return { why: `${JSON.stringify(program.slice(0, 60))} is not on the list` };
  const read = readArguments(program, args);
  if ('problem' in read) return { why: read.problem };
  for (const path of read.paths) {
    const problem = pathProblem(path, place);
    if (problem) return { why: `the path ${JSON.stringify(path.slice(0, 100))} is not allowed: ${problem}` };
  }
  const walked = read.walks.find((path) => holdsState(realIn(path, place), place));
  if (walked !== undefined) {
    return { why: `it could read everything in ${JSON.stringify(walked.slice(0, 100))}, where the state directory of this program is too; name a folder without it` };
  }
  return { words: parsed.words };
}

function pathProblem(path: string, place: ExecPlace): string | undefined {
  if (path.startsWith('~')) return '`~` leads out of the workspace';
  // The kernel takes `link/..` as the parent of the link's target; only the text would say otherwise.
  if (path.split('/').includes('..')) return '`..` is not allowed; name the path from the workspace';
  return realPathProblem(realIn(path, place), place);
}

const realIn = (path: string, place: ExecPlace): string => realOfNearest(resolve(place.cwd ?? place.workspace, path));

function realOfNearest(path: string): string {
  const rest: string[] = [];
  for (let at = path; ; at = dirname(at)) {
    try {
      return join(realpathSync(at), ...rest);
    } catch {
      if (dirname(at) === at) return path;
      rest.unshift(basename(at));
    }
  }
}

const refuse = (why: string, allow: readonly string[]): ExecDecision => ({
  problem:
    `Refused: ${why}. Allowed is one simple command of: ${allow.join(' ')}; with plain or quoted words, without pipes, redirection, ` +
    'chaining, expansion, globs or paths outside the workspace. (tools.exec.mode is "allowlist"; the owner can change it.)',
});
