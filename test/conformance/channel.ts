/**
 * The contract of every messenger adapter (src/adapters/contract.ts), as promises. Each adapter's test file calls this
 * with its stand-in; a stand-in without a control leaves out only the promises that need it.
 */
import { describe } from 'vitest';
import { inboundPromises } from './inbound.js';
import { connectionPromises } from './connection.js';
import { outboundPromises } from './outbound.js';
import type { Conformance, Platform } from './platform.js';

/** @param controls those the stand-in has: known before it runs, so that no promise is silently passed over */
export function channelConformance(channel: Conformance, controls: readonly (keyof Platform)[]): void {
  describe(`the contract of a channel: ${channel.name}`, () => {
    inboundPromises(channel, new Set(controls));
    connectionPromises(channel, new Set(controls));
    outboundPromises(channel, new Set(controls));
  });
}
