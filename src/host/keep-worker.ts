/**
 * One worker that is kept: made anew when it fails. Invariant: stopping ends polls first and gives running steps the
 * worker's own limit; a worker made while everything stops lets go of its connection.
 */
import type { Worker } from '@temporalio/worker';
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../core/errors.js';
import type { Logger } from '../core/ports.js';

export interface KeptWorker {
  /** It polls. */
  running(): boolean;
  /** Resolves when its running steps are over, or cut. */
  stop(): Promise<void>;
}

const RESTART_MS = 1_000;

/** @throws what making it the first time throws */
export async function keepWorker(make: () => Promise<Worker>, log: Logger): Promise<KeptWorker> {
  let stopping = false;
  let worker = await make();
  const kept = keep();
  return {
    running: () => worker.getState() === 'RUNNING',
    async stop() {
      stopping = true;
      if (worker.getState() === 'RUNNING') worker.shutdown();
      await kept;
    },
  };

  async function keep(): Promise<void> {
    for (;;) {
      try {
        const running = worker.run();
        // Made while everything was being stopped: it must run to let go of its connection.
        if (stopping) worker.shutdown();
        await running;
        return;
      } catch (error) {
        if (stopping) return;
        log.error({ error: messageOf(error) }, 'a worker failed and is started again');
      }
      for (let made = false; !made; ) {
        await sleep(RESTART_MS);
        if (stopping) return;
        made = await make().then((next) => ((worker = next), true), (error: unknown) => (log.warn({ error: messageOf(error) }, 'the worker cannot start yet'), false));
      }
    }
  }
}
