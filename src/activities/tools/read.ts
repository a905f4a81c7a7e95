/**
 * `read`: lines of a text file, an image as an image, the whole output of a command.
 *
 * Invariant: what comes back says exactly which part of the file it is and how to read on; bytes that are no text are
 * never shown as if they were.
 */
import { constants } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { join } from 'node:path';
import { fileTypeFromBuffer } from 'file-type';
import Type from 'typebox';
import { CodedError } from '../../core/errors.js';
import { LIMITS } from '../../core/names.js';
import { FILES, jobFolder, readJson, type JobOwner } from './exec/job-files.js';
import { openInside, refused, resolveInside, type Roots } from './files.js';
import { problemResult } from './problems.js';
import { TEXT_CAP } from './truncate.js';
import { textResult, type Tool, type ToolContext, type ToolEnv, type ToolResult } from './types.js';

const DEFAULT_LINES = 1_000;
/** Minified files have lines of megabytes. */
const LINE_CHARS = 2_000;
/** The formats every provider takes. */
const IMAGES = new Set(['image/png', 'image/jpeg', 'image/gif', 'image/webp']);
const SNIFF_BYTES = 8_192;

const parameters = Type.Object({
  path: Type.String(),
  offset: Type.Optional(Type.Integer({ minimum: 1 })),
  limit: Type.Optional(Type.Integer({ minimum: 1 })),
});

interface ReadArgs {
  readonly path: string;
  readonly offset?: number;
  readonly limit?: number;
}

export function createReadTool(env: ToolEnv): Tool {
  return {
    name: 'read',
    description: 'Read a text file (limit lines from line offset) or an image.',
    parameters,
    policy: 'read-only',
    run: async (args, context) => {
      try {
        return await readFileTool(env, args as unknown as ReadArgs, context);
      } catch (error) {
        return problemResult(error);
      }
    },
  };
}

async function readFileTool(env: ToolEnv, args: ReadArgs, context: ToolContext): Promise<ToolResult> {
  const file = await openFor(env, args.path, context.session);
  try {
    const { size } = await file.stat();
    const { buffer, bytesRead } = await file.read(Buffer.alloc(Math.min(SNIFF_BYTES, size)), 0, Math.min(SNIFF_BYTES, size), 0);
    const start = buffer.subarray(0, bytesRead);
    const type = await fileTypeFromBuffer(start);
    if (type && IMAGES.has(type.mime)) return await image(env, file, args.path, type.mime, size);
    // XML formats have a type and are text.
    const binary = start.includes(0) || (type !== undefined && !/xml|svg|rtf|x-ms-regedit|vcard|calendar/.test(type.mime));
    if (binary) throw refused(args.path, `it is binary (${type?.mime ?? 'unknown type'}, ${size} bytes), not text`);
    return await lines(file, args, size);
  } finally {
    await file.close();
  }
}

/** `job:<name>` is the whole output of a command of this session: results that are cut name it. */
async function openFor(env: ToolEnv, path: string, session: string): Promise<FileHandle> {
  const where: Roots = { workspace: env.workspace, roots: env.config.fs.roots, stateDir: env.stateDir };
  if (!path.startsWith('job:')) return openInside(await resolveInside(path, where), constants.O_RDONLY, where);
  const folder = jobFolder(env.jobsDir, path.slice('job:'.length));
  if (readJson<JobOwner>(join(folder, FILES.owner))?.session !== session) throw new CodedError('NOT_FOUND', `This session has no ${path.slice(0, 100)}.`);
  const output = await resolveInside(join(folder, FILES.output), { workspace: folder, roots: [], stateDir: folder });
  return openInside(output, constants.O_RDONLY, { workspace: folder, roots: [], stateDir: folder });
}

async function image(env: ToolEnv, file: FileHandle, path: string, mime: string, size: number): Promise<ToolResult> {
  if (size > LIMITS.mediaBytes) throw refused(path, `the image has ${size} bytes; at most ${LIMITS.mediaBytes} can be shown`);
  const stored = await env.media.put(await file.readFile(), mime);
  return {
    blocks: [{ type: 'text', text: `${path}: ${stored.mime}, ${stored.size} bytes` }, { type: 'image', hash: stored.hash, mime: stored.mime }],
    isError: false,
    details: { mime: stored.mime, bytes: stored.size },
    bytes: stored.size,
  };
}

async function lines(file: FileHandle, args: ReadArgs, size: number): Promise<ToolResult> {
  const first = args.offset ?? 1;
  const limit = args.limit ?? DEFAULT_LINES;
  const shown: string[] = [];
  let chars = 0;
  let number = 0;
  let more = false;
  const stream = file.createReadStream({ start: 0, autoClose: false, encoding: 'utf8' });
  for await (const line of createInterface({ input: stream, crlfDelay: Infinity })) {
    number += 1;
    if (number < first) continue;
    const cut = line.length > LINE_CHARS ? `${line.slice(0, LINE_CHARS)} [… ${line.length - LINE_CHARS} characters of this line left out]` : line;
    if (shown.length >= limit || (chars + cut.length > TEXT_CAP && shown.length > 0)) {
      more = true;
      break;
    }
    shown.push(cut);
    chars += cut.length + 1;
  }
  stream.destroy();
  const last = first + shown.length - 1;
  const details = { bytes: size, first, last };
  if (shown.length === 0) return textResult(size === 0 ? '(empty file)' : `The file has only ${number} lines.`, size > 0, { bytes: size });
  return { ...textResult(more ? `${shown.join('\n')}\n[lines ${first} to ${last}; read on with offset ${last + 1}]` : shown.join('\n'), false, details), bytes: size };
}
