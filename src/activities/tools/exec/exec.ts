/**
 * `exec`: runs a command on the host.
 *
 * Invariant: the job's folder is the claim. Whatever happens to this process, the next attempt of the same call attaches
 * to the running command, reads the exit of a finished one, or says that the outcome is unknown; it never starts it again.
 * Only of the same call: after a loss of entries a call's place can be another's, whose job outlived the loss.
 */
import { createHash } from 'node:crypto';
import { accessSync, constants, existsSync, realpathSync, statSync } from 'node:fs';
import { delimiter, isAbsolute, join } from 'node:path';
import Type from 'typebox';
import type { ApprovalRequest } from '../../../core/approval.js';
import { CodedError } from '../../../core/errors.js';
import { contains, refused, resolveInside } from '../files.js';
import { textResult, type Tool, type ToolContext, type ToolEnv, type ToolResult } from '../types.js';
import { followJob } from './follow.js';
import { FILES, jobFolder, jobName } from './job-files.js';
import { ensureJob, jobState, killJob, type JobState } from './jobs.js';
import { readEnds } from './output.js';
import { decideExec, type ExecDecision } from './policy.js';

const MAX_OUTPUT_BYTES = 64 * 1024 * 1024;
/** A week; timers of node end at 24.8 days. */
const MAX_TIMEOUT_SECONDS = 7 * 24 * 3600;
/** Models write bash; a system without it has a POSIX shell at least. Neither reads a profile. */
const SHELLS = ['/bin/bash', '/usr/bin/bash', '/usr/local/bin/bash', '/bin/sh'];

const parameters = Type.Object({
  command: Type.String(),
  workdir: Type.Optional(Type.String()),
  timeoutSeconds: Type.Optional(Type.Number({ minimum: 1, maximum: MAX_TIMEOUT_SECONDS })),
  background: Type.Optional(Type.Boolean()),
  // Not a Record: its patternProperties are not understood by every provider.
  env: Type.Optional(Type.Object({}, { additionalProperties: Type.String() })),
});

interface ExecArgs {
  readonly command: string;
  readonly workdir?: string;
  readonly timeoutSeconds?: number;
  readonly background?: boolean;
  readonly env?: Readonly<Record<string, string>>;
}

export function createExecTool(env: ToolEnv): Tool {
  return {
    name: 'exec',
    description: description(env.config.exec),
    parameters,
    policy: 'side-effecting',
    approval: async (args, key) => {
      // A call that was begun was allowed; it is only followed.
      if (env.config.exec.mode !== 'ask' || existsSync(jobFolder(env.jobsDir, key))) return undefined;
      const plan = await planCommand(env, args as unknown as ExecArgs);
      return 'ask' in plan ? plan.ask : undefined;
    },
    run: (args, context) => runExec(env, args as unknown as ExecArgs, context),
  };
}

function description({ mode, allow }: ToolEnv['config']['exec']): string {
  const listed = [...new Set(allow)].join(' ');
  if (mode === 'allowlist') return `Run one simple command: ${listed}. No pipes, redirection or chaining.`;
  const any = 'Run a shell command. background: return at once; use process for it.';
  return mode === 'ask' ? `${any} The owner is asked first, except for simple commands (${listed}; no pipes, redirection, chaining).` : any;
}

async function runExec(env: ToolEnv, args: ExecArgs, context: ToolContext): Promise<ToolResult> {
  if (context.signal.aborted && !context.cancelled()) throw context.signal.reason;
  const background = args.background === true;
  // A call that was begun is followed whatever the rules and folders say today.
  const begun = existsSync(jobFolder(env.jobsDir, context.key));
  const other = begun ? othersJob(env, args, context.key) : undefined;
  if (other) return other;
  const plan = begun ? { argv: [], cwd: env.workspace } : await planCommand(env, args);
  if ('ask' in plan && !context.approved) {
    return { ...textResult('Refused: this command needs the approval of the owner, who was not asked, or was shown another folder, because the rules have changed since. Call it again to ask.', true, { refused: true }), outcome: 'error' };
  }
  if ('problem' in plan) return { ...textResult(plan.problem, true, { refused: true }), outcome: 'error' };
  if (context.signal.aborted) return stop(env, context);

  const timeoutMs = 1000 * (args.timeoutSeconds ?? (background ? 0 : env.config.exec.timeoutSeconds));
  try {
    const state = await ensureJob(env.jobsDir, context.key, {
      session: context.session,
      command: clipped(args.command),
      asked: hashOf(args),
      argv: plan.argv,
      cwd: plan.cwd,
      env: args.env ?? {},
      timeoutMs,
      background,
      maxBytes: MAX_OUTPUT_BYTES,
    }, { env: env.env, signal: context.signal });
    if (background && state.state === 'running') return started(context);
    return report(env, context, await followJob(env.jobsDir, context.key, { emit: (delta) => context.emit(delta), signal: context.signal }));
  } catch (error) {
    if (context.signal.aborted && context.cancelled()) return stop(env, context);
    // Worker stopping, attempt lost: the command goes on and the next attempt finds it. Timers wrap the reason: unwrap.
    if (context.signal.aborted) throw context.signal.reason;
    if (error instanceof CodedError && error.code === 'JOB_START_FAILED') {
      return { ...textResult(`${error.message} ${error.hint ?? ''}`.trim(), true), outcome: 'error' };
    }
    throw error;
  }
}

/** A job of this place that was begun for another call, as the answer to this one. */
function othersJob(env: ToolEnv, args: ExecArgs, key: string): ToolResult | undefined {
  const state = jobState(env.jobsDir, key);
  const owner = state.state === 'absent' ? undefined : state.owner;
  if (!owner || (owner.asked === undefined ? owner.command === clipped(args.command) : owner.asked === hashOf(args))) return undefined;
  const ended = state.state === 'done' ? `It ended at ${new Date(state.exit.endedAt).toISOString()} (${howItEnded(state.exit, state.exit.endedAt - owner.startedAt)}).` : state.state === 'running' ? `It still runs, as job ${jobName(key)}.` : 'How it ended is not known.';
  const { text } = readEnds(join(jobFolder(env.jobsDir, key), FILES.output), `read path job:${jobName(key)}`);
  return {
    ...textResult(`The outcome is unknown, and this command was not run. Entries of this conversation were lost; in this call's place another command had been begun at ${new Date(owner.startedAt).toISOString()}, in ${owner.cwd}:\n${owner.command}\n${ended} Its output:\n${text.trimEnd() || '(none)'}\nCheck what it did, then call again if this command is still wanted.`, true, { job: key }),
    outcome: 'unknown',
  };
}

/** As far as lists and reports need it. */
const clipped = (command: string): string => command.slice(0, 500);

/** Of what the command would do; for how long it may is no difference. */
const hashOf = ({ command, workdir, background, env }: ExecArgs): string =>
  createHash('sha256').update(JSON.stringify([command, workdir ?? '.', background === true, Object.entries(env ?? {}).toSorted(([a], [b]) => (a < b ? -1 : 1))])).digest('hex');

interface Runnable {
  readonly argv: readonly string[];
  readonly cwd: string;
}
type Plan = Runnable | (Runnable & { readonly ask: ApprovalRequest }) | { readonly problem: string };

async function planCommand(env: ToolEnv, args: ExecArgs): Promise<Plan> {
  const where = { workspace: env.workspace, roots: env.config.fs.roots, stateDir: env.stateDir };
  const { mode, allow } = env.config.exec;
  try {
    const cwd = await resolveInside(args.workdir ?? '.', where);
    if (!statSync(cwd, { throwIfNoEntry: false })?.isDirectory()) throw refused(args.workdir ?? '.', 'there is no such folder');
    const variables = args.env && Object.keys(args.env).length > 0 ? args.env : undefined;
    if (mode === 'allowlist' && variables) {
      return { problem: 'Refused: env is not allowed while tools.exec.mode is "allowlist" (variables can make programs load code).' };
    }
    const bad = Object.entries(args.env ?? {}).find(([name, value]) => !/^[A-Za-z_][A-Za-z0-9_]*$/.test(name) || value.includes('\0'));
    if (bad) return { problem: `Not a valid environment variable: ${JSON.stringify(bad[0].slice(0, 60))}.` };
    const decision: ExecDecision = decideExec(args.command, mode, allow, { ...where, cwd });
    if ('problem' in decision) return decision;
    const shell = (command: string): Runnable => ({ argv: [SHELLS.find(isProgram) ?? '/bin/sh', '-c', command], cwd });
    const asked = (why: string): Plan => ({ ...shell(args.command), ask: { tool: 'exec', command: args.command, cwd, why, ...(variables ? { env: variables } : {}), ...(args.background === true ? { background: true as const } : {}) } });
    if ('shell' in decision) return shell(decision.shell);
    if ('ask' in decision) return asked(decision.why);
    // Variables can make a listed program load code.
    if (mode === 'ask' && variables) return asked('it sets environment variables');
    const [program = '', ...words] = decision.words;
    const path = findProgram(program, env.env['PATH'] ?? '', [env.workspace, ...where.roots]);
    if (path === undefined) return { problem: `There is no program ${program} on this machine's PATH.` };
    return { argv: [path, ...words], cwd };
  } catch (error) {
    if (error instanceof CodedError) return { problem: error.message };
    throw error;
  }
}

/** Never from a folder the agent can write to: a file named `ls` there must not become the allowed `ls`. */
function findProgram(name: string, path: string, writable: readonly string[]): string | undefined {
  if (name.includes('/')) return isAbsolute(name) && isProgram(name) ? name : undefined;
  return path
    .split(delimiter)
    .filter((folder) => isAbsolute(folder))
    .map((folder) => join(folder, name))
    .find((file) => isProgram(file) && !writable.some((root) => contains(root, realpathSync(file))));
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

function started(context: ToolContext): ToolResult {
  const job = jobName(context.key);
  return {
    ...textResult(`Started in the background as job ${job}. Use process: poll for its output, write for its input, kill to end it.`, false, { job: context.key, background: true }),
    outcome: 'ok',
  };
}

async function stop(env: ToolEnv, context: ToolContext): Promise<ToolResult> {
  return report(env, context, await killJob(env.jobsDir, context.key), true);
}

/** What is known of the job, as a result. */
function report(env: ToolEnv, context: ToolContext, state: JobState, aborted = false): ToolResult {
  const job = jobName(context.key);
  const { text, size } = readEnds(join(jobFolder(env.jobsDir, context.key), FILES.output), `read path job:${job}`);
  const shown = text.trimEnd() === '' ? '(no output)' : text.trimEnd();
  const facts = { job: context.key };

  if (state.state === 'done') {
    const { exit, owner } = state;
    const durationMs = owner ? exit.endedAt - owner.startedAt : 0;
    const details = { ...facts, exitCode: exit.code, signal: exit.signal, timedOut: exit.timedOut, durationMs, bytes: exit.bytes };
    // A command that ended by itself just before the stop says so.
    if (exit.cancelled) return { ...textResult(`${shown}\n[stopped by the user after ${seconds(durationMs)}]`, true, details), bytes: exit.bytes, outcome: 'aborted' };
    const failed = exit.code !== 0 || exit.timedOut;
    return { ...textResult(failed ? `${shown}\n[${howItEnded(exit, durationMs)}]` : shown, failed, details), bytes: exit.bytes, outcome: failed ? 'error' : 'ok' };
  }
  if (state.state === 'unknown') {
    const when = state.owner ? `was begun at ${new Date(state.owner.startedAt).toISOString()}` : 'was about to begin';
    const alive = state.pid === undefined ? '' : ` It still runs, unattended, as process ${state.pid}.`;
    return {
      ...textResult(`The outcome is unknown. The command ${when} and its supervisor died before it ended.${alive} Check what it did before repeating it. Output so far:\n${shown}`, true, facts),
      bytes: size,
      outcome: 'unknown',
    };
  }
  return {
    ...textResult(`The command was told to stop and has not ended yet. Output so far:\n${shown}`, true, facts),
    bytes: size,
    outcome: aborted ? 'aborted' : 'unknown',
  };
}

interface Ending {
  readonly code: number | null;
  readonly signal: string | null;
  readonly timedOut: boolean;
  readonly error?: string;
}

function howItEnded(exit: Ending, durationMs: number): string {
  if (exit.timedOut) return `timed out: ended after ${seconds(durationMs)}; a longer timeoutSeconds or background may help`;
  if (exit.error !== undefined) return `could not be started: ${exit.error}`;
  if (exit.signal !== null) return `ended by ${exit.signal} from outside after ${seconds(durationMs)}`;
  return `exit code ${exit.code}`;
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;
