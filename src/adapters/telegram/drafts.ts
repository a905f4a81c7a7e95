/**
 * An answer shown while it is written, in private chats: Telegram's drafts, which vanish by themselves after 30 seconds or
 * with the answer. Groups have none; there the first part would have to be a message that delivery edits.
 * Invariants: one call at a time, no more often than people read; a refusal ends the preview, never the answer.
 */
import { GrammyError } from 'grammy';
import type { Address } from '../../core/channel.js';
import type { AdapterTimings, Preview } from '../contract.js';
import { parseMarkdown } from '../render/markdown.js';
import { renderParts } from '../render/render.js';
import { type TelegramClient, within } from './client.js';
import { isMarkupRefused } from './errors.js';
import { telegramHtml } from './html.js';

export interface DraftDeps {
  readonly client: TelegramClient;
  readonly timings: AdapterTimings;
  /** Names the draft among those of its chat; not 0. */
  readonly draftId: number;
}

/** Below it Telegram drops them, and nobody reads faster. */
const BETWEEN_MS = 1_000;

export const hasDrafts = (to: Address): boolean => to.conversation.kind === 'direct' && /^\d+$/.test(to.conversation.id);

export function createDraft({ client, timings, draftId }: DraftDeps, to: Address): Preview {
  const closing = new AbortController();
  let latest: string | undefined;
  let shown: string | undefined;
  let notBefore = 0;
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> | undefined;

  function schedule(): void {
    if (closing.signal.aborted || running || timer || latest === undefined || latest === shown) return;
    timer = setTimeout(() => {
      timer = undefined;
      running = show(latest ?? '').finally(() => {
        running = undefined;
        schedule();
      });
    }, Math.max(0, notBefore - Date.now()));
  }

  async function show(markdown: string): Promise<void> {
    shown = markdown;
    try {
      // Of a long answer its end: that is where it is written.
      const part = renderParts(parseMarkdown(markdown), telegramHtml).at(-1);
      await call(part?.text ?? '', true).catch((error: unknown) => (isMarkupRefused(error) ? call(part?.plain ?? '', false) : Promise.reject(error)));
      notBefore = Date.now() + BETWEEN_MS;
    } catch (error) {
      const wait = error instanceof GrammyError ? error.parameters.retry_after : 0;
      if (wait === undefined) closing.abort();
      else notBefore = Date.now() + Math.max(BETWEEN_MS, wait * 1_000);
    }
  }

  const call = (text: string, html: boolean): Promise<true> =>
    client.api().sendMessageDraft(Number(to.conversation.id), draftId, text, { can_stop: true, ...(html && text !== '' ? { parse_mode: 'HTML' } : {}), ...(to.thread === undefined ? {} : { message_thread_id: Number(to.thread) }) }, within(timings.call, closing.signal));

  return {
    kind: 'ephemeral',
    update(markdown) {
      latest = markdown;
      schedule();
    },
    async close() {
      closing.abort();
      clearTimeout(timer);
      await running;
      return undefined;
    },
  };
}
