/**
 * `write`: makes a file, or adds to its end.
 *
 * Invariant: the file has the old content or the new, never a part; a retried call appends once.
 */
import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { stat } from 'node:fs/promises';
import Type from 'typebox';
import { CodedError } from '../../core/errors.js';
import { replaceFile, sha256 } from './atomic.js';
import { runClaimed, type FileEffect } from './claimed.js';
import { openInside, refused, resolveInside, shownPath, type Roots } from './files.js';
import { textResult, type Tool, type ToolEnv } from './types.js';

const parameters = Type.Object({
  path: Type.String(),
  content: Type.String(),
  append: Type.Optional(Type.Boolean()),
});

export function createWriteTool(env: ToolEnv): Tool {
  const where: Roots = { workspace: env.workspace, roots: env.config.fs.roots, stateDir: env.stateDir };
  return {
    name: 'write',
    description: 'Write a whole file (folders are made), or append.',
    parameters,
    policy: 'side-effecting',
    run: (args, context) => {
      const { path, content, append } = args as { path: string; content: string; append?: boolean };
      return runClaimed(context, path, () => (append ? prepareAppend(path, content, where) : prepareWrite(path, content, where)));
    },
  };
}

async function prepareWrite(path: string, content: string, where: Roots): Promise<FileEffect> {
  const real = await resolveInside(path, where);
  await refuseFolder(real, path);
  const after = sha256(content);
  const bytes = Buffer.byteLength(content);
  return {
    facts: { before: await hashOf(real, where), after },
    check: async (facts) => {
      const now = await hashOf(real, where);
      return now === facts['after'] ? 'after' : now === facts['before'] ? 'before' : 'neither';
    },
    apply: () => replaceFile(real, content, where),
    done: textResult(`Wrote ${bytes} bytes to ${shownPath(real, where)}.`, false, { path: shownPath(real, where), bytes, sha256: after }),
  };
}

async function prepareAppend(path: string, content: string, where: Roots): Promise<FileEffect> {
  const real = await resolveInside(path, where);
  await refuseFolder(real, path);
  const added = Buffer.from(content);
  const size = await sizeOf(real);
  return {
    facts: { size, added: sha256(added) },
    check: async (facts) => {
      const before = Number(facts['size']);
      const now = await sizeOf(real);
      if (now === before) return 'before';
      if (now < before + added.length) return 'neither'; // torn, or rewritten by somebody
      return sha256(await readRange(real, before, added.length, where)) === facts['added'] ? 'after' : 'neither';
    },
    apply: () => (size === 0 ? replaceFile(real, added, where) : appendBytes(real, added, where)),
    done: textResult(`Appended ${added.length} bytes to ${shownPath(real, where)}.`, false, { path: shownPath(real, where), bytes: added.length }),
  };
}

async function appendBytes(real: string, added: Buffer, where: Roots): Promise<void> {
  const file = await openInside(real, constants.O_WRONLY | constants.O_APPEND, where);
  try {
    await file.writeFile(added);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function readRange(real: string, from: number, length: number, where: Roots): Promise<Uint8Array> {
  const file = await openInside(real, constants.O_RDONLY, where);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, from);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

/** @returns null when there is no such file (JSON keeps it, unlike undefined) */
async function hashOf(real: string, where: Roots): Promise<string | null> {
  try {
    const file = await openInside(real, constants.O_RDONLY, where);
    try {
      const hash = createHash('sha256');
      for await (const chunk of file.createReadStream({ autoClose: false })) hash.update(chunk as Uint8Array);
      return hash.digest('hex');
    } finally {
      await file.close();
    }
  } catch (error) {
    if (error instanceof CodedError && error.code === 'NOT_FOUND') return null;
    throw error;
  }
}

const sizeOf = (real: string): Promise<number> => stat(real).then((found) => found.size, () => 0);

async function refuseFolder(real: string, path: string): Promise<void> {
  const found = await stat(real).catch(() => undefined);
  if (found && !found.isFile()) throw refused(path, found.isDirectory() ? 'it is a folder' : 'it is not a regular file');
}
