/**
 * The state of one account's connection.
 * Invariants: listeners hear every change of state or of error code, and nothing else; no secret it was told of leaves it.
 */
import type { ChannelAccount, ChannelState, ChannelStatus } from '../../core/channel.js';

export interface Trouble {
  readonly code: string;
  readonly message: string;
  /** What the person reading it can do. */
  readonly hint?: string;
}

export interface StatusKeeper {
  get(): ChannelStatus;
  /** @param trouble kept until the next `connected` without one */
  enter(state: ChannelState, trouble?: Trouble): void;
  /** Something went wrong and the connection stands. */
  note(trouble: Trouble): void;
  /** Takes back a note of this code. */
  mended(code: string): void;
  self(name: string): void;
  alive(): void;
  inbound(): void;
  outbound(): void;
  /** From now on this text is never shown. */
  hide(secret: string): void;
}

export function createStatus(account: ChannelAccount, onStatus: (status: ChannelStatus) => void): StatusKeeper {
  const secrets = new Set<string>();
  let status: ChannelStatus = { channel: account.channel, account: account.account, state: 'stopped', since: Date.now() };

  const shown = (text: string): string => [...secrets].reduce((clean, secret) => clean.replaceAll(secret, '***'), text);
  const told = ({ code, message, hint }: Trouble): ChannelStatus['lastError'] => ({ code, message: shown(message), ...(hint === undefined ? {} : { hint: shown(hint) }), at: Date.now() });

  function change(next: ChannelStatus): void {
    const differs = next.state !== status.state || next.lastError?.code !== status.lastError?.code;
    status = next;
    if (differs) onStatus(status);
  }

  return {
    get: () => status,
    enter(state, trouble) {
      const { lastError: _before, ...rest } = status;
      const error = trouble ? told(trouble) : state === 'connected' ? undefined : status.lastError;
      change({ ...rest, state, since: state === status.state ? status.since : Date.now(), ...(error ? { lastError: error } : {}) });
    },
    note: (trouble) => change({ ...status, lastError: told(trouble) as NonNullable<ChannelStatus['lastError']> }),
    mended(code) {
      const { lastError, ...rest } = status;
      if (lastError?.code === code) change(rest);
    },
    self(name) {
      status = { ...status, self: name };
    },
    alive() {
      status = { ...status, lastAliveAt: Date.now() };
    },
    inbound() {
      status = { ...status, lastInboundAt: Date.now() };
    },
    outbound() {
      status = { ...status, lastOutboundAt: Date.now() };
    },
    hide(secret) {
      if (secret !== '') secrets.add(secret);
    },
  };
}
