/**
 * The last events of every run, for clients that come late or come back.
 * Invariant: memory is bounded (events and bytes a run, runs in all), and `text` is what a client that had watched from
 * the start would show of the current step.
 */
import type { RunEvent } from '../core/events.js';
import type { RunEvents } from '../core/ports.js';

export interface RunRing {
  /** Kept events of a run (its hash), oldest first. */
  events(run: string): readonly RunEvent[];
  /** What the current step has said so far; undefined when nothing is known of the run. */
  text(run: string): RunText | undefined;
  close(): void;
}

export interface RunText {
  readonly runId: string;
  readonly step: number;
  readonly text: string;
}

export interface RingOptions {
  readonly maxEvents?: number;
  readonly maxBytes?: number;
  readonly maxRuns?: number;
  /** How long an ended run is kept, in milliseconds. */
  readonly keepMs?: number;
  readonly now?: () => number;
}

interface Entry {
  readonly runId: string;
  events: { readonly event: RunEvent; readonly bytes: number }[];
  bytes: number;
  step: number;
  attempt: number;
  text: string;
  endedAt?: number;
}

/** A chatty turn has some hundred deltas a step; this holds several steps. */
const MAX_EVENTS = 2_000;
const MAX_BYTES = 1024 * 1024;
/** At 1 MB each a bad day stays below what the process has. */
const MAX_RUNS = 256;
/** A client that reconnects does so within minutes; later the transcript has it all. */
const KEEP_MS = 5 * 60_000;

/** Only these count attempts of the model call; tool events count those of their own activity. */
const MODEL_EVENTS: ReadonlySet<RunEvent['type']> = new Set(['model', 'reset', 'text', 'thinking', 'answer']);

export function createRing(bus: Pick<RunEvents, 'subscribe'>, options: RingOptions = {}): RunRing {
  const maxEvents = options.maxEvents ?? MAX_EVENTS;
  const maxBytes = options.maxBytes ?? MAX_BYTES;
  const maxRuns = options.maxRuns ?? MAX_RUNS;
  const keepMs = options.keepMs ?? KEEP_MS;
  const now = options.now ?? Date.now;
  const runs = new Map<string, Entry>();

  const unsubscribe = bus.subscribe((event) => {
    const entry = runs.get(event.run) ?? { runId: event.runId, events: [], bytes: 0, step: 0, attempt: 0, text: '' };
    // Set anew: the map's order is the order of last use.
    runs.delete(event.run);
    runs.set(event.run, entry);
    remember(entry, event);
    follow(entry, event);
    sweep();
  });

  return {
    events(run) {
      sweep();
      return runs.get(run)?.events.map((kept) => kept.event) ?? [];
    },
    text(run) {
      sweep();
      const entry = runs.get(run);
      return entry && { runId: entry.runId, step: entry.step, text: entry.text };
    },
    close() {
      unsubscribe();
      runs.clear();
    },
  };

  function remember(entry: Entry, event: RunEvent): void {
    const bytes = sizeOf(event);
    entry.events.push({ event, bytes });
    entry.bytes += bytes;
    while (entry.events.length > maxEvents || (entry.bytes > maxBytes && entry.events.length > 1)) {
      entry.bytes -= entry.events.shift()!.bytes;
    }
  }

  function follow(entry: Entry, event: RunEvent): void {
    if (event.type === 'end') entry.endedAt = now();
    else delete entry.endedAt;
    if (!MODEL_EVENTS.has(event.type)) return;
    // The bus lets no older attempt through; another one than before is a newer one, also at an earlier step.
    if (event.step !== entry.step || event.attempt !== entry.attempt) entry.text = '';
    entry.step = event.step;
    entry.attempt = event.attempt;
    switch (event.type) {
      case 'reset':
        entry.text = '';
        break;
      case 'text':
        entry.text += event.delta;
        break;
      case 'answer':
        // Whole, and so right even when deltas were missed.
        entry.text = event.text;
        break;
      default:
        break;
    }
  }

  function sweep(): void {
    const limit = now() - keepMs;
    for (const [run, entry] of runs) if (entry.endedAt !== undefined && entry.endedAt < limit) runs.delete(run);
    for (const run of runs.keys()) {
      if (runs.size <= maxRuns) break;
      runs.delete(run);
    }
  }
}

/** Bytes an event about holds: its texts, and a flat share for the rest. */
function sizeOf(event: RunEvent): number {
  switch (event.type) {
    case 'text':
    case 'thinking':
    case 'tool-output':
      return 128 + event.delta.length * 2;
    case 'answer':
      return 128 + event.text.length * 2;
    case 'tool-start':
      return 128 + JSON.stringify(event.args).length * 2;
    case 'tool-end':
      return 128 + event.text.length * 2 + (event.details ? JSON.stringify(event.details).length * 2 : 0);
    default:
      return 128;
  }
}
