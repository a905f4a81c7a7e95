/**
 * Long polling. Not grammY's: its loop and its runner confirm updates whose handler failed or has not ended.
 *
 * Invariant: an offset is sent only as far as `intake` says; every request ends, so a hung connection is found without
 * traffic. While something is pending the server would answer at once with the same updates: then the pause is here.
 */
import type { User, UserFromGetMe } from 'grammy/types';
import { messageOf } from '../../core/errors.js';
import type { Logger } from '../../core/ports.js';
import type { AdapterTimings } from '../contract.js';
import { createBackoff, pause } from '../lib/backoff.js';
import type { StatusKeeper } from '../lib/status.js';
import { createWatchdog } from '../lib/watchdog.js';
import { type GrammySignal, type TelegramClient, within } from './client.js';
import { COMMANDS } from './commands.js';
import { toSetback } from './errors.js';
import type { Intake } from './intake.js';
import { ALLOWED_UPDATES } from './normalise.js';

export interface PollDeps {
  readonly client: TelegramClient;
  readonly status: StatusKeeper;
  readonly log: Logger;
  readonly timings: AdapterTimings;
  /** Called once the bot's own name is known. */
  readonly intakeOf: (self: User & Pick<UserFromGetMe, 'username'>) => Intake;
}

export interface Poller {
  /** Resolves when nothing runs any more. */
  stop(): Promise<void>;
}

/** The server's own most. */
const BATCH = 100;
/** The server answers within the watchdog's silence, with time for the way. */
const POLL_SHARE = 2 / 3;
/** First and longest pause between two looks while something stays pending. */
const LOOK_MIN_MS = 500;
const LOOK_MAX_MS = 5_000;
const HASTY_MS = 250;

export function startPolling(deps: PollDeps): Poller {
  const { client, status, log, timings } = deps;
  const stopping = new AbortController();
  let intake: Intake | undefined;
  const running = run();

  async function run(): Promise<void> {
    status.enter('starting');
    const lost = createBackoff(timings.backoffMin, timings.backoffMax);
    while (!stopping.signal.aborted) {
      try {
        await connect();
        await receive(() => lost.reset());
      } catch (error) {
        if (stopping.signal.aborted) break;
        const setback = toSetback(error);
        log.warn({ code: setback.trouble.code, error: setback.trouble.message }, 'Telegram: the connection does not work');
        status.enter(setback.type === 'refused' ? 'failed' : 'reconnecting', setback.trouble);
        await pause(setback.type === 'refused' ? timings.refusedRetry : setback.type === 'wait' ? setback.ms : lost.next(), stopping.signal);
      }
    }
  }

  async function connect(): Promise<void> {
    if (intake) return;
    const me = await client.api().getMe(within(timings.call, stopping.signal));
    status.self(`@${me.username}`);
    intake = deps.intakeOf(me);
    // The menu of commands is a courtesy: without it they work all the same.
    await client.api().setMyCommands(COMMANDS, {}, within(timings.call, stopping.signal)).catch((error: unknown) => log.info({ error: toSetback(error).trouble.message }, 'Telegram: the menu of commands was not set'));
  }

  async function receive(onAnswer: () => void): Promise<void> {
    // The first answer tells at once whether another program reads this bot.
    let seconds = 0;
    const soon = Math.min(timings.albumQuiet / 2, LOOK_MIN_MS);
    let look = soon;
    while (!stopping.signal.aborted && intake) {
      const askedAt = Date.now();
      const updates = await ask(seconds, stopping.signal);
      if (updates === undefined) throw new Error('a request was not answered in time');
      status.alive();
      onAnswer();
      if (status.get().state !== 'connected') status.enter('connected');
      const fresh = intake.take(updates, askedAt);
      // A server that does not wait, or repeats itself, must not make this a busy loop.
      if (fresh === 0 && seconds > 0 && Date.now() - askedAt < HASTY_MS) await pause(HASTY_MS, stopping.signal);
      await intake.settled(look);
      const pending = intake.pending() > 0;
      look = !pending || intake.collecting() ? soon : Math.min(look * 2, LOOK_MAX_MS);
      seconds = pending ? 0 : Math.max(1, Math.floor((timings.silence * POLL_SHARE) / 1_000));
    }
  }

  /** @returns undefined when there was no sign of life */
  async function ask(seconds: number, signal: AbortSignal): ReturnType<typeof once> {
    const dead = new AbortController();
    const watchdog = createWatchdog(timings.silence, () => dead.abort());
    watchdog.alive();
    try {
      return await once(seconds, BATCH, AbortSignal.any([signal, dead.signal]));
    } catch (error) {
      if (dead.signal.aborted) return undefined;
      throw error;
    } finally {
      watchdog.stop();
    }
  }

  async function once(seconds: number, limit: number, signal: AbortSignal): Promise<Parameters<Intake['take']>[0] | undefined> {
    const offset = intake?.offset();
    return client.api().getUpdates({ timeout: seconds, limit, allowed_updates: ALLOWED_UPDATES, ...(offset === undefined ? {} : { offset }) }, signal as unknown as GrammySignal);
  }

  return {
    async stop() {
      const { state } = status.get();
      stopping.abort();
      // Both at once: the loop may be waiting for the intake.
      await Promise.all([running, intake?.stop()]);
      // Saves the next start the same updates again. Only what is durable: the offset is the intake's.
      if (state === 'connected' && intake?.offset() !== undefined) {
        await once(0, 1, AbortSignal.timeout(Math.min(timings.call, 3_000))).catch((error: unknown) => log.debug({ error: messageOf(error) }, 'Telegram: nothing more was confirmed at the stop'));
      }
      status.enter('stopped');
    },
  };
}
