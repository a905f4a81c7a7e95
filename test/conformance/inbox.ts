/** What stands behind `onInbound` in these tests: stores, refuses or waits as told; everything can be awaited. */
import { type InboundMessage, messageKey } from '../../src/core/message.js';

export interface Inbox {
  readonly onInbound: (message: InboundMessage) => Promise<void>;
  /** Stored, in order; a repeat is stored again. */
  readonly stored: readonly InboundMessage[];
  readonly texts: () => readonly string[];
  /** Every message that was offered, stored or not. */
  readonly offered: readonly InboundMessage[];
  keys(): readonly string[];
  /** Refuses messages with this text so many times. */
  refuse(text: string, times?: number): void;
  accept(): void;
  /** Holds messages with this text until released. */
  hold(text: string): { readonly reached: Promise<void>; release(): void };
  /** Resolves when so many are stored. */
  until(count: number): Promise<readonly InboundMessage[]>;
  untilOffered(text: string, times?: number): Promise<void>;
}

export function createInbox(): Inbox {
  const stored: InboundMessage[] = [];
  const offered: InboundMessage[] = [];
  const refusals = new Map<string, number>();
  const gates = new Map<string, { readonly reached: PromiseWithResolvers<void>; readonly open: PromiseWithResolvers<void> }>();
  let waiting: { readonly met: () => boolean; readonly done: () => void }[] = [];
  const changed = (): void => {
    const met = waiting.filter((one) => one.met());
    waiting = waiting.filter((one) => !met.includes(one));
    for (const { done } of met) done();
  };
  const when = (met: () => boolean): Promise<void> => new Promise((done) => (met() ? done() : waiting.push({ met, done })));

  return {
    stored,
    offered,
    texts: () => stored.map(({ text }) => text),
    keys: () => stored.map(messageKey),
    async onInbound(message) {
      offered.push(message);
      changed();
      const gate = gates.get(message.text);
      if (gate) {
        gate.reached.resolve();
        await gate.open.promise;
      }
      const left = refusals.get(message.text) ?? 0;
      if (left > 0) {
        refusals.set(message.text, left - 1);
        throw new Error('the store is away');
      }
      stored.push(message);
      changed();
    },
    refuse: (text, times = Infinity) => void refusals.set(text, times),
    accept: () => refusals.clear(),
    hold(text) {
      const gate = { reached: Promise.withResolvers<void>(), open: Promise.withResolvers<void>() };
      gates.set(text, gate);
      return {
        reached: gate.reached.promise,
        release: () => {
          gates.delete(text);
          gate.open.resolve();
        },
      };
    },
    async until(count) {
      await when(() => stored.length >= count);
      return stored;
    },
    untilOffered: (text, times = 1) => when(() => offered.filter((one) => one.text === text).length >= times),
  };
}
