/** What was written is stored before the platform may forget it. */
import { expect, it } from 'vitest';
import { messageKey } from '../../src/core/message.js';
import type { Conformance, Platform } from './platform.js';
import { scene } from './scene.js';

export function inboundPromises(channel: Conformance, has: ReadonlySet<keyof Platform>): void {
  const confirms = has.has('isTaken') && has.has('untilTaken') && has.has('untilAsked');

  it('brings a message with its text, sender, conversation and time', async () => {
    const { platform, inbox } = await scene(channel);
    const id = await platform.writes('hello');
    const [message] = await inbox.until(1);
    const { channel: name, account, conversation } = platform.address.first;
    expect(message).toMatchObject({ channel: name, account, conversation: { id: conversation.id, kind: conversation.kind }, messageId: id, event: { type: 'message' }, text: 'hello', attachments: [] });
    expect(message?.sender.id).not.toBe('');
    expect(Math.abs((message?.time ?? 0) - Date.now())).toBeLessThan(120_000);
  });

  it('keeps the order of a conversation', async () => {
    const { platform, inbox } = await scene(channel);
    const wanted = Array.from({ length: 12 }, (_, index) => `message ${index}`);
    for (const text of wanted) await platform.writes(text);
    await inbox.until(wanted.length);
    expect(inbox.texts()).toEqual(wanted);
  });

  it('offers what could not be stored again and again, before its successors there, and holds back no other conversation', async () => {
    const { platform, inbox, status } = await scene(channel);
    inbox.refuse('first', 3);
    const held = inbox.hold('elsewhere');
    await platform.writes('first');
    await platform.writes('second');
    await platform.writes('elsewhere', 'second');
    await held.reached;
    held.release();
    await inbox.until(3);
    expect(inbox.texts().filter((text) => text !== 'elsewhere')).toEqual(['first', 'second']);
    expect(inbox.offered.filter(({ text }) => text === 'first')).toHaveLength(4);
    await status(({ lastError }) => lastError === undefined);
  });

  it('says in its status that messages cannot be stored', async () => {
    const { platform, inbox, status } = await scene(channel);
    inbox.refuse('kept');
    await platform.writes('kept');
    expect((await status(({ lastError }) => lastError?.code === 'INBOUND_NOT_STORED')).lastError?.hint).toBeDefined();
    inbox.accept();
    await inbox.until(1);
  });

  if (confirms) {
    it('confirms a message only when it is stored', async () => {
      const { platform, inbox } = await scene(channel);
      const held = inbox.hold('slow');
      const id = await platform.writes('slow');
      await held.reached;
      // The adapter may ask as often as it likes meanwhile.
      await platform.untilAsked?.();
      expect(platform.isTaken?.(id)).toBe(false);
      held.release();
      await platform.untilTaken?.(id);
      expect(inbox.texts()).toEqual(['slow']);
    });

    it('leaves what could not be stored to the next process, and confirms nothing of it at the stop', async () => {
      const { platform, inbox, adapter, again } = await scene(channel);
      const stored = await platform.writes('stored');
      await platform.untilTaken?.(stored);
      inbox.refuse('refused');
      const refused = await platform.writes('refused');
      const behind = await platform.writes('behind', 'second');
      await inbox.until(2);
      await inbox.untilOffered('refused', 2);
      await adapter.stop();
      expect([refused, behind].map((id) => platform.isTaken?.(id))).toEqual([false, false]);

      const next = again();
      next.adapter.start();
      await next.inbox.until(2);
      await platform.untilTaken?.(behind);
      // What was stored before and not confirmed comes as a repeat: under the same key.
      expect(next.inbox.texts().toSorted()).toEqual(['behind', 'refused']);
      expect(inbox.keys()).toContain(messageKey(next.inbox.stored.find(({ text }) => text === 'behind')!));
    });

    it('ends a stop only after the message that is being stored', async () => {
      const { platform, inbox, adapter, again } = await scene(channel);
      const held = inbox.hold('in hand');
      const id = await platform.writes('in hand');
      await held.reached;
      let stopped = false;
      const stop = adapter.stop().then(() => void (stopped = true));
      // Time enough for a stop that does not wait: another process connects, and gets the message that is not confirmed.
      const next = again();
      const heldThere = next.inbox.hold('in hand');
      next.adapter.start();
      await heldThere.reached;
      await platform.untilAsked?.();
      expect([stopped, platform.isTaken?.(id)]).toEqual([false, false]);
      held.release();
      await stop;
      expect(inbox.texts()).toEqual(['in hand']);
      heldThere.release();
    });
  }

  if (has.has('repeats')) {
    it('gives a repeated message no second key', async () => {
      const { platform, inbox } = await scene(channel);
      platform.repeats?.();
      const id = await platform.writes('once');
      await inbox.until(1);
      await platform.untilTaken?.(id);
      await platform.writes('and another');
      await inbox.untilOffered('and another');
      await inbox.until(2);
      expect(new Set(inbox.keys()).size).toBe(2);
    });
  }

  if (has.has('presses')) {
    it('brings a pressed button as its command, in reply to the message it stands under', async () => {
      const { platform, inbox, adapter } = await scene(channel);
      const [part] = adapter.sender.render('Run it?', [], [[{ label: 'Yes', command: '/approve 7f3k allow-once' }, { label: 'No', command: '/approve 7f3k deny' }]]);
      const sent = await adapter.sender.send(platform.address.first, part!, 'key-1');
      expect((await platform.shown())[0]?.buttons).toEqual(['Yes', 'No']);
      await platform.presses?.('Yes');
      const [message] = await inbox.until(1);
      expect(message).toMatchObject({ text: '/approve 7f3k allow-once', conversation: { id: platform.address.first.conversation.id }, replyTo: { messageId: sent.platformIds[0], self: true } });
    });
  }
}
