/**
 * Shows sessions: one with everything about it, what a reset ended, what a search found. Pure text.
 * Invariant: names and words come from anybody; they are made safe to print.
 */
import { exportHint } from './hints.js';
import { ago, amount, columns, duration, money, oneLine, paint, visible } from './terminal.js';
import type { SessionSummary } from './wire.js';

interface Linked {
  readonly session: string;
  readonly state: string;
  readonly since?: number;
}

/** `session` of `sessions.get`. */
export interface SessionInfo extends SessionSummary {
  readonly label?: string;
  readonly state: string;
  readonly turn?: { readonly step: number; readonly tools: readonly string[] };
  readonly createdAt?: number;
  readonly running: readonly { readonly runId: string; readonly startedAt: number; readonly preview: string; readonly waitingFor?: string; readonly approvals?: readonly string[] }[];
  readonly waiting: readonly { readonly runId: string; readonly acceptedAt: number; readonly principal: string; readonly preview: string }[];
  readonly modelSet: string;
  readonly settings: { readonly model?: string; readonly thinking?: string; readonly activation?: string; readonly queue?: unknown };
  readonly queue: { readonly mode: string; readonly debounceMs: number; readonly cap: number; readonly drop: string };
  readonly conversations: readonly { readonly id: string; readonly rows: number; readonly firstAt: number; readonly lastAt: number; readonly current?: boolean }[];
  readonly heardLast?: { readonly channel: string; readonly account: string; readonly conversation: { readonly kind: string; readonly id: string; readonly title?: string } };
  readonly linkedTo?: Linked;
  readonly linkedFrom: readonly Linked[];
  readonly usage: { readonly totalTokens: number; readonly cost?: { readonly total: number } };
  readonly deliveries: readonly { readonly id: string; readonly state: string; readonly channel: string }[];
  readonly webUrl?: string;
}

const flat = (text: string): string => visible(text).replaceAll('\n', '\\n');
const day = (at: number): string => new Date(at).toISOString().slice(0, 16).replace('T', ' ');
const STATES: Readonly<Record<string, string>> = {
  asleep: 'idle; its workflow starts with the next message', idle: 'idle', running: 'works', 'waiting-approval': 'waits for an approval', 'waiting-budget': 'waits for a budget',
};

export function showSession(session: SessionInfo, now = Date.now()): string {
  const { queue, settings, usage, turn, heardLast, linkedTo } = session;
  const doing = `${STATES[session.state] ?? flat(session.state)}${turn === undefined ? '' : `, step ${turn.step}${turn.tools.length === 0 ? '' : ` (${turn.tools.map(flat).join(', ')})`}`}`;
  const facts: readonly (readonly [string, string | undefined])[] = [
    ['Session', `${session.key}${session.label === undefined ? '' : `  ${oneLine(flat(session.label), 60)}`}`],
    ['State', session.state === 'running' ? paint('cyan', doing) : doing],
    ...session.running.map((run): readonly [string, string] => ['Run', `${flat(run.runId)}  ${duration(Math.max(0, now - run.startedAt))}  ${oneLine(run.preview, 60)}${run.waitingFor === undefined ? '' : paint('yellow', `  waits for ${run.waitingFor === 'approval' ? `approval ${(run.approvals ?? []).join(', ')}` : 'a budget'}`)}`]),
    ...session.waiting.map((run): readonly [string, string] => ['Waits', `${flat(run.runId)}  ${ago(run.acceptedAt, now)}  ${flat(run.principal)}: ${oneLine(run.preview, 60)}`]),
    ['Model', `${flat(session.modelSet)}${settings.model === undefined ? '' : ' (set for this session)'}`],
    ['Thinking', settings.thinking && `${flat(settings.thinking)} (set for this session)`],
    ['Queue', `${queue.mode}, quiet ${duration(queue.debounceMs)}, at most ${queue.cap}, then ${queue.drop}${settings.queue === undefined ? '' : ' (set for this session)'}`],
    ['Activation', settings.activation && flat(settings.activation)],
    ['Heard last', heardLast && `${flat(heardLast.channel)} (${flat(heardLast.account)}) ${flat(heardLast.conversation.title ?? heardLast.conversation.id)}`],
    ['Linked to', linkedTo && `${flat(linkedTo.session)}${linkedTo.state === 'draining' ? ' once this one is at rest' : '; new messages go there'}`],
    ...session.linkedFrom.map((one): readonly [string, string] => ['Linked', `${flat(one.session)}${one.state === 'draining' ? ' (until it is at rest)' : ''}`]),
    ...session.deliveries.map((one): readonly [string, string] => ['Delivery', `${flat(one.id)}  ${flat(one.state)} on ${flat(one.channel)}`]),
    ['Used', `${amount(usage.totalTokens)} tokens, ${money(usage.cost?.total)}`],
    ['Begun', session.createdAt === undefined ? undefined : day(session.createdAt)],
    ['Web UI', session.webUrl],
  ];
  const head = columns(facts.flatMap(([name, value]) => (value ? [[paint('dim', name), value]] : [])));
  const { conversations } = session;
  if (conversations.length === 0) return `${head}\n\nNothing was said yet in this conversation.`;
  const rows = conversations.toReversed().map((one) => [one.current === true ? 'now' : '', day(one.firstAt), day(one.lastAt), String(one.rows)]);
  return `${head}\n\n${columns([['', 'CONVERSATION', 'LAST', 'ROWS'], ...rows])}`;
}

export interface ResetAnswer {
  readonly ok: boolean;
  readonly key: string;
  readonly runId?: string;
  /** Runs that it ended. */
  readonly ended: readonly string[];
  /** Approvals that it cancelled. */
  readonly cancelled: readonly string[];
}

export function showReset({ key, ended, cancelled }: ResetAnswer): string {
  return [
    `${key}: a new conversation begins. What was said before is kept: ${exportHint(key)}`,
    ended.length === 0 ? '' : `Ended: ${ended.map(flat).join(', ')}`,
    cancelled.length === 0 ? '' : `Open questions that are cancelled: ${cancelled.map(flat).join(', ')}`,
  ].filter(Boolean).join('\n');
}

/** Answer of `sessions.search`. */
export interface SearchAnswer {
  readonly results: readonly { readonly sessionKey: string; readonly messageId: string; readonly role: string; readonly timestamp: number; readonly snippet: string }[];
  readonly truncated?: boolean;
}

export function showHits({ results, truncated }: SearchAnswer, limit: number): string {
  if (results.length === 0) return 'Nothing found.';
  const hits = results.map((hit) => `${paint('dim', day(hit.timestamp))}  ${paint('yellow', flat(hit.sessionKey))}  ${hit.role === 'user' ? 'said' : 'answered'}\n  ${oneLine(hit.snippet, 300)}`);
  return [...hits, ...(truncated === true ? [`There are more than these ${limit}: name more words, or a session.`] : [])].join('\n');
}
