/**
 * Sends run events to every client that may read them.
 * Invariant: how a run ended is told from its row, once per run and process, whatever the bus said or lost.
 */
import type { RunEvents } from '../core/ports.js';
import { createNarrator, type OutEvent } from './agent-events.js';
import { createCoalescer } from './coalesce.js';
import type { Connection } from './connection.js';
import { closingFrames } from './outcome.js';
import type { RunWatcher } from './wait.js';

export function startBroadcast(events: Pick<RunEvents, 'subscribe'>, watcher: RunWatcher, connections: ReadonlySet<Connection>): () => void {
  const narrator = createNarrator();
  const coalescer = createCoalescer((event) => send(narrator.tell(event)));
  const stops = [
    events.subscribe((event) => coalescer.push(event)),
    watcher.onEnded((ended) => {
      const { session, run, runId } = ended.row;
      coalescer.flush(run);
      send(narrator.close({ session, run, runId }, closingFrames(ended), Date.now()));
    }),
    () => coalescer.close(),
  ];
  return () => stops.forEach((stop) => stop());

  function send(out: readonly OutEvent[]): void {
    for (const { event, payload } of out) for (const connection of connections) connection.event(event, payload, 'operator.read');
  }
}
