/**
 * Telegram, by long polling: nothing listens. Puts the pieces of one account together.
 * Invariant: stopping ends what receives; a send that is under way ends by itself.
 */
import { messageOf } from '../../core/errors.js';
import type { AdapterFactory, Preview } from '../contract.js';
import { accountLog } from '../lib/log.js';
import { createStatus } from '../lib/status.js';
import { timingsOf } from '../lib/timings.js';
import { createClient, within } from './client.js';
import { createDraft, hasDrafts } from './drafts.js';
import { createGroupNotes } from './group-notes.js';
import { createIntake } from './intake.js';
import { createFetchMedia } from './media.js';
import { type Poller, startPolling } from './poll.js';
import { createSender } from './send.js';
import { apiRootOf, botToken, mediaLimit, settingsOf } from './settings.js';

export const createTelegram: AdapterFactory = (deps) => {
  const { config, media } = deps;
  const { channel, account } = config;
  const settings = settingsOf(config);
  const timings = timingsOf(deps.timings);
  const log = accountLog(deps.log, config);
  const status = createStatus(config, deps.onStatus);
  const client = createClient({ apiRoot: apiRootOf(settings), token: () => botToken(config, deps.env), status });
  const fetchMedia = createFetchMedia({ client, media, log, timings, maxBytes: mediaLimit(settings) });
  const sender = createSender({ channel, account, client, media, status, timings, ...(settings.textChunkLimit === undefined ? {} : { chunkLimit: settings.textChunkLimit }) });
  const under = new Set<Promise<unknown>>();
  const onUpdate = createGroupNotes(log);
  const drafts = new Set<Preview>();
  let lastDraft = Date.now() % 1_000_000_000;
  let poller: Poller | undefined;

  /** Until it is answered the button shows that it waits. */
  function onPressed(queryId: string): void {
    const answered: Promise<unknown> = Promise.resolve()
      .then(() => client.api().answerCallbackQuery(queryId, {}, within(timings.call)))
      .catch((error: unknown) => log.debug({ error: messageOf(error) }, 'Telegram: a pressed button was not acknowledged'))
      .finally(() => under.delete(answered));
    under.add(answered);
  }

  return {
    channel,
    account,
    sender,
    status: status.get,
    start() {
      poller ??= startPolling({
        client,
        status,
        log,
        timings,
        intakeOf: (self) => createIntake({ at: { account, self }, onInbound: deps.onInbound, fetchMedia, onUpdate, onPressed, status, log, timings }),
      });
    },
    async stop() {
      const stopped = poller;
      poller = undefined;
      await stopped?.stop();
      await Promise.all([...under, ...[...drafts].map((draft) => draft.close())]);
    },
    preview(to) {
      if (settings.streaming === 'off' || !hasDrafts(to)) return undefined;
      lastDraft += 1;
      const draft = createDraft({ client, timings, draftId: lastDraft }, to);
      const preview: Preview = { ...draft, close: () => draft.close().finally(() => drafts.delete(preview)) };
      drafts.add(preview);
      return preview;
    },
  };
};
