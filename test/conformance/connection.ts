/** A connection mends itself, and says what is wrong while it does. */
import { expect, it } from 'vitest';
import type { Conformance, Platform } from './platform.js';
import { scene } from './scene.js';

export function connectionPromises(channel: Conformance, has: ReadonlySet<keyof Platform>): void {
  it('is connected under its own name, and stopped when it is stopped', async () => {
    const { adapter, status, statuses } = await scene(channel);
    const connected = await status(({ state }) => state === 'connected');
    expect(connected.self).toMatch(/\S/);
    expect(connected.lastError).toBeUndefined();
    await adapter.stop();
    expect(adapter.status().state).toBe('stopped');
    expect(statuses.map(({ state }) => state)).toEqual(['starting', 'connected', 'stopped']);
  });

  if (has.has('down') && has.has('up')) {
    it('comes back after the platform was away, with what was written meanwhile', async () => {
      const { platform, inbox, status } = await scene(channel);
      await status(({ state }) => state === 'connected');
      await platform.down?.();
      const away = await status(({ state }) => state === 'reconnecting');
      expect(away.lastError?.code).toBe('CHANNEL_UNREACHABLE');
      await platform.writes('while away');
      await platform.up?.();
      await inbox.until(1);
      expect((await status(({ state }) => state === 'connected')).lastError).toBeUndefined();
      expect(inbox.texts()).toEqual(['while away']);
    });

    it('starts while the platform is away, and stops then too', async () => {
      const { platform, adapter, status, again } = await scene(channel, { start: false });
      await platform.down?.();
      adapter.start();
      await status(({ state }) => state === 'reconnecting');
      await adapter.stop();
      expect(adapter.status().state).toBe('stopped');
      const next = again();
      next.adapter.start();
      await platform.up?.();
      await platform.writes('now');
      await next.inbox.until(1);
    });
  }

  if (has.has('hang')) {
    it('notices a connection that has died without a word', async () => {
      const { platform, inbox, status } = await scene(channel);
      await status(({ state }) => state === 'connected');
      const dead = platform.hang?.();
      const noticed = await status(({ state }) => state === 'reconnecting');
      expect(noticed.lastError?.code).toBe('CHANNEL_UNREACHABLE');
      dead?.lift();
      await platform.writes('still there?');
      await inbox.until(1);
      await status(({ state }) => state === 'connected');
    });
  }

  if (has.has('refuseAccount') && has.has('attempts')) {
    it('says what to do when its account is refused, does not hammer, and comes back when it is mended', async () => {
      const { platform, adapter, status, inbox } = await scene(channel, { start: false });
      platform.refuseAccount?.();
      adapter.start();
      const failed = await status(({ state }) => state === 'failed');
      expect(failed.lastError?.code).toBe('CHANNEL_AUTH');
      expect(failed.lastError?.hint).toMatch(/\S/);
      await platform.untilAttempts?.(3);
      const [first = 0, second = 0, third = 0] = platform.attempts?.() ?? [];
      // The suite's own `refusedRetry`, less what timers may be early.
      expect(Math.min(second - first, third - second)).toBeGreaterThan(250);
      platform.acceptAccount?.();
      await status(({ state }) => state === 'connected');
      await platform.writes('welcome back');
      await inbox.until(1);
    });
  }

  it('shows its credentials neither in a status nor in the log', async () => {
    const { platform, adapter, status, statuses, lines, inbox } = await scene(channel);
    await platform.writes('x');
    await inbox.until(1);
    await platform.down?.();
    if (platform.down) await status(({ state }) => state === 'reconnecting');
    await adapter.sender.send(platform.address.first, adapter.sender.render('x', [])[0]!, 'key-1').catch((error: unknown) => expect(`${String(error)} ${JSON.stringify(error)}`).not.toContain(platform.secret));
    await adapter.stop();
    expect(JSON.stringify([statuses, adapter.status(), lines])).not.toContain(platform.secret);
  });
}
