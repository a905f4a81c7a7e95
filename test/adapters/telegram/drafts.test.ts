/** An answer that is shown while it is written: only where Telegram has drafts, seldom enough, and never in the way. */
import { expect, it } from 'vitest';
import type { Address } from '../../../src/core/channel.js';
import { telegram } from './standin.js';

const direct = (id: number): Address => ({ channel: 'telegram', account: 'default', conversation: { kind: 'direct', id: String(id) } });

it('shows the text so far in a private chat, its end when it is long, and far fewer times than it changes', async () => {
  const { tg, adapter } = await telegram({ start: false });
  const chat = tg.privateChat(tg.person());
  const preview = adapter.preview?.(direct(chat.id));
  expect(preview?.kind).toBe('ephemeral');
  preview?.update('');
  await tg.until(() => tg.drafts(chat)[0]?.text === '');
  for (let words = 1; words <= 50; words++) preview?.update(`${'word '.repeat(words)}**${words}**`);
  await tg.until(() => tg.drafts(chat)[0]?.text.endsWith('50'));
  preview?.update(`${'x '.repeat(4_000)}the end`);
  await tg.until(() => tg.drafts(chat)[0]?.text.endsWith('the end'));
  expect(tg.drafts(chat)).toHaveLength(1);
  const [first = 0, second = 0, third = 0, ...more] = tg.callsOf('sendMessageDraft').map(({ at }) => at);
  expect(more).toEqual([]);
  expect(Math.min(second - first, third - second)).toBeGreaterThan(950);
  await preview?.close();
  preview?.update('too late');
  expect(tg.callsOf('sendMessageDraft')).toHaveLength(3);
});

it('has none in groups, and none when it is switched off', async () => {
  const { tg, adapter } = await telegram({ start: false });
  const group = tg.group({ members: [tg.person()] });
  expect(adapter.preview?.({ channel: 'telegram', account: 'default', conversation: { kind: 'group', id: String(group.id) } })).toBeUndefined();
  const off = await telegram({ start: false, settings: { streaming: 'off' } });
  expect(off.adapter.preview?.(direct(1))).toBeUndefined();
});

it('waits when it is told to, and goes on', async () => {
  const { tg, adapter } = await telegram({ start: false });
  const chat = tg.privateChat(tg.person());
  const limit = tg.limit('sendMessageDraft', { retryAfter: 2 });
  const preview = adapter.preview?.(direct(chat.id));
  preview?.update('one');
  await limit.met;
  preview?.update('two');
  // A call before its time would be a violation, which the end of the test finds.
  await tg.until(() => tg.drafts(chat)[0]?.text === 'two');
});

it('ends when Telegram refuses it', async () => {
  const { tg, adapter } = await telegram({ start: false });
  const chat = tg.privateChat(tg.person());
  const refusal = tg.fail('sendMessageDraft', { status: 400, description: 'Bad Request: whatever' });
  const preview = adapter.preview?.(direct(chat.id));
  preview?.update('one');
  await refusal.met;
  await preview?.close();
  preview?.update('two');
  await adapter.sender.send(direct(chat.id), adapter.sender.render('the answer', [])[0]!, 'key');
  expect([tg.callsOf('sendMessageDraft').length, tg.texts(chat)]).toEqual([1, ['the answer']]);
});

it('brings the stop button of a draft as /stop', async () => {
  const { tg, adapter, inbox } = await telegram();
  const ann = tg.person({ firstName: 'Ann' });
  const chat = tg.privateChat(ann);
  adapter.preview?.(direct(chat.id))?.update('writing');
  const draft = await tg.until(() => tg.drafts(chat)[0]);
  ann.stops(chat, draft.draftId);
  const [message] = await inbox.until(1);
  expect(message).toMatchObject({ text: '/stop', sender: { id: String(ann.id) }, conversation: { kind: 'direct', id: String(ann.id) } });
});
