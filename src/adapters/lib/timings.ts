/** Timings of every adapter, with their reasons. */
import type { AdapterTimings } from '../contract.js';

export const DEFAULT_TIMINGS: AdapterTimings = {
  backoffMin: 500,
  /** Long enough not to hammer, short enough that a person does not notice that the network came back late. */
  backoffMax: 30_000,
  /** A second program or a revoked token is mended by a person; a try a minute shows that it was. */
  refusedRetry: 60_000,
  /** Routers forget silent connections after a minute or more. */
  silence: 45_000,
  call: 30_000,
  /** 50 MB at 1.5 Mbit/s. */
  transfer: 300_000,
  /** Parts of an album arrive together; half a second is the network's share. */
  albumQuiet: 500,
};

export const timingsOf = (given: Partial<AdapterTimings> = {}): AdapterTimings => ({ ...DEFAULT_TIMINGS, ...given });
