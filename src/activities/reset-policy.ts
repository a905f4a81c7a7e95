/**
 * When a conversation ends by itself. Automatic resets wait until nothing is open; the message that finds one due is the
 * first of the new conversation.
 */
import type { TakeRunInput } from '../core/steps.js';
import { conversationTimes, hasOpenApprovals } from '../storage/conversations.js';
import type { Tx } from '../storage/fence.js';
import type { Inbound } from '../storage/inbound.js';
import type { ActivityDeps } from './deps.js';

export interface ResetPolicy {
  readonly mode: 'none' | 'daily' | 'idle';
  /** Hour of the host's day. */
  readonly atHour: number;
  readonly idleMinutes?: number | undefined;
}

/** A background run (heartbeat, cron) neither resets a conversation nor keeps it from its reset. */
export async function resetIsDue(deps: Pick<ActivityDeps, 'settings'>, tx: Tx, input: TakeRunInput, inbound: Inbound, now = Date.now()): Promise<boolean> {
  const policy = deps.settings().reset?.(inbound.message.conversation.kind);
  if (!policy || policy.mode === 'none' || inbound.request.background === true) return false;
  const times = await conversationTimes(tx, input.session, input.conversation);
  if (!times || (await hasOpenApprovals(tx, input.session))) return false;
  return isDue(policy, times, now);
}

/** Daily: the conversation began before the last boundary. Idle: nothing was said for that long. Whichever comes first, when both are set. */
export function isDue(policy: ResetPolicy, times: { readonly first: number; readonly last: number }, now: number): boolean {
  const idle = policy.idleMinutes !== undefined && now - times.last >= policy.idleMinutes * 60_000;
  return policy.mode === 'daily' ? idle || times.first < lastBoundary(policy.atHour, now) : idle;
}

function lastBoundary(atHour: number, now: number): number {
  const boundary = new Date(now);
  boundary.setHours(atHour, 0, 0, 0);
  if (boundary.getTime() > now) boundary.setDate(boundary.getDate() - 1);
  return boundary.getTime();
}
