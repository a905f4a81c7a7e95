/** What is sent is there once, and a failure says whether it may be. */
import { expect, it } from 'vitest';
import { type Address, type OutboundPart, SEND_FAILURES, SendError } from '../../src/core/channel.js';
import type { ChannelAdapter } from '../../src/adapters/contract.js';
import type { Conformance, Platform } from './platform.js';
import { scene } from './scene.js';

const FILE = new TextEncoder().encode('name,amount\nann,3\n');

export function outboundPromises(channel: Conformance, has: ReadonlySet<keyof Platform>): void {
  const render = (adapter: ChannelAdapter, markdown: string): OutboundPart => {
    const [part] = adapter.sender.render(markdown, []);
    if (!part) throw new Error('nothing was rendered');
    return part;
  };
  const failure = async (adapter: ChannelAdapter, to: Address, text = 'hello'): Promise<SendError> => {
    const error: unknown = await adapter.sender.send(to, render(adapter, text), 'key-1').then(() => undefined, (thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(SendError);
    return error as SendError;
  };

  it('sends a message before and without being started, and gives the platform\'s id', async () => {
    const { platform, adapter } = await scene(channel, { start: false });
    const { platformIds } = await adapter.sender.send(platform.address.first, render(adapter, 'hello'), 'key-1');
    expect((await platform.shown()).map(({ id, text }) => ({ id, text }))).toEqual([{ id: platformIds[0], text: 'hello' }]);
  });

  it('renders the same parts every time, none longer than the platform takes, and all of them can be sent', async () => {
    const { platform, adapter } = await scene(channel, { start: false });
    const markdown = `# Title\n\n${'A **sentence** with `code` & <signs>. '.repeat(300)}\n\n\`\`\`ts\n${'const x = 1;\n'.repeat(200)}\`\`\`\n`;
    const parts = adapter.sender.render(markdown, []);
    expect(adapter.sender.render(markdown, [])).toEqual(parts);
    expect(parts.length).toBeGreaterThan(1);
    for (const part of parts) {
      expect(part.plain.length).toBeLessThanOrEqual(adapter.sender.capabilities.textLimit);
      await adapter.sender.send(platform.address.first, part, 'key');
    }
    expect(await platform.shown()).toHaveLength(parts.length);
  });

  it('answers the message it is told to answer', async () => {
    const { platform, adapter, inbox } = await scene(channel);
    await platform.writes('question');
    const [asked] = await inbox.until(1);
    await adapter.sender.send(platform.address.first, { ...render(adapter, 'answer'), replyTo: asked!.messageId }, 'key-1');
    expect((await platform.shown()).map(({ replyTo }) => replyTo)).toEqual([asked!.messageId]);
  });

  it('sends a file as it is', async () => {
    const { platform, adapter } = await scene(channel, { start: false });
    const media = await platform.store(FILE, 'text/csv');
    const parts = adapter.sender.render('The table:', [{ kind: 'document', mime: 'text/csv', name: 'table.csv', size: FILE.byteLength, media }]);
    for (const part of parts) await adapter.sender.send(platform.address.first, part, 'key');
    const shown = await platform.shown();
    expect(shown.map(({ text }) => text).join(' ').trim()).toBe('The table:');
    if (platform.keepsFiles) expect(shown.flatMap(({ files = [] }) => files.map((file) => Buffer.from(file).toString()))).toEqual([Buffer.from(FILE).toString()]);
  });

  it('shows that it is writing, and never fails at it', async () => {
    const { platform, adapter } = await scene(channel, { start: false });
    if (!adapter.sender.capabilities.typing) return;
    await adapter.sender.typing?.(platform.address.first);
    await platform.down?.();
    await adapter.sender.typing?.(platform.address.first);
  });

  it('edits what it sent; the same text again is no failure', async () => {
    const { platform, adapter } = await scene(channel, { start: false });
    if (!adapter.sender.capabilities.edit) return;
    const { platformIds } = await adapter.sender.send(platform.address.first, render(adapter, 'before'), 'key-1');
    await adapter.sender.edit?.(platform.address.first, platformIds[0]!, render(adapter, 'after'));
    await adapter.sender.edit?.(platform.address.first, platformIds[0]!, render(adapter, 'after'));
    expect((await platform.shown()).map(({ text }) => text)).toEqual(['after']);
  });

  if (has.has('refusesMarkup')) {
    it('sends the plain text when the platform refuses the markup', async () => {
      const { platform, adapter } = await scene(channel, { start: false });
      platform.refusesMarkup?.();
      await adapter.sender.send(platform.address.first, render(adapter, 'some **bold** words'), 'key-1');
      expect((await platform.shown()).map(({ text }) => text)).toEqual(['some bold words']);
    });
  }

  if (has.has('limits')) {
    it('passes on how long the platform asked it to wait', async () => {
      const { platform, adapter } = await scene(channel, { start: false });
      platform.limits?.(3_000);
      const error = await failure(adapter, platform.address.first);
      expect([error.type, error.retryAfterMs]).toEqual([SEND_FAILURES.RateLimited, 3_000]);
      expect(await platform.shown()).toEqual([]);
    });
  }

  if (has.has('blocks')) {
    it('knows that a person has blocked it', async () => {
      const { platform, adapter } = await scene(channel, { start: false });
      platform.blocks?.();
      expect((await failure(adapter, platform.address.first)).type).toBe(SEND_FAILURES.Blocked);
    });
  }

  if (has.has('nowhere')) {
    it('knows that a conversation does not exist', async () => {
      const { platform, adapter } = await scene(channel, { start: false });
      expect((await failure(adapter, platform.nowhere!)).type).toBe(SEND_FAILURES.ChatGone);
    });
  }

  if (has.has('refuseAccount')) {
    it('knows that its account is refused', async () => {
      const { platform, adapter } = await scene(channel, { start: false });
      platform.refuseAccount?.();
      expect((await failure(adapter, platform.address.first)).type).toBe(SEND_FAILURES.ChannelAuth);
    });
  }

  if (has.has('down')) {
    it('is sure that nothing was sent when it could not connect', async () => {
      const { platform, adapter } = await scene(channel, { start: false });
      await platform.down?.();
      expect((await failure(adapter, platform.address.first)).type).toBe(SEND_FAILURES.Unreachable);
    });
  }

  if (has.has('cuts')) {
    it.each(['before', 'after'] as const)('does not claim to know when the connection was cut %s the effect', async (when) => {
      const { platform, adapter } = await scene(channel, { start: false });
      platform.cuts?.(when);
      expect((await failure(adapter, platform.address.first, 'maybe')).type).toBe(SEND_FAILURES.Uncertain);
      expect((await platform.shown()).map(({ text }) => text)).toEqual(when === 'before' ? [] : ['maybe']);
    });
  }

  if (has.has('hang')) {
    it('gives a send up that is never answered, and does not claim to know', async () => {
      const { platform, adapter } = await scene(channel, { start: false });
      const dead = platform.hang?.();
      expect((await failure(adapter, platform.address.first)).type).toBe(SEND_FAILURES.Uncertain);
      dead?.lift();
    });
  }
}
