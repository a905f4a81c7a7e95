/** Telegram's adapter on the stand-in, for the contract suite and the tests beside it. */
import { afterEach } from 'vitest';
import type { AccountConfig, AdapterDeps, ChannelAdapter } from '../../../src/adapters/contract.js';
import { createTelegram } from '../../../src/adapters/telegram/index.js';
import type { Logger, MediaStore } from '../../../src/core/ports.js';
import { createMediaStore } from '../../../src/storage/media.js';
import { createInbox, type Inbox } from '../../conformance/inbox.js';
import { FAST } from '../../conformance/platform.js';
import { startTelegram, type TelegramOptions, type TelegramServer } from '../../servers/telegram/index.js';
import { makeStore } from '../../storage/store.js';

export const quiet: Logger = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

export const accountOf = (tg: Pick<TelegramServer, 'url' | 'token'>, settings: Readonly<Record<string, unknown>> = {}): AccountConfig => ({
  channel: 'telegram', account: 'default', enabled: true, settings: { botToken: tg.token, apiRoot: tg.url, ...settings },
});

export async function makeMedia(): Promise<MediaStore> {
  const { db, folder } = await makeStore();
  return createMediaStore(db, `${folder}/media`);
}

export interface Telegram {
  readonly tg: TelegramServer;
  readonly inbox: Inbox;
  readonly adapter: ChannelAdapter;
  readonly media: MediaStore;
}

const endings: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0).toReversed()) await end();
});

/** A started adapter; both end with the test, and no call may have been one that Telegram does not know. */
export async function telegram(options: { readonly server?: TelegramOptions; readonly settings?: Readonly<Record<string, unknown>>; readonly deps?: Partial<AdapterDeps>; readonly start?: boolean } = {}): Promise<Telegram> {
  const tg = await startTelegram(options.server);
  const made = await telegramOn(tg, { config: accountOf(tg, options.settings), ...options.deps }, options.start);
  if (options.start !== false) await tg.untilPolling();
  return made;
}

/** On a server that the test has prepared. */
export async function telegramOn(tg: TelegramServer, deps: Partial<AdapterDeps> = {}, start = true): Promise<Telegram> {
  endings.push(() => tg.close());
  const media = await makeMedia();
  const inbox = createInbox();
  const adapter = createTelegram({ config: accountOf(tg), env: {}, onInbound: inbox.onInbound, onStatus: () => undefined, media, log: quiet, ...deps, timings: { ...FAST, ...deps.timings } });
  endings.push(async () => {
    await adapter.stop();
    tg.expectNoViolations();
  });
  if (start) adapter.start();
  return { tg, inbox, adapter, media };
}
