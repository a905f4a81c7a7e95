/** Telegram, by long polling: nothing listens. */
import type { AdapterFactory } from '../contract.js';

export const createTelegram: AdapterFactory = () => {
  throw new Error('not yet');
};
