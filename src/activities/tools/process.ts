/**
 * `process`: looks after the background jobs of this session.
 *
 * Invariant: a job of another session is as good as absent; text written to a job reaches it once per call, however
 * often the call is retried; a poll gives output from the offset it was asked for, so nothing is skipped or repeated.
 */
import { join } from 'node:path';
import Type from 'typebox';
import { CodedError } from '../../core/errors.js';
import { FILES, jobFolder, readJson, type JobOwner } from './exec/job-files.js';
import { closeInput, writeInput } from './exec/input.js';
import { jobState, killJob, listJobs, type JobState } from './exec/jobs.js';
import { readPiece } from './exec/output.js';
import { textResult, type Tool, type ToolContext, type ToolEnv, type ToolResult } from './types.js';

/** One poll's output; the next poll goes on from there. */
const POLL_BYTES = 16_000;

const parameters = Type.Object({
  action: Type.Enum(['list', 'poll', 'write', 'close', 'kill'], { type: 'string' }),
  job: Type.Optional(Type.String()),
  text: Type.Optional(Type.String()),
  offset: Type.Optional(Type.Integer({ minimum: 0 })),
});

interface ProcessArgs {
  readonly action: 'list' | 'poll' | 'write' | 'close' | 'kill';
  readonly job?: string;
  readonly text?: string;
  readonly offset?: number;
}

export function createProcessTool(env: ToolEnv): Tool {
  return {
    name: 'process',
    description: 'Background jobs: list; poll output from offset; write text to input (add \\n yourself); close input; kill.',
    parameters,
    policy: 'idempotent',
    run: (args, context) => runProcess(env, args as unknown as ProcessArgs, context),
  };
}

async function runProcess(env: ToolEnv, args: ProcessArgs, context: ToolContext): Promise<ToolResult> {
  if (args.action === 'list') return list(env, context.session);
  const { job } = args;
  if (job === undefined) return textResult(`${args.action} needs job; list shows the jobs.`, true);
  const owner = findOwner(env, job, context.session);
  if (!owner) return textResult(`This session has no job ${JSON.stringify(job.slice(0, 80))}; list shows its jobs.`, true);

  switch (args.action) {
    case 'poll':
      return poll(env, job, args.offset ?? 0);
    case 'kill':
      return textResult(`${job}: ${describe(await killJob(env.jobsDir, job))}`);
    case 'write':
    case 'close':
      return input(env, args, job, owner, context);
  }
}

function findOwner(env: ToolEnv, job: string, session: string): JobOwner | undefined {
  try {
    const owner = readJson<JobOwner>(join(jobFolder(env.jobsDir, job), FILES.owner));
    return owner?.session === session ? owner : undefined;
  } catch (error) {
    if (error instanceof CodedError) return undefined;
    throw error;
  }
}

async function list(env: ToolEnv, session: string): Promise<ToolResult> {
  const jobs = await listJobs(env.jobsDir, session);
  if (jobs.length === 0) return textResult('No background jobs in this session.');
  // The newest are the ones asked about.
  const lines = jobs.slice(-50).map(({ job, owner, state }) => `${job}  ${describe(state)}  since ${new Date(owner.startedAt).toISOString()}  ${owner.command.replace(/\s+/g, ' ').slice(0, 100)}`);
  return textResult(lines.join('\n'), false, { jobs: jobs.length });
}

function poll(env: ToolEnv, job: string, offset: number): ToolResult {
  // The state first: what arrives between the two looks belongs to a job that still runs.
  const state = jobState(env.jobsDir, job);
  const piece = readPiece(join(jobFolder(env.jobsDir, job), FILES.output), offset, POLL_BYTES, state.state !== 'running');
  const more = piece.next < piece.size ? `; ${piece.size - piece.next} bytes more are there` : '';
  const text = piece.text === '' ? '(no new output)' : piece.text;
  return textResult(`${text}\n[${describe(state)}; next offset ${piece.next}${more}]`, false, {
    job, state: state.state, offset: piece.next, ...(state.state === 'done' ? { exitCode: state.exit.code } : {}),
  });
}

async function input(env: ToolEnv, args: ProcessArgs, job: string, owner: JobOwner, context: ToolContext): Promise<ToolResult> {
  if (!owner.background) return textResult(`${job} was not started with background and has no input.`, true);
  if (args.action === 'close') {
    await closeInput(env.jobsDir, job);
    return textResult(`The input of ${job} is closed.`);
  }
  if (args.text === undefined || args.text === '') return textResult('write needs text.', true);
  const state = jobState(env.jobsDir, job);
  const written = await writeInput(env.jobsDir, job, context.key, args.text, state.state === 'running');
  if (written) return textResult(`Wrote ${Buffer.byteLength(args.text)} bytes to ${job}.`);
  return textResult(`The input of ${job} is closed (${describe(state)}); nothing was written.`, true);
}

function describe(state: JobState): string {
  switch (state.state) {
    case 'running':
      return 'running';
    case 'absent':
      return 'gone';
    case 'unknown':
      return state.pid === undefined ? 'unknown: its supervisor died' : `unknown: its supervisor died, process ${state.pid} still runs`;
    case 'done': {
      const { exit } = state;
      if (exit.cancelled) return 'killed';
      if (exit.timedOut) return 'timed out';
      return exit.signal === null ? `exit code ${exit.code}` : `ended by ${exit.signal}`;
    }
  }
}
