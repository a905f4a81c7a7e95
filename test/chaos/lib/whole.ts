/**
 * What must hold of a conversation, whatever was killed: the same runs, every line once and in order, one answer each, and every
 * question about them (`agent.wait`, `chat.history`, `runs.list`, the key again) answered truthfully.
 */
import type { Gateway } from '../../../src/cli/lib/client.js';
import { type Scene, type Sent, paramsOf } from './scene.js';
import { answerOf, isCommand } from './script.js';

export interface Finding {
  readonly kind: 'lost' | 'repeated' | 'wrong';
  readonly run: string;
  readonly what: string;
}

export interface Message {
  readonly role: string;
  readonly content: unknown;
  readonly __openclaw: { readonly runId?: string };
}

export interface AuditOptions {
  /** Model steps that were asked may be asked again later: rows that told of them were lost with the store's end. */
  readonly stepsMayRepeat?: boolean;
  readonly waitMs?: number;
}

const WAIT_MS = 60_000;

/** @throws Error that lists what is wrong */
export async function expectWhole(scene: Scene, talk: readonly Sent[], options: AuditOptions = {}): Promise<void> {
  const findings = await audit(scene, talk, options);
  if (findings.length > 0) throw new Error(findings.map(({ kind, run, what }) => `${kind}: ${run}: ${what}`).join('\n'));
}

/** @param talk all that was sent to one session, in order */
export async function audit(scene: Scene, talk: readonly Sent[], options: AuditOptions = {}): Promise<readonly Finding[]> {
  const client = await scene.house.client();
  try {
    const found: Finding[] = [];
    for (const sent of talk) found.push(...(await waited(client, sent, options)), ...effects(scene, sent));
    found.push(...(await history(client, talk)));
    for (const sent of talk) found.push(...(await keyAgain(scene, client, sent)), ...asked(scene, sent, options));
    found.push(...(await listed(client, talk)));
    return found;
  } finally {
    client.close();
  }
}

const numbers = (count: number): readonly number[] => Array.from({ length: count }, (_, i) => i + 1);

async function waited(client: Gateway, { id }: Sent, { waitMs = WAIT_MS }: AuditOptions): Promise<readonly Finding[]> {
  const end = await client.request<{ readonly runId: string; readonly status: string }>('agent.wait', { runId: id, timeoutMs: waitMs }, { timeoutMs: waitMs + 10_000 });
  if (end.status !== 'ok') return [{ kind: 'lost', run: id, what: `agent.wait: ${JSON.stringify(end)}` }];
  return end.runId === id ? [] : [{ kind: 'wrong', run: id, what: `agent.wait tells of run ${end.runId}` }];
}

function effects({ lines }: Scene, { id, calls }: Sent): readonly Finding[] {
  const log = compare(id, `${id}.log`, lines(`${id}.log`), numbers(calls).map((n) => `line-${n}`));
  return [...log, ...compare(id, `${id}.begun`, lines(`${id}.begun`), numbers(calls).filter(isCommand).map((n) => `begin-${n}`))];
}

async function history(client: Gateway, talk: readonly Sent[]): Promise<readonly Finding[]> {
  const { messages } = await client.request<{ readonly messages: readonly Message[] }>('chat.history', { sessionKey: talk[0]!.session, limit: 500 });
  const told = messages.filter(({ role }) => role === 'user' || role === 'assistant' || role === 'toolResult').map((message) => `${String(message.__openclaw.runId)} ${messageOf(message)}`);
  return compare(talk[0]!.session, 'chat.history', told, talk.flatMap((sent) => expected(sent).map((line) => `${sent.id} ${line}`)));
}

const expected = ({ id, calls, message }: Sent): readonly string[] => [
  `user: ${message}`,
  ...numbers(calls).flatMap((n) => [`assistant: call ${n} of ${id}`, isCommand(n) ? `toolResult: out-${n}` : `toolResult: Appended ${`line-${n}\n`.length} bytes to ${id}.log.`]),
  `assistant: ${answerOf(id)}`,
];

function messageOf({ role, content }: Message): string {
  const text = typeof content === 'string' ? content : (content as readonly { readonly type: string; readonly text?: string }[]).flatMap((part) => (part.type === 'text' ? [part.text ?? ''] : [])).join('\n');
  return `${role}: ${text}`;
}

/** The key again is answered from its row, without another word to the model. */
async function keyAgain({ model }: Scene, client: Gateway, sent: Sent): Promise<readonly Finding[]> {
  const before = model.asksOf(sent.id).length;
  const again = await client.request<Readonly<Record<string, unknown>>>('chat.send', paramsOf(sent));
  if (again['runId'] !== sent.id || again['status'] !== 'ok') return [{ kind: 'wrong', run: sent.id, what: `the key again: ${JSON.stringify(again)}` }];
  return model.asksOf(sent.id).length === before ? [] : [{ kind: 'repeated', run: sent.id, what: 'the key again asked the model' }];
}

/** A step whose successor was asked has its row: it is never asked again, by no model but the first. */
function asked({ model }: Scene, { id, calls }: Sent, { stepsMayRepeat }: AuditOptions): readonly Finding[] {
  const asks = model.asksOf(id);
  const steps = asks.map((ask) => ask.done);
  const missing = numbers(calls + 1).filter((n) => !steps.includes(n - 1)).map((n): Finding => ({ kind: 'wrong', run: id, what: `the model was never asked after ${n - 1} calls` }));
  const backwards = !stepsMayRepeat && steps.some((step, i) => i > 0 && step < steps[i - 1]!);
  const other = asks.find((ask) => ask.model !== 'scripted');
  return [
    ...missing,
    ...(backwards ? [{ kind: 'repeated', run: id, what: `the model was asked again for a finished step: ${steps.join(' ')}` } as const] : []),
    ...(other ? [{ kind: 'wrong', run: id, what: `a crash handed it to model ${other.model}` } as const] : []),
  ];
}

async function listed(client: Gateway, talk: readonly Sent[]): Promise<readonly Finding[]> {
  const { runs } = await client.request<{ readonly runs: readonly { readonly runId: string; readonly state: string }[] }>('runs.list', { sessionKey: talk[0]!.session, limit: 100 });
  return compare(talk[0]!.session, 'runs.list', runs.map((run) => `${run.runId} ${run.state}`).sort(), talk.map(({ id }) => `${id} ok`).sort());
}

/** Names what is missing, what came twice, and what is out of order or foreign. */
function compare(run: string, where: string, found: readonly string[], wanted: readonly string[]): readonly Finding[] {
  const times = (list: readonly string[], line: string): number => list.filter((other) => other === line).length;
  const findings = [...new Set([...wanted, ...found])].flatMap((line): readonly Finding[] => {
    const more = times(found, line) - times(wanted, line);
    if (more === 0) return [];
    const kind = more < 0 ? 'lost' : wanted.includes(line) ? 'repeated' : 'wrong';
    return [{ kind, run, what: `${where}: ${more > 0 ? '+' : ''}${more} × "${line.slice(0, 300)}"` }];
  });
  if (findings.length > 0 || found.every((line, i) => line === wanted[i])) return findings;
  return [{ kind: 'wrong', run, what: `${where}: out of order: ${found.join(' | ').slice(0, 500)}` }];
}
