/**
 * Activities of the delivery workflow: which delivery is next, its parts, each part's send, its end.
 * Invariants: each may be repeated at any time; a part is `begun` in its row before the platform is called, so a send
 * whose end nobody saw is known as such and is looked up, or sent again and marked, never silently repeated.
 */
import { ApplicationFailure } from '@temporalio/common';
import { type ChannelSender, type ChannelState, FINAL_SEND_FAILURES, type OutboundPart, REPEAT_MARK, SEND_FAILURES, SendError, type SentPart } from '../core/channel.js';
import type { EndDeliveryInput, NextDelivery, RenderDeliveryInput, RenderDeliveryResult, SendPartInput, SendPartResult } from '../core/delivery.js';
import { messageOf } from '../core/errors.js';
import { FAILURES, clip } from '../core/names.js';
import type { ChannelLine, Logger } from '../core/ports.js';
import { deliveryById, endDelivery, nextOfLine, type StoredDelivery } from '../storage/deliveries.js';
import { type StoredPart, beginPart, endPart, freezeParts, frozenParts, isUntouched, openPart, resetPart } from '../storage/delivery-parts.js';
import type { Db } from '../storage/sqlite.js';
import { rowAt } from '../storage/transcript.js';
import { whileHeartbeating } from './heartbeat.js';

/** On the queue of bookkeeping. */
export interface LineActivities {
  nextDelivery(line: ChannelLine): Promise<NextDelivery | undefined>;
  endDelivery(input: EndDeliveryInput): Promise<void>;
}
/** On the queue of the channel's account. */
export interface ChannelActivities {
  renderDelivery(input: RenderDeliveryInput): Promise<RenderDeliveryResult>;
  sendPart(input: SendPartInput): Promise<SendPartResult>;
}

export interface LineDeps {
  readonly db: Db;
  readonly log: Logger;
  /** As this process sees it; absent when no such account is configured. */
  channelState?(channel: string, account: string): ChannelState | undefined;
}

export interface ChannelDeps {
  readonly db: Db;
  readonly log: Logger;
  readonly sender: ChannelSender;
  /** What is older than this is held for the owner instead of sent. */
  staleMs(): number;
}

/** Longest message that goes into a history. */
const MESSAGE_MAX = 400;
/** An adapter that throws what it should not: after this many attempts the delivery ends, so that its line goes on. About a quarter of an hour. */
const ATTEMPTS_OF_FAULTY = 20;

export function createLineActivities({ db, log, channelState }: LineDeps): LineActivities {
  return {
    async nextDelivery(line) {
      const found = await nextOfLine(db, line);
      if (!found) return undefined;
      const state = channelState?.(line.channel, line.account);
      return { delivery: found.next.id, kind: found.next.kind, behind: found.behind, ...(state === undefined ? {} : { channel: state }) };
    },
    async endDelivery({ delivery, code, reason }) {
      const ended = await db.transaction().execute((tx) => endDelivery(tx, delivery, 'failed', `${code}: ${reason}`));
      if (ended) log.warn({ delivery, code }, 'a delivery ended without having been sent');
    },
  };
}

export function createChannelActivities({ db, log, sender, staleMs }: ChannelDeps): ChannelActivities {
  const isStale = ({ queuedAt }: StoredDelivery): boolean => Date.now() - queuedAt > staleMs();

  return {
    renderDelivery: ({ delivery }) =>
      whileHeartbeating(async ({ attempt }) => {
        const known = await deliveryById(db, delivery);
        if (known?.state === 'queued') {
          if (isStale(known)) return hold(delivery);
          const markdown = await textOf(known);
          const parts = await whenSound(attempt, () => sender.render(markdown, known.attachments, known.buttons));
          const { replyTo } = known;
          const addressed = parts.map((part, n) => (n === 0 && replyTo !== undefined ? { ...part, replyTo } : part));
          await db.transaction().execute((tx) => freezeParts(tx, delivery, addressed));
        }
        const frozen = await frozenParts(db, delivery);
        return frozen ? { state: 'frozen', ...frozen } : { state: 'over' };
      }),

    sendPart: ({ delivery, part: n }) =>
      whileHeartbeating(async ({ attempt }) => {
        const open = await openPart(db, delivery, n);
        if (!open) return { state: 'over' };
        const { part } = open;
        if (part.state === 'sent') return sentResult(1, part.repeated);
        // Held whole or not at all: what was begun is finished.
        if (isStale(open.delivery) && (await isUntouched(db, delivery))) return hold(delivery);
        const key = `${delivery}:${n}`;
        const earlier = part.state === 'begun' ? await whatBecame(open.delivery, key) : 'not sent';
        if (typeof earlier === 'object') return done(delivery, n, earlier, part.repeated);
        return send(open.delivery, part, key, earlier === 'unknown', attempt);
      }),
  };

  async function send({ id, to }: StoredDelivery, { n, part, repeated }: StoredPart, key: string, again: boolean, attempt: number): Promise<SendPartResult> {
    const begunAt = await db.transaction().execute((tx) => beginPart(tx, id, n, again));
    if (begunAt === undefined) return { state: 'over' };
    let sent: SentPart;
    try {
      sent = await whenSound(attempt, () => sender.send(to, again ? marked(part, sender.capabilities.textLimit) : part, key));
    } catch (error) {
      if (error instanceof SendError && error.type !== SEND_FAILURES.Uncertain) {
        const state = FINAL_SEND_FAILURES.includes(error.type) ? 'failed' : 'frozen';
        await db.transaction().execute((tx) => resetPart(tx, id, n, begunAt, state));
      }
      throw toSendFailure(error);
    }
    return done(id, n, sent, repeated || again);
  }

  /** An earlier attempt began this part and nobody knows how it ended. */
  async function whatBecame({ to }: StoredDelivery, key: string): Promise<SentPart | 'not sent' | 'unknown'> {
    // The platform drops the repeat by itself.
    if (sender.capabilities.idempotencyKey) return 'not sent';
    if (!sender.lookup || !sender.capabilities.lookup) return 'unknown';
    try {
      return await sender.lookup(to, key);
    } catch (error) {
      throw toSendFailure(error);
    }
  }

  async function done(delivery: string, n: number, sent: SentPart, repeated: boolean): Promise<SendPartResult> {
    await db.transaction().execute((tx) => endPart(tx, delivery, n, sent.platformIds));
    if (repeated) log.warn({ delivery, part: n }, 'a part was sent again: it is not known whether the first send arrived');
    return sentResult(sent.platformIds.length, repeated);
  }

  async function hold(delivery: string): Promise<{ readonly state: 'held' }> {
    const minutes = Math.round(staleMs() / 60_000);
    await db.transaction().execute((tx) => endDelivery(tx, delivery, 'held', `older than ${minutes} ${minutes === 1 ? 'minute' : 'minutes'} when it could be sent`));
    return { state: 'held' };
  }

  /** @throws ApplicationFailure when the row it was to say is not there */
  async function textOf({ source }: StoredDelivery): Promise<string> {
    if (source.type === 'text') return source.markdown;
    const content = (await rowAt(db, source.session, source.seq))?.content;
    if (content?.type === 'assistant' || content?.type === 'notice') return content.text;
    throw ApplicationFailure.nonRetryable(`row ${source.seq} of ${source.session} holds no answer`, 'AnswerGone');
  }
}

const sentResult = (messages: number, repeated: boolean): SendPartResult => ({ state: 'sent', messages, ...(repeated ? { repeated: true } : {}) });

/** Says in the text that it may be a repeat, where there is room. */
function marked(part: OutboundPart, textLimit: number): OutboundPart {
  if (part.plain.length + REPEAT_MARK.length > textLimit) return part;
  return { ...part, text: `${REPEAT_MARK}${part.text}`, plain: `${REPEAT_MARK}${part.plain}` };
}

/** An adapter throws {@link SendError}s; what else it throws is a fault of its own, whose effect nobody knows. */
async function whenSound<T>(attempt: number, call: () => T | Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    if (error instanceof SendError || attempt < ATTEMPTS_OF_FAULTY) throw error;
    throw ApplicationFailure.nonRetryable(clip(messageOf(error), MESSAGE_MAX), FAILURES.Internal);
  }
}

/** Coded for the workflow; the platform's delay is kept to. */
function toSendFailure(error: unknown): Error {
  if (!(error instanceof SendError)) return error instanceof ApplicationFailure ? error : ApplicationFailure.create({ message: clip(messageOf(error), MESSAGE_MAX), type: FAILURES.Internal });
  return ApplicationFailure.create({
    message: clip(error.message, MESSAGE_MAX),
    type: error.type,
    nonRetryable: FINAL_SEND_FAILURES.includes(error.type),
    ...(error.retryAfterMs === undefined ? {} : { nextRetryDelay: error.retryAfterMs }),
  });
}
