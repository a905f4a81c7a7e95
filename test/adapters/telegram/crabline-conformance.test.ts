/**
 * The contract of a channel, kept by Telegram's adapter against a server that others wrote: @openclaw/crabline's. It
 * plays no faults, files or button presses; the message ids are counted here, because its records lack them.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startCrablineServer } from '@openclaw/crabline';
import { createTelegram } from '../../../src/adapters/telegram/index.js';
import { channelConformance } from '../../conformance/channel.js';
import { FAST, type Platform, type Shown, type Where } from '../../conformance/platform.js';
import { parseTelegramHtml } from '../../servers/telegram/html.js';
import { accountOf, makeMedia } from './standin.js';

interface Recorded {
  readonly type: string;
  readonly path: string;
  readonly body: Readonly<Record<string, unknown>>;
  readonly accepted?: boolean;
}

const PEOPLE: Readonly<Record<Where, number>> = { first: 6_000_000_001, second: 6_000_000_002 };

const visible = (body: Recorded['body']): string => {
  const text = String(body['text'] ?? body['caption'] ?? '');
  if (body['parse_mode'] !== 'HTML') return text;
  const parsed = parseTelegramHtml(text);
  if ('error' in parsed) throw new Error(parsed.error);
  return parsed.text;
};

async function start(): Promise<Platform> {
  const folder = await mkdtemp(join(tmpdir(), 'crabline-'));
  const media = await makeMedia();
  const messages: Record<Where, Shown[]> = { first: [], second: [] };
  const counts: Record<Where, number> = { first: 0, second: 0 };
  const updates = new Map<string, number>();
  let confirmedBelow = 0;
  let polls = 0;
  let waiting: (() => boolean)[] = [];
  const changed = (): void => void (waiting = waiting.filter((met) => !met()));
  const when = (met: () => boolean): Promise<void> => new Promise((done) => (met() ? done() : waiting.push(() => met() && (done(), true))));

  function record(event: Recorded): void {
    const { body } = event;
    const where: Where = Number(body['chat_id'] ?? body['chatId']) === PEOPLE.second ? 'second' : 'first';
    const method = event.path.split('/').at(-1) ?? '';
    if (event.type === 'admin') counts[where] = Number(body['messageId'] ?? counts[where] + 1);
    else if (!event.accepted) return;
    else if (method === 'getUpdates') {
      polls += 1;
      confirmedBelow = Math.max(confirmedBelow, Number(body['offset'] ?? 0));
    } else if (method === 'editMessageText') {
      messages[where] = messages[where].map((one) => (one.id === String(body['message_id']) ? { ...one, text: visible(body) } : one));
    } else if (method.startsWith('send') && method !== 'sendChatAction') {
      counts[where] += 1;
      const reply = body['reply_parameters'] as { readonly message_id?: number } | undefined;
      messages[where].push({ id: String(counts[where]), text: visible(body), ...(reply ? { replyTo: String(reply.message_id) } : {}) });
    }
    changed();
  }

  const server = await startCrablineServer({ channel: 'telegram', recorderPath: join(folder, 'calls.jsonl'), onEvent: (event: unknown) => record(event as Recorded) });
  const manifest = server.manifest as unknown as { readonly botToken: string; readonly adminToken: string; readonly endpoints: { readonly apiRoot: string; readonly adminInboundUrl: string } };
  const conversation = (where: Where) => ({ channel: 'telegram', account: 'default', conversation: { kind: 'direct', id: String(PEOPLE[where]) } }) as const;
  const isTaken = (id: string): boolean => (updates.get(id) ?? Infinity) < confirmedBelow;
  // It knows only chats that somebody has written from.
  const meet = async (): Promise<void> => {
    await inbound('first', 'before the test', 1);
    // Ids of the two chats are kept apart, so that an id names one message.
    await inbound('second', 'before the test', 1_000);
    confirmedBelow = 3;
    await fetch(`${manifest.endpoints.apiRoot}/bot${manifest.botToken}/getUpdates?offset=3`);
  };
  async function inbound(where: Where, text: string, messageId?: number): Promise<string> {
    const answer = await fetch(manifest.endpoints.adminInboundUrl, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-crabline-admin-token': manifest.adminToken },
      body: JSON.stringify({ chatId: PEOPLE[where], fromId: PEOPLE[where], fromName: 'Ann', text, messageId }),
    });
    const { update } = (await answer.json()) as { readonly update: { readonly update_id: number; readonly message: { readonly message_id: number } } };
    const id = String(update.message.message_id);
    updates.set(id, update.update_id);
    return id;
  }
  await meet();

  return {
    adapter: (deps) => createTelegram({ config: accountOf({ url: manifest.endpoints.apiRoot, token: manifest.botToken }), env: {}, media, timings: FAST, ...deps }),
    address: { first: conversation('first'), second: conversation('second') },
    secret: manifest.botToken,
    writes: (text, where = 'first') => inbound(where, text),
    isTaken,
    untilTaken: (id) => when(() => isTaken(id)),
    untilAsked: () => {
      const before = polls;
      return when(() => polls > before);
    },
    shown: async (where = 'first') => messages[where],
    store: async (content, mime) => ({ hash: (await media.put(content, mime)).hash }),
    async close() {
      await server.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

channelConformance({ name: 'Telegram, on crabline', start }, ['isTaken', 'untilTaken', 'untilAsked']);
