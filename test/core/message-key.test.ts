/** Message keys: unique over channels, conversations and what happened to a message; separators in ids cannot collide. */
import { expect, it } from 'vitest';
import { type InboundEvent, type InboundMessage, messageKey } from '../../src/core/message.js';

type Keyed = Parameters<typeof messageKey>[0];
const message = (over: Partial<InboundMessage> = {}): Keyed => ({
  channel: 'telegram', account: 'bot', conversation: { kind: 'direct', id: 'c' }, sender: { id: 'ann' }, messageId: 'm', event: { type: 'message' }, ...over,
});
const event = (type: InboundEvent, sender = 'ann'): string => messageKey(message({ event: type, sender: { id: sender } }));

it('is the same for the same message, whoever reads it and whatever its text', () => {
  expect(messageKey(message())).toBe(messageKey(message({ sender: { id: 'other' }, text: 'x', time: 5 })));
});

it('differs when channel, account, conversation or message id differ', () => {
  const keys = [
    messageKey(message()),
    messageKey(message({ channel: 'discord' })),
    messageKey(message({ account: 'second' })),
    messageKey(message({ conversation: { kind: 'direct', id: 'd' } })),
    messageKey(message({ messageId: 'n' })),
  ];
  expect(new Set(keys).size).toBe(keys.length);
});

it('differs between equally named threads of two conversations', () => {
  const inTopic = (parentId: string): string => messageKey(message({ conversation: { kind: 'thread', id: '7', parentId } }));
  expect(inTopic('-1001')).not.toBe(inTopic('-1002'));
});

it('differs for a message, each version of its edits, its deletion, and each reaction of each person, given and taken back', () => {
  const keys = [
    event({ type: 'message' }),
    event({ type: 'edit', version: '1' }),
    event({ type: 'edit', version: '2' }),
    event({ type: 'delete' }),
    event({ type: 'reaction', emoji: '👍', removed: false }),
    event({ type: 'reaction', emoji: '👍', removed: true }),
    event({ type: 'reaction', emoji: '👎', removed: false }),
    event({ type: 'reaction', emoji: '👍', removed: false }, 'bob'),
  ];
  expect(new Set(keys).size).toBe(keys.length);
});

it('cannot be made to collide by separators inside ids', () => {
  const parts = ['a', 'a/b', 'a/b/c', '/', 'a%2Fb', '#delete', 'm#delete', 'm#edit/1', 'on', 'x/on', ''];
  const seen = new Map<string, string>();
  const add = (m: Keyed): void => {
    const identity = JSON.stringify([m.channel, m.account, m.conversation.id, m.messageId, m.event, m.event.type === 'reaction' ? m.sender.id : '']);
    const key = messageKey(m);
    expect(seen.get(key) ?? identity, `two messages share ${key}`).toBe(identity);
    seen.set(key, identity);
  };
  for (const channel of parts) for (const account of parts) for (const id of parts) for (const messageId of parts) add(message({ channel, account, conversation: { kind: 'direct', id }, messageId }));
  for (const messageId of parts) {
    add(message({ messageId, event: { type: 'delete' } }));
    for (const version of parts) add(message({ messageId, event: { type: 'edit', version } }));
    for (const sender of parts) for (const emoji of parts) for (const removed of [true, false]) add(message({ messageId, sender: { id: sender }, event: { type: 'reaction', emoji, removed } }));
  }
});

it('can be made of any text, also of half a surrogate pair', () => {
  expect(() => messageKey(message({ messageId: '\ud800' }))).not.toThrow();
});
