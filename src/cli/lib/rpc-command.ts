/**
 * A command that talks to a running gateway.
 * Invariant: the connection is closed however the command ends.
 */
import * as Flags from '@oclif/core/flags';
import { BaseCommand, type RootFlags } from './base.js';
import { connectGateway, type Gateway, type GatewayTarget } from './client.js';
import { usageError } from './fail.js';

/** A gateway that works answers any of these in milliseconds; past this it hangs. */
export const DEFAULT_TIMEOUT_MS = 10_000;

export interface RpcFlags extends RootFlags {
  readonly url?: string | undefined;
  readonly token?: string | undefined;
  readonly timeout?: number | undefined;
}

export abstract class RpcCommand extends BaseCommand {
  static override enableJsonFlag = true;

  static override baseFlags = {
    ...BaseCommand.baseFlags,
    url: Flags.string({ description: 'Address of the gateway.', helpGroup: 'GATEWAY', helpValue: 'ws://127.0.0.1:18789' }),
    token: Flags.string({ description: 'Its token (also: OPENCLAW_GATEWAY_TOKEN).', helpGroup: 'GATEWAY', helpValue: '<token>' }),
    timeout: Flags.integer({ description: 'Milliseconds to wait for it.', helpGroup: 'GATEWAY', min: 1, helpValue: '<ms>' }),
  };

  async target(flags: RpcFlags): Promise<GatewayTarget> {
    const { connectionOf } = await import('../../host/connection.js');
    const connection = connectionOf(this.install(flags));
    if (flags.url !== undefined && !/^wss?:\/\//.test(flags.url)) throw usageError(`--url must begin with ws:// or wss://, not "${flags.url}"`);
    const token = flags.token ?? connection.token;
    return {
      url: flags.url ?? connection.url,
      version: this.config.version,
      debug: flags['log-level'] === 'debug' || flags['log-level'] === 'trace',
      ...(token === undefined ? {} : { token }),
    };
  }

  async withGateway<T>(flags: RpcFlags, use: (gateway: Gateway) => Promise<T>): Promise<T> {
    const gateway = await connectGateway(await this.target(flags), { timeoutMs: flags.timeout ?? DEFAULT_TIMEOUT_MS });
    try {
      return await use(gateway);
    } finally {
      gateway.close();
    }
  }
}
