/**
 * `read`: lines of a text file, pages of a PDF, an image as an image, an attachment, the whole output of a command.
 *
 * Invariant: what comes back says exactly which part of the file it is and how to read on; bytes that are no text are
 * never shown as if they were.
 */
import { constants } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { join } from 'node:path';
import Type from 'typebox';
import { SHOWN_IMAGES } from '../../core/context.js';
import { CodedError } from '../../core/errors.js';
import { LIMITS } from '../../core/names.js';
import { createPdfReader, type PdfReader } from '../media/pdf.js';
import { decodeText, isUtf16, sniff } from '../media/text.js';
import { FILES, jobFolder, readJson, type JobOwner } from './exec/job-files.js';
import { openInside, refused, resolveInside, type Roots } from './files.js';
import { problemResult } from './problems.js';
import { MEDIA, readMedia } from './read-media.js';
import { foldedLines, linesPart, pagesPart } from './read-pages.js';
import { type Tool, type ToolContext, type ToolEnv, type ToolResult } from './types.js';

const SNIFF_BYTES = 8_192;
/** A PDF is read as a whole; larger ones are books of pictures. */
const PDF_BYTES = 64 * 1024 * 1024;

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

export function createReadTool(env: ToolEnv, pdf: PdfReader = createPdfReader()): Tool {
  return {
    name: 'read',
    description: 'Read a text file or PDF (limit lines or pages from offset), an image, or an attachment (path media:…).',
    parameters,
    policy: 'read-only',
    run: async (args, context) => {
      try {
        const { path, ...part } = args as unknown as ReadArgs;
        return await (path.startsWith(MEDIA) ? readMedia(env, pdf, path, part, context) : readFileTool(env, pdf, args as unknown as ReadArgs, context));
      } catch (error) {
        return problemResult(error);
      }
    },
  };
}

async function readFileTool(env: ToolEnv, pdf: PdfReader, args: ReadArgs, context: ToolContext): Promise<ToolResult> {
  const file = await openFor(env, args.path, context.session);
  try {
    const { size } = await file.stat();
    const { buffer, bytesRead } = await file.read(Buffer.alloc(Math.min(SNIFF_BYTES, size)), 0, Math.min(SNIFF_BYTES, size), 0);
    const start = buffer.subarray(0, bytesRead);
    const { mime, text } = await sniff(start);
    if (mime !== undefined && SHOWN_IMAGES.has(mime)) return await image(env, file, args.path, mime, size);
    if (mime === 'application/pdf') return await pagesPart(pdf, await whole(file, args.path, size, PDF_BYTES), args, context.signal);
    if (text) return await lines(file, args, size);
    const decoded = isUtf16(start) ? await decodeText(await whole(file, args.path, size, LIMITS.mediaBytes)) : undefined;
    if (decoded !== undefined) return await linesPart(foldedLines(decoded), args, size);
    throw refused(args.path, `it is binary (${mime ?? 'unknown type'}, ${size} bytes), not text`);
  } finally {
    await file.close();
  }
}

async function whole(file: FileHandle, path: string, size: number, most: number): Promise<Buffer> {
  if (size > most) throw refused(path, `it has ${size} bytes; at most ${most} of this kind are read`);
  return file.readFile();
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
  const stream = file.createReadStream({ start: 0, autoClose: false, encoding: 'utf8' });
  try {
    return await linesPart(createInterface({ input: stream, crlfDelay: Infinity }), args, size);
  } finally {
    stream.destroy();
  }
}
