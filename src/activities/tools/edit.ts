/**
 * `edit`: replaces text in a file.
 *
 * Invariant: what is replaced was found exactly as given, and only once unless all are wanted; a retried call replaces once.
 */
import { constants } from 'node:fs';
import Type from 'typebox';
import { replaceFile, sha256 } from './atomic.js';
import { runClaimed, type FileEffect } from './claimed.js';
import { openInside, refused, resolveInside, shownPath, type Roots } from './files.js';
import { textResult, type Tool, type ToolEnv } from './types.js';

/** Larger files are not edited by quoting their text. */
const MAX_BYTES = 10 * 1024 * 1024;

const parameters = Type.Object({
  path: Type.String(),
  oldText: Type.String({ minLength: 1 }),
  newText: Type.String(),
  replaceAll: Type.Optional(Type.Boolean()),
});

interface EditArgs {
  readonly path: string;
  readonly oldText: string;
  readonly newText: string;
  readonly replaceAll?: boolean;
}

export function createEditTool(env: ToolEnv): Tool {
  const where: Roots = { workspace: env.workspace, roots: env.config.fs.roots, stateDir: env.stateDir };
  return {
    name: 'edit',
    description: 'Replace text in a file. oldText must match exactly and once (or replaceAll).',
    parameters,
    policy: 'side-effecting',
    run: (args, context) => {
      const edit = args as unknown as EditArgs;
      return runClaimed(context, edit.path, () => prepareEdit(edit, where));
    },
  };
}

async function prepareEdit(edit: EditArgs, where: Roots): Promise<FileEffect> {
  const real = await resolveInside(edit.path, where);
  const text = await readText(real, edit.path, where);
  const count = text.split(edit.oldText).length - 1;
  const problem = editProblem(edit, text, count);
  // A function, or `$&` in the new text would be replaced in turn.
  const changed = edit.replaceAll ? text.replaceAll(edit.oldText, () => edit.newText) : text.replace(edit.oldText, () => edit.newText);
  const path = shownPath(real, where);
  return {
    facts: problem ? { before: sha256(text) } : { before: sha256(text), after: sha256(changed), count },
    check: async (facts) => {
      const now = sha256(await readText(real, edit.path, where));
      return now === facts['after'] ? 'after' : now === facts['before'] ? 'before' : 'neither';
    },
    apply: () => replaceFile(real, changed, where),
    done: textResult(`Edited ${path}.`, false, { path }),
    ...(problem ? { refusal: { ...textResult(problem, true), outcome: 'error' as const } } : {}),
  };
}

async function readText(real: string, path: string, where: Roots): Promise<string> {
  const file = await openInside(real, constants.O_RDONLY, where);
  try {
    const { size } = await file.stat();
    if (size > MAX_BYTES) throw refused(path, `it has ${size} bytes; edit takes up to ${MAX_BYTES}`);
    const data = await file.readFile();
    const text = data.toString('utf8');
    // Writing it back would change bytes that nobody asked to change.
    if (!Buffer.from(text).equals(data)) throw refused(path, 'it is not UTF-8 text');
    return text;
  } finally {
    await file.close();
  }
}

function editProblem(edit: EditArgs, text: string, count: number): string | undefined {
  if (edit.oldText === edit.newText) return 'oldText and newText are the same; nothing to do.';
  if (count === 1 || (count > 1 && edit.replaceAll)) return undefined;
  if (count > 1) return `oldText occurs ${count} times in ${edit.path}; give more of the text around it, or set replaceAll.`;
  return `oldText was not found in ${edit.path}.${nearest(text, edit.oldText)}`;
}

/** The place that looks most like what was asked for: usually only blanks differ. */
function nearest(text: string, wanted: string): string {
  const lines = text.split('\n');
  const asked = wanted.split('\n').map((line) => line.trim()).filter((line) => line !== '');
  const first = asked[0];
  if (first === undefined) return '';
  let best = { score: 0, index: -1 };
  lines.forEach((line, index) => {
    const score = likeness(line.trim(), first);
    if (score > best.score) best = { score, index };
  });
  if (best.score < 0.4) return ' Read it again: nothing in it looks alike.';
  const from = Math.max(0, best.index - 1);
  const shown = lines.slice(from, best.index + Math.min(asked.length, 8) + 1).map((line, index) => `${from + index + 1}: ${line.slice(0, 200)}`);
  return ` The nearest lines are:\n${shown.join('\n')}`;
}

/** Shared words over all words; cheap enough for a file of ten megabytes. */
function likeness(a: string, b: string): number {
  if (a === b) return 1;
  const left = new Set(a.slice(0, 400).split(/\W+/).filter(Boolean));
  const right = new Set(b.slice(0, 400).split(/\W+/).filter(Boolean));
  if (left.size === 0 || right.size === 0) return 0;
  let shared = 0;
  for (const word of left) if (right.has(word)) shared += 1;
  return (2 * shared) / (left.size + right.size);
}
