/**
 * Everything that leaves through a messenger, outside of a turn: enqueueing, waking, the owner's word on dead letters.
 * Invariant: a row first, then a wake; a lost wake is found by the sweep, so that what was accepted is sent.
 */
import type { DeliveryState, NewDelivery } from '../core/channel.js';
import type { Delivery } from '../core/delivery.js';
import { invalidRequest, messageOf } from '../core/errors.js';
import { TIMINGS } from '../core/names.js';
import type { ChannelLine, DeliveryWaker, Logger } from '../core/ports.js';
import { type DeliveryCount, countUnsent, deliveriesOfRuns, deliveryById, discardDelivery, enqueueDelivery, lineOf, listDeliveries, reopenDelivery, staleLines } from '../storage/deliveries.js';
import type { Db } from '../storage/sqlite.js';
import type { DeliveryEngine } from './delivery-engine.js';

export interface DeliveryQuery {
  readonly states?: readonly DeliveryState[];
  readonly channel?: string;
  readonly account?: string;
  readonly limit: number;
}

export interface Deliveries extends DeliveryWaker {
  /** Durable once it resolves. The same id is sent once. @returns whether it was new */
  send(delivery: NewDelivery): Promise<boolean>;
  /** Newest first. */
  list(query: DeliveryQuery): Promise<readonly Delivery[]>;
  /** @param runs their hashes */
  ofRuns(runs: readonly string[]): Promise<readonly Delivery[]>;
  /** Of all that is not sent, by account and state. */
  counts(): Promise<readonly DeliveryCount[]>;
  /** Sends a failed or held one after all, at the end of its line. @throws CodedError INVALID_REQUEST */
  retry(id: string): Promise<void>;
  /** Puts one away unsent. @throws CodedError INVALID_REQUEST */
  discard(id: string): Promise<void>;
  /** Wakes lines that have something to send and whose workflow does not run. */
  sweep(): Promise<void>;
}

export interface DeliveriesDeps {
  readonly db: Db;
  readonly engine: DeliveryEngine;
  readonly log: Logger;
}

/** Lines looked at in one sweep; the next one sees the rest. */
const SWEPT = 500;

export function createDeliveries({ db, engine, log }: DeliveriesDeps, options: { readonly staleMs?: number } = {}): Deliveries {
  const staleMs = options.staleMs ?? TIMINGS.sweepEvery;
  let swept = false;

  async function wake(line: ChannelLine, dropped?: string): Promise<void> {
    try {
      await engine.wake(line, dropped === undefined ? {} : { dropped });
    } catch (error) {
      log.warn({ channel: line.channel, account: line.account, error: messageOf(error) }, 'engine away: the delivery is kept and sent later');
    }
  }

  async function known(id: string): Promise<ChannelLine> {
    const delivery = await deliveryById(db, id);
    if (!delivery) throw invalidRequest(`there is no delivery ${id}; \`openclaw delivery list\` shows those that were not sent`, { code: 'UNKNOWN_DELIVERY', id });
    return lineOf(delivery.to);
  }

  return {
    wake: (line) => wake(line),
    async send(delivery) {
      const isNew = await db.transaction().execute((tx) => enqueueDelivery(tx, delivery));
      await wake(lineOf(delivery.to));
      return isNew;
    },
    list: (query) => listDeliveries(db, query),
    ofRuns: (runs) => deliveriesOfRuns(db, runs),
    counts: () => countUnsent(db),
    async retry(id) {
      const line = await known(id);
      if (!(await db.transaction().execute((tx) => reopenDelivery(tx, id)))) throw await notDead(id, 'only a failed or held one is sent again');
      await wake(line);
    },
    async discard(id) {
      const line = await known(id);
      if (!(await db.transaction().execute((tx) => discardDelivery(tx, id)))) throw await notDead(id, 'there is nothing to put away');
      await wake(line, id);
    },
    async sweep() {
      // Nobody woke a line while no process was there: the first look waits for nothing.
      const before = Date.now() - (swept ? staleMs : 0);
      for (const line of await staleLines(db, before, SWEPT)) {
        if (!(await engine.isRunning(line))) await engine.wake(line, {});
      }
      swept = true;
    },
  };

  async function notDead(id: string, why: string): Promise<Error> {
    return invalidRequest(`delivery ${id} is ${(await deliveryById(db, id))?.state ?? 'gone'}: ${why}`, { code: 'DELIVERY_STATE', id });
  }
}
