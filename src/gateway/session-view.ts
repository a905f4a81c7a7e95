/**
 * Sessions as the wire shows them: a row of `sessions.list` in the peer's fields, everything of one session, a row of an
 * export. Pure.
 */
import { DEFAULT_AGENT, clip } from '../core/names.js';
import type { HistoryRow, SessionRow } from '../core/rows.js';
import { isTerminal } from '../core/run.js';
import { mainSessionKey } from '../core/session-key.js';
import type { SessionDetails } from '../sessions/keeping.js';
import { runStatus, usageOf } from './outcome.js';

/** Groups, channels and their threads carry it in their key. */
const kindOf = (key: string): 'group' | 'direct' => (/:(group|channel):/.test(key) ? 'group' : 'direct');

/** A row of `sessions.list` in the peer's fields. */
export function sessionEntry(row: SessionRow, now: number): Readonly<Record<string, unknown>> {
  const last = row.lastRun;
  const status = row.activeRunIds.length > 0 ? 'running' : row.queued > 0 ? 'queued' : last && isTerminal(last.state) ? runStatus(last) : undefined;
  const usage = row.usage;
  return {
    key: row.key,
    sessionId: row.conversation,
    kind: kindOf(row.key),
    agentId: row.agent,
    isMain: row.key === mainSessionKey(DEFAULT_AGENT),
    ...(row.label === undefined ? {} : { label: row.label, displayName: row.label }),
    chatType: kindOf(row.key),
    createdAt: row.createdAt,
    updatedAt: row.updatedAt,
    ageMs: Math.max(0, now - row.updatedAt),
    ...(status === undefined ? {} : { status }),
    hasActiveRun: row.activeRunIds.length > 0,
    activeRunIds: row.activeRunIds,
    queued: row.queued,
    ...(last === undefined ? {} : { lastMessagePreview: clip(last.text), lastRunId: last.runId, ...(last.error === undefined ? {} : { lastRunError: last.error }) }),
    inputTokens: usage.input,
    outputTokens: usage.output,
    totalTokens: usage.input + usage.output + usage.cacheRead + usage.cacheWrite,
    ...(row.provider === undefined ? {} : { modelProvider: row.provider }),
    ...(row.model === undefined ? {} : { model: row.model }),
  };
}

/** What `sessions.get` tells beside the entry. */
export function sessionDetails({ row, conversations, settings, queue, route, alias, aliases, costUsd, deliveries, now }: SessionDetails): Readonly<Record<string, unknown>> {
  return {
    /** `asleep`: its workflow does not run; the next message starts it. */
    state: now?.state ?? 'asleep',
    ...(now?.turn ? { turn: { step: now.turn.step, tools: now.turn.tools } } : {}),
    settings,
    queue,
    conversations: conversations.map(({ id, rows, firstAt, lastAt }) => ({ id, rows, firstAt, lastAt, ...(id === row.conversation ? { current: true } : {}) })),
    ...(route ? { heardLast: { channel: route.channel, account: route.account, conversation: route.conversation } } : {}),
    ...(alias ? { linkedTo: { session: alias.primary, state: alias.state, since: alias.createdAt } } : {}),
    linkedFrom: aliases.map(({ session, state, createdAt }) => ({ session, state, since: createdAt })),
    usage: usageOf(row.usage, costUsd),
    deliveries,
  };
}

/** A row of `sessions.export`: everything that was said and done, files by name. */
export function exportRow({ seq, conversation, createdAt, runId, content }: HistoryRow): Readonly<Record<string, unknown>> {
  const base = { seq, conversation, at: new Date(createdAt).toISOString(), ...(runId === undefined ? {} : { runId }) };
  switch (content.type) {
    case 'user':
      return { ...base, ...content, attachments: content.attachments.map(({ media: _, ...shown }) => shown) };
    case 'assistant': {
      // What a provider wants back of its reasoning is no text.
      const { reasoning, ...shown } = content;
      return { ...base, ...shown, ...(reasoning && reasoning.text !== '' ? { reasoning: reasoning.text } : {}) };
    }
    case 'tool':
      return { ...base, ...content, blocks: content.blocks.map((block) => (block.type === 'image' ? { type: 'image', mime: block.mime } : block)) };
    default:
      return { ...base, ...content };
  }
}
