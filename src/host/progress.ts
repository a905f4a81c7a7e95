/**
 * What people on a messenger see while the agent works: that it is typing, and the answer as it is written where the
 * platform shows that. A courtesy: driven by the bus, never awaited by a turn, lost with a restart.
 */
import type { ChannelAdapter, Preview } from '../adapters/contract.js';
import { type Address, addressOf } from '../core/channel.js';
import type { RunEvent } from '../core/events.js';
import { messageOf } from '../core/errors.js';
import { RPC_CHANNEL } from '../core/names.js';
import type { Logger, RunEvents } from '../core/ports.js';
import { inboundByRun } from '../storage/inbound.js';
import type { Db } from '../storage/sqlite.js';

export interface ProgressDeps {
  readonly db: Db;
  readonly events: RunEvents;
  readonly adapter: (channel: string, account: string) => ChannelAdapter | undefined;
  readonly log: Logger;
}

interface Shown {
  readonly to: Address;
  readonly adapter: ChannelAdapter;
  readonly typing: NodeJS.Timeout;
  preview?: Preview | undefined;
  text: string;
}

/** Platforms show it for about five seconds. */
const TYPING_MS = 4_000;

/** @returns how to end it */
export function showProgress({ db, events, adapter, log }: ProgressDeps): () => void {
  const shown = new Map<string, Shown>();
  /** Runs whose row is being looked up: their end may come first. */
  const beginning = new Set<string>();

  const unsubscribe = events.subscribe((event) => {
    handle(event).catch((error: unknown) => log.debug({ run: event.run, error: messageOf(error) }, 'progress was not shown'));
  });

  async function handle(event: RunEvent): Promise<void> {
    switch (event.type) {
      case 'start':
        return begin(event.run);
      case 'text': {
        const run = shown.get(event.run);
        if (!run) return;
        run.text += event.delta;
        run.preview ??= previewOf(run);
        run.preview?.update(run.text);
        return;
      }
      // Each answer is shown from its beginning.
      case 'model':
      case 'reset': {
        const run = shown.get(event.run);
        if (run) run.text = '';
        return;
      }
      case 'end':
        beginning.delete(event.run);
        return finish(event.run);
      default:
    }
  }

  async function begin(hash: string): Promise<void> {
    if (shown.has(hash) || beginning.has(hash)) return;
    beginning.add(hash);
    const inbound = await inboundByRun(db, hash);
    if (!beginning.delete(hash) || !inbound || inbound.message.channel === RPC_CHANNEL || inbound.request.background === true) return;
    const { channel, account } = inbound.message;
    const used = adapter(channel, account);
    if (!used) return;
    const to = addressOf(inbound.message);
    const type = (): void => void used.sender.typing?.(to).catch(() => undefined);
    type();
    shown.set(hash, { to, adapter: used, typing: setInterval(type, TYPING_MS).unref(), text: '' });
  }

  async function finish(hash: string): Promise<void> {
    const run = shown.get(hash);
    if (!run) return;
    shown.delete(hash);
    clearInterval(run.typing);
    await run.preview?.close();
  }

  return () => {
    unsubscribe();
    for (const hash of shown.keys()) void finish(hash).catch(() => undefined);
  };
}

/** One that would have to become the first part of the delivery is not begun: the delivery sends its own. */
function previewOf({ adapter, to }: Shown): Preview | undefined {
  const preview = adapter.preview?.(to);
  if (preview?.kind === 'ephemeral') return preview;
  void preview?.close();
  return undefined;
}
