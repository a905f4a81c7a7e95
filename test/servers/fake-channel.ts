/**
 * A messenger platform made up for tests, as a real HTTP server: it records what it was sent, and can refuse, ask for a
 * pause, hang, or cut the connection before or after the effect. Beside it the sender that speaks to it.
 */
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Address, type ChannelCapabilities, type ChannelSender, type OutboundPart, SEND_FAILURES, SendError, type SentPart } from '../../src/core/channel.js';
import type { Attachment } from '../../src/core/message.js';

export interface FakeMessage {
  readonly id: string;
  readonly chat: string;
  readonly text: string;
  readonly key: string;
  readonly replyTo?: string;
  readonly at: number;
}

export type Fault =
  /** None. */
  | { readonly kind: 'pass' }
  | { readonly kind: 'wait'; readonly ms: number }
  /** The connection is cut, and the message is not there. */
  | { readonly kind: 'cut before' }
  /** … and the message is there. */
  | { readonly kind: 'cut after' }
  /** The message is there; the answer does not come. */
  | { readonly kind: 'hang after' }
  | { readonly kind: 'refuse'; readonly status: number };

export type FakePlatform = Awaited<ReturnType<typeof startFakePlatform>>;

export async function startFakePlatform() {
  const messages: FakeMessage[] = [];
  /** Every request, also those without effect. */
  const calls: { readonly chat: string; readonly at: number }[] = [];
  /** Faults of the next requests, by chat. */
  const planned = new Map<string, Fault[]>();
  /** … and of all, as long as set. */
  const standing = new Map<string, Fault>();
  const hanging: ServerResponse[] = [];
  const watchers = new Set<() => void>();
  let count = 0;

  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const url = new URL(request.url ?? '/', 'http://platform');
      if (url.pathname === '/find') {
        const found = messages.filter(({ key }) => key === url.searchParams.get('key')).map(({ id }) => id);
        response.end(JSON.stringify(found));
        return;
      }
      const asked = JSON.parse(Buffer.concat(chunks).toString()) as { readonly chat: string; readonly text: string; readonly key: string; readonly replyTo?: string; readonly dedupe?: boolean };
      calls.push({ chat: asked.chat, at: Date.now() });
      const fault = planned.get(asked.chat)?.shift() ?? standing.get(asked.chat);
      if (fault?.kind === 'wait') response.writeHead(429, { 'retry-after-ms': String(fault.ms) }).end();
      else if (fault?.kind === 'refuse') response.writeHead(fault.status).end();
      else if (fault?.kind === 'cut before') request.socket.destroy();
      else {
        const known = asked.dedupe ? messages.find(({ key }) => key === asked.key) : undefined;
        const id = known?.id ?? String((count += 1));
        if (!known) messages.push({ id, chat: asked.chat, text: asked.text, key: asked.key, at: Date.now(), ...(asked.replyTo === undefined ? {} : { replyTo: asked.replyTo }) });
        if (fault?.kind === 'cut after') request.socket.destroy();
        else if (fault?.kind === 'hang after') hanging.push(response);
        else response.end(JSON.stringify([id]));
      }
      for (const watcher of watchers) watcher();
    });
  });
  const open = (port: number): Promise<void> => new Promise((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', () => (server.removeAllListeners('error'), resolve())));
  const close = (): Promise<void> => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(() => resolve()));
  };
  await open(0);
  const { port } = server.address() as AddressInfo;

  return {
    messages, calls,
    url: `http://127.0.0.1:${port}`,
    texts: (chat: string): string[] => messages.filter((message) => message.chat === chat).map(({ text }) => text),
    plan: (chat: string, ...faults: readonly Fault[]): void => void planned.set(chat, [...faults]),
    stand: (chat: string, fault?: Fault): void => void (fault ? standing.set(chat, fault) : standing.delete(chat)),
    /** Resolves when it is so after some request. */
    when(condition: () => boolean): Promise<void> {
      if (condition()) return Promise.resolve();
      return new Promise((resolve) => {
        const watcher = (): void => {
          if (!condition()) return;
          watchers.delete(watcher);
          resolve();
        };
        watchers.add(watcher);
      });
    },
    hanging: () => hanging.length,
    /** Nothing listens. */
    down: close,
    up: () => open(port),
    close,
  };
}

export interface FakeSenderOptions {
  readonly url: string;
  readonly channel?: string;
  readonly account?: string;
  readonly textLimit?: number;
  readonly idempotencyKey?: boolean;
  readonly lookup?: boolean;
}

/** Paragraphs are parts. */
export function fakeSender(options: FakeSenderOptions): ChannelSender {
  const capabilities: ChannelCapabilities = { textLimit: options.textLimit ?? 4_000, mediaBytes: 1_000, ...(options.idempotencyKey ? { idempotencyKey: true } : {}), ...(options.lookup ? { lookup: true } : {}) };
  return {
    channel: options.channel ?? 'fake',
    account: options.account ?? 'default',
    capabilities,
    render: (markdown: string, attachments: readonly Attachment[]) => markdown.split('\n\n').filter((text) => text !== '').map((text, n): OutboundPart => ({ text, plain: text, format: 'plain', attachments: n === 0 ? attachments : [] })),
    async send(to: Address, part: OutboundPart, key: string): Promise<SentPart> {
      let response: Response;
      try {
        const body = { chat: to.conversation.id, text: part.text, key, ...(part.replyTo === undefined ? {} : { replyTo: part.replyTo }), ...(options.idempotencyKey ? { dedupe: true } : {}) };
        response = await fetch(`${options.url}/send`, { method: 'POST', body: JSON.stringify(body) });
      } catch (error) {
        const { code } = (error as { readonly cause?: { readonly code?: string } }).cause ?? {};
        throw new SendError(code === 'ECONNREFUSED' ? SEND_FAILURES.Unreachable : SEND_FAILURES.Uncertain, `no answer (${code ?? 'cut'})`);
      }
      if (response.status === 200) return { platformIds: (await response.json()) as string[] };
      throw refusal(response);
    },
    async lookup(_to: Address, key: string) {
      const found = (await (await fetch(`${options.url}/find?key=${encodeURIComponent(key)}`)).json()) as string[];
      return found.length === 0 ? 'not sent' : { platformIds: found };
    },
  };
}

function refusal(response: Response): SendError {
  switch (response.status) {
    case 429:
      return new SendError(SEND_FAILURES.RateLimited, 'too many messages', Number(response.headers.get('retry-after-ms')));
    case 401:
      return new SendError(SEND_FAILURES.ChannelAuth, 'the token was refused');
    case 403:
      return new SendError(SEND_FAILURES.Blocked, 'blocked by the user');
    case 404:
      return new SendError(SEND_FAILURES.ChatGone, 'chat not found');
    default:
      return new SendError(SEND_FAILURES.Refused, `refused with ${response.status}`);
  }
}
