/** Watches a Temporal server that is not ours, so that `/readyz`, `status` and the sweeper know when it went and came. */
import type { Client } from '@temporalio/client';
import { messageOf } from '../core/errors.js';

const EVERY_MS = 5_000;
const ANSWER_MS = 3_000;

export interface ExternalWatch {
  onDown(reason: string): void;
  onUp(): void;
}

/** @returns the function that ends it */
export function watchExternal(client: Client, watch: ExternalWatch, everyMs = EVERY_MS): () => void {
  let up = true;
  const look = async (): Promise<void> => {
    try {
      await client.withDeadline(Date.now() + ANSWER_MS, () => client.workflowService.getSystemInfo({}));
      if (!up) watch.onUp();
      up = true;
    } catch (error) {
      if (up) watch.onDown(messageOf(error));
      up = false;
    }
  };
  let looking = Promise.resolve();
  const timer = setInterval(() => (looking = looking.then(look)), everyMs);
  return () => clearInterval(timer);
}
