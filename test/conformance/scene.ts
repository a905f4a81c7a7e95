/** One platform with adapters that are stopped at the end, and a log that remembers. */
import { afterEach } from 'vitest';
import type { ChannelAdapter } from '../../src/adapters/contract.js';
import type { ChannelStatus } from '../../src/core/channel.js';
import type { Logger } from '../../src/core/ports.js';
import { createInbox, type Inbox } from './inbox.js';
import type { Conformance, Platform } from './platform.js';

export interface Scene {
  readonly platform: Platform;
  readonly inbox: Inbox;
  readonly adapter: ChannelAdapter;
  readonly statuses: readonly ChannelStatus[];
  readonly lines: readonly string[];
  /** Resolves at the next status that fits; the present one counts. */
  status(fits: (status: ChannelStatus) => boolean): Promise<ChannelStatus>;
  /** Another adapter on the same platform, as the next process has it. */
  again(): Pick<Scene, 'inbox' | 'adapter'>;
}

const endings: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0).toReversed()) await end();
});

export async function scene(channel: Conformance, options: { readonly start?: boolean } = {}): Promise<Scene> {
  const platform = await channel.start();
  endings.push(() => platform.close());
  const statuses: ChannelStatus[] = [];
  const lines: string[] = [];
  let waiting: { readonly fits: (status: ChannelStatus) => boolean; readonly done: (status: ChannelStatus) => void }[] = [];
  const line = (fields: object, message: string): void => void lines.push(JSON.stringify([fields, message]));
  const log: Logger = { debug: line, info: line, warn: line, error: line };

  const create = (): Pick<Scene, 'inbox' | 'adapter'> => {
    const inbox = createInbox();
    const adapter = platform.adapter({
      onInbound: inbox.onInbound,
      log,
      onStatus(status) {
        statuses.push(status);
        const met = waiting.filter(({ fits }) => fits(status));
        waiting = waiting.filter((one) => !met.includes(one));
        for (const { done } of met) done(status);
      },
    });
    endings.push(() => adapter.stop());
    return { inbox, adapter };
  };
  const first = create();
  if (options.start !== false) first.adapter.start();
  return {
    platform,
    ...first,
    statuses,
    lines,
    status: (fits) => new Promise((done) => (fits(first.adapter.status()) ? done(first.adapter.status()) : waiting.push({ fits, done }))),
    again: create,
  };
}
