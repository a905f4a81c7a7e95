/**
 * `agent` (answers twice: accepted, then how it ended) and `agent.wait`.
 * Invariant: both tell what the run's row says, so a repeated key and a wait after a restart get the true answer.
 */
import { validateAgentParams, validateAgentWaitParams } from '@openclaw/gateway-protocol';

import { invalidRequest } from '../../core/errors.js';
import { isTerminal } from '../../core/run.js';
import { parseSessionKey } from '../../core/session-key.js';
import { agentResult, waitResult } from '../outcome.js';
import { waitsFor } from '../waits-for.js';
import { acceptMessage, refuseUnavailable, sessionOf, spoken, thinkingLevel } from './accept.js';
import { type CallContext, method } from './method.js';

/** The peer's own default: a client that names no time polls. */
const DEFAULT_WAIT_MS = 30_000;

/** A run nobody has heard of may be a moment away; a mistyped one must not be waited out. */
const UNKNOWN_WAIT_MS = 3_000;

const UNAVAILABLE = [
  'expectedExistingSessionId',
  'execApprovalFollowupExpectedSessionId',
  'internalEvents',
  'modelRun',
  'cwd',
  'swarmCollector',
  'swarmOutputSchema',
  'suppressPromptPersistence',
] as const;

export const agent = method({
  name: 'agent',
  scope: 'operator.write',
  params: validateAgentParams,
  async handler(params, context) {
    refuseUnavailable('agent', params, UNAVAILABLE);
    if (params.deliver === true && params.bestEffortDeliver !== true) {
      throw invalidRequest('agent: deliver is not available yet; leave it out and read the answer here, or send it with `send`');
    }
    const session = sessionOf('agent', params.sessionKey, params.agentId);
    const model = params.model === undefined ? undefined : params.provider === undefined ? params.model : `${params.provider}/${params.model}`;
    const said = spoken(params.message);
    if (said.says === 'stop') return stopped(params.idempotencyKey, session, context);
    const accepted = await acceptMessage(
      {
        method: 'agent',
        session,
        runId: params.idempotencyKey,
        text: said.text,
        reset: said.says === 'reset',
        attachments: params.attachments,
        turn: {
          ...thinkingLevel('agent', params.thinking),
          ...(model === undefined ? {} : { model }),
          // Seconds on the wire; 0 is no limit.
          ...(params.timeout === undefined || params.timeout === 0 ? {} : { timeoutMs: params.timeout * 1_000 }),
          ...(params.extraSystemPrompt === undefined ? {} : { extraSystemPrompt: params.extraSystemPrompt }),
        },
      },
      context,
    );
    const parsed = parseSessionKey(session);
    const agentId = 'problem' in parsed ? undefined : parsed.agent;
    const base = { runId: accepted.runId, sessionKey: accepted.session, agentId };
    // A finished run is answered from its row alone; a running one is named `in_flight`, and its end follows all the same.
    const known = accepted.status === 'repeat' ? await context.deps.rows.run(accepted.runId, accepted.session) : undefined;
    if (!known || !isTerminal(known.state)) {
      context.respond({ ...base, status: accepted.status === 'repeat' ? 'in_flight' : 'accepted', acceptedAt: accepted.acceptedAt });
    }
    const ended = await context.watcher.wait(accepted.runId, { session: accepted.session, signal: context.signal });
    // The caller is gone; nobody reads what this returns.
    if (!ended) return { ...base, status: 'timeout' };
    // The run's outcome counts; that its conversation could not be named just now does not.
    const history = await context.deps.rows.history(accepted.session, { limit: 1 }).catch(() => undefined);
    return agentResult(ended, history?.conversation);
  },
});

/** `/stop` is no run: it is answered at once, in the shape of one that ended. */
async function stopped(runId: string, session: string, { deps, principal }: CallContext): Promise<Readonly<Record<string, unknown>>> {
  const runIds = await deps.sessions.stop(session, {}, principal);
  const text = runIds.length === 0 ? 'Nothing was running.' : `Stopped: ${runIds.join(', ')}`;
  return { runId, sessionKey: session, status: 'ok', summary: 'completed', aborted: runIds.length > 0, runIds, result: { payloads: [{ text, mediaUrl: null }], meta: { durationMs: 0, stopReason: 'stop' } } };
}

export const agentWait = method({
  name: 'agent.wait',
  scope: 'operator.write',
  params: validateAgentWaitParams,
  async handler(params, context) {
    const timeoutMs = params.timeoutMs ?? DEFAULT_WAIT_MS;
    // A store that fails for a moment says nothing about the run.
    const known = await context.deps.rows.run(params.runId).then((row) => row !== undefined, () => true);
    const ended = await context.watcher.wait(params.runId, { timeoutMs: known ? timeoutMs : Math.min(timeoutMs, UNKNOWN_WAIT_MS), signal: context.signal });
    if (ended) return waitResult(ended);
    const row = await context.deps.rows.run(params.runId);
    if (!row) return { runId: params.runId, status: 'timeout', error: 'no run with this id is known' };
    return { runId: params.runId, status: 'timeout', ...(row.takenAt === undefined ? {} : { startedAt: row.takenAt }), ...(await waitsFor(context.deps, row)) };
  },
});

export const agentMethods = [agent, agentWait];
