/**
 * The fence of run events: a process that was frozen, or an attempt nobody waits for any more, goes on publishing.
 * Invariant: once an event of a newer attempt or generation of a step has passed, none of an older one passes, and none
 * of a step or call that is over. What is unknown passes: the bus is a hint, and the rows have a fence of their own.
 */
import { generationOf } from '../core/attempt.js';
import type { RunEvent } from '../core/events.js';

export interface EventFence {
  passes(event: RunEvent): boolean;
}

interface Place {
  readonly generation: number;
  readonly step: number;
  readonly attempt: number;
}

interface Known {
  model: Place;
  /** By step and index: the newest attempt, and whether it has told its result. */
  readonly calls: Map<string, { attempt: number; ended: boolean }>;
}

type Call = Extract<RunEvent, { readonly index: number }>;

/** Forgetting a run only lets its zombies through. */
const MAX_RUNS = 1_000;
const MAX_CALLS = 256;

/** Only these count attempts of the model call; tool events count those of their own activity. */
const MODEL_EVENTS: ReadonlySet<RunEvent['type']> = new Set(['failover', 'model', 'reset', 'text', 'thinking', 'answer']);

export function createFence(maxRuns = MAX_RUNS): EventFence {
  const runs = new Map<string, Known>();
  return {
    passes(event) {
      const known = runs.get(event.run) ?? { model: { generation: 0, step: 0, attempt: 0 }, calls: new Map() };
      // Set anew: the map's order is the order of last use.
      runs.delete(event.run);
      runs.set(event.run, known);
      if (runs.size > maxRuns) runs.delete(runs.keys().next().value!);
      if (event.type === 'end') {
        known.model = { ...known.model, step: Infinity };
        return true;
      }
      if (isCall(event)) return passesCall(known, event);
      return !MODEL_EVENTS.has(event.type) || passesModel(known, event);
    },
  };
}

function passesModel(known: Known, { step, attempt }: RunEvent): boolean {
  const place = { generation: generationOf(attempt), step, attempt };
  if (isBefore(place, known.model)) return false;
  known.model = place;
  return true;
}

/** A new chain may begin again at an earlier step, so the generation counts first. */
const isBefore = (a: Place, b: Place): boolean =>
  a.generation !== b.generation ? a.generation < b.generation : a.step !== b.step ? a.step < b.step : a.attempt < b.attempt;

function passesCall(known: Known, event: Call): boolean {
  if (generationOf(event.attempt) < known.model.generation) return false;
  const key = `${event.step}.${event.index}`;
  const before = known.calls.get(key);
  const newChain = before !== undefined && generationOf(event.attempt) > generationOf(before.attempt);
  if (before && !newChain) {
    if (before.ended) return false;
    // A result is told after its row was written: whoever wrote it, it is the result.
    if (event.attempt < before.attempt && event.type !== 'tool-end') return false;
  }
  known.calls.delete(key);
  known.calls.set(key, { attempt: event.attempt, ended: event.type === 'tool-end' });
  if (known.calls.size > MAX_CALLS) known.calls.delete(known.calls.keys().next().value!);
  return true;
}

const isCall = (event: RunEvent): event is Call => 'index' in event;
