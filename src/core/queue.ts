/**
 * The queue: what an arriving message does to a session, and which turn comes next. Pure: the session workflow asks and
 * acts, property tests ask it a hundred thousand times.
 * Invariants: every item ends in exactly one place (waiting, steering, dropped, started); messages of one sender keep
 * their order, but for interrupts; only the run's initiator or the owner touches a running turn, and only from the same conversation.
 */

export type QueueMode = 'steer' | 'followup' | 'collect' | 'interrupt';
export const QUEUE_MODES: readonly QueueMode[] = ['steer', 'followup', 'collect', 'interrupt'];
/** The mode of a message that names none and whose session and channel have none. */
export const DEFAULT_QUEUE_MODE: QueueMode = 'steer';

/** What a full queue does: the oldest leaves and the next turn reads a summary of it; the oldest leaves; the newest is refused. */
export type DropPolicy = 'summarize' | 'old' | 'new';
export const DROP_POLICIES: readonly DropPolicy[] = ['summarize', 'old', 'new'];

export type Role = 'owner' | 'guest';

/** How an item waits. Items of versions that knew no queue have none of it: they wait one by one. */
export interface QueueRules {
  /** Where it was said: only messages of one conversation share a turn. A hash. */
  readonly place: string;
  readonly inGroup?: boolean;
  /** Quiet time before collected items start a turn, milliseconds. */
  readonly quietMs: number;
  readonly cap: number;
  readonly drop: DropPolicy;
  /** Not a message for the model but the order to start a new conversation. */
  readonly reset?: boolean;
}

/** What a signal carries: ids and facts, never text. */
export interface InboxItem {
  readonly inboundId: string;
  /** Hash of the run id. */
  readonly run: string;
  readonly principal: string;
  readonly role: Role;
  /** Id of a rights set. */
  readonly rights: string;
  readonly mode: QueueMode;
  /** 1 first, 5 last; Temporal's priority keys. */
  readonly priority: number;
  /** Epoch milliseconds of acceptance. */
  readonly at: number;
  readonly rules?: QueueRules;
}

export type DropReason = 'reset' | 'queue full' | 'queue full: summarized';

export interface Queue {
  readonly waiting: readonly InboxItem[];
  /** Enter the running turn before its next model call. */
  readonly steering: readonly InboxItem[];
}
export interface QueueState extends Queue {
  /** `ending`: it is being stopped and takes nothing in. */
  readonly running?: { readonly item: InboxItem; readonly inGroup: boolean; readonly ending?: boolean };
}

export interface Arrival extends Queue {
  readonly act:
    /** Already running, waiting or entering: a repeated signal. */
    | 'duplicate'
    | 'queue'
    /** Waits for more text of the same conversation before a turn starts. */
    | 'collect'
    | 'inject'
    /** The running turn is to be stopped; this item is next. */
    | 'interrupt'
    /** The running turn is to be stopped; a new conversation begins. */
    | 'reset'
    /** The queue is full and keeps what it has. */
    | 'drop';
  readonly dropped: readonly { readonly item: InboxItem; readonly reason: DropReason }[];
}

/** Decides what an arriving item does. Owners wait before guests; equal ones in order of arrival. */
export function arrive(state: QueueState, item: InboxItem): Arrival {
  const { waiting, steering, running } = state;
  const same = { waiting, steering, dropped: [] };
  const known = [...(running ? [running.item] : []), ...waiting, ...steering];
  if (known.some((other) => other.inboundId === item.inboundId)) return { ...same, act: 'duplicate' };
  if (item.rules?.reset) {
    // What was said before it belongs to the conversation that ends; another reset is done first.
    const resets = waiting.filter(isReset);
    const ended = [...steering, ...waiting.filter((other) => !isReset(other))];
    return { act: 'reset', waiting: [...resets, item], steering: [], dropped: ended.map((other) => ({ item: other, reason: 'reset' })) };
  }
  const entering = enters(state, item);
  if (entering === 'inject') return { ...same, act: 'inject', steering: [...steering, item] };
  if (entering === 'interrupt') return { ...same, act: 'interrupt', waiting: interruptOrder(waiting, item) };

  const placed: InboxItem = entering === 'collect' ? { ...item, mode: 'collect' } : item;
  const room = makeRoom(waiting, placed);
  if (room.refused) return { ...same, act: 'drop', dropped: [{ item, reason: 'queue full' }] };
  const rest = room.waiting;
  const position = queuePosition(rest, placed);
  return { act: entering === 'collect' ? 'collect' : 'queue', waiting: rest.toSpliced(position, 0, placed), steering, dropped: room.dropped };
}

function enters({ running, waiting, steering }: QueueState, item: InboxItem): 'inject' | 'interrupt' | 'queue' | 'collect' {
  if (item.mode === 'collect') return item.rules ? 'collect' : 'queue';
  if (!running || item.mode === 'followup') return 'queue';
  const mayTouch = item.role === 'owner' || item.principal === running.item.principal;
  if (item.mode === 'interrupt') return mayTouch ? 'interrupt' : 'queue';
  // Steering was unknown to versions whose items have no rules.
  if (!item.rules || !running.item.rules) return 'queue';
  if (!mayTouch) return running.inGroup ? 'collect' : 'queue';
  // An answer goes where its question came from, and nobody overtakes himself.
  const elsewhere = item.rules.place !== running.item.rules.place;
  const behindOwn = waiting.some((other) => other.principal === item.principal);
  const full = waiting.length + steering.length >= item.rules.cap;
  return running.ending || elsewhere || behindOwn || full ? 'queue' : 'inject';
}

/** An interrupt comes before everything that waits, also its sender's own: that is its meaning. Only interrupts that came before it stay before it. */
function interruptOrder(waiting: readonly InboxItem[], item: InboxItem): readonly InboxItem[] {
  if (!item.rules) return waiting.toSpliced(waiting.filter((other) => other.mode === 'interrupt').length, 0, item);
  const after = waiting.findIndex((other) => !isReset(other) && (other.mode !== 'interrupt' || other.priority > item.priority));
  return waiting.toSpliced(after === -1 ? waiting.length : after, 0, item);
}

interface Room extends Pick<Arrival, 'dropped' | 'waiting'> {
  readonly refused?: boolean;
}

function makeRoom(waiting: readonly InboxItem[], item: InboxItem): Room {
  const { rules } = item;
  if (!rules || waiting.filter((other) => !isReset(other)).length < rules.cap) return { waiting, dropped: [] };
  // Nobody's message is pushed out by one of lesser priority.
  const oldest = rules.drop === 'new' ? undefined : waiting.find((other) => !isReset(other) && other.priority >= item.priority);
  if (!oldest) return { waiting, dropped: [], refused: true };
  return { waiting: waiting.filter((other) => other !== oldest), dropped: [{ item: oldest, reason: rules.drop === 'summarize' ? 'queue full: summarized' : 'queue full' }] };
}

/** After every item of the same or a better priority, and after its sender's own: first in, first out within one priority. */
export function queuePosition(waiting: readonly InboxItem[], item: InboxItem): number {
  const index = waiting.findIndex((other) => other.priority > item.priority && !isReset(other));
  const behindOwn = item.rules ? waiting.findLastIndex((other) => other.principal === item.principal) + 1 : 0;
  return index === -1 ? waiting.length : Math.max(index, behindOwn);
}

export const isReset = (item: InboxItem): boolean => item.rules?.reset === true;

/** When a turn has ended, what was to enter it comes next, before what came later. */
export function afterTurn({ waiting, steering }: Queue): Queue {
  if (steering.length === 0) return { waiting, steering };
  const merged = [...waiting];
  // Each keeps its place before its sender's later messages and before equals; better priorities stay ahead.
  for (const item of steering.toReversed()) {
    const index = merged.findIndex((other) => !isReset(other) && other.priority >= item.priority);
    merged.splice(index === -1 ? merged.length : index, 0, item);
  }
  return { waiting: merged, steering: [] };
}

export type NextTurn =
  | { readonly act: 'start'; readonly items: readonly InboxItem[]; readonly waiting: readonly InboxItem[] }
  | { readonly act: 'reset'; readonly item: InboxItem; readonly waiting: readonly InboxItem[] }
  /** Collected items are still growing. */
  | { readonly act: 'wait'; readonly until: number }
  | { readonly act: 'nothing' };

/** Collected items start a turn after this many quiet times at the latest. */
const LONGEST_COLLECT = 10;

/**
 * Which turn comes next.
 * @param now epoch milliseconds
 */
export function nextTurn(waiting: readonly InboxItem[], now: number): NextTurn {
  let until: number | undefined;
  /** Senders of whom something still waits: what they said later may not come first. */
  const behind = new Set<string>();
  const seen = new Set<string>();
  for (const item of waiting) {
    // Always in front: it ended what stood before it.
    if (isReset(item)) return { act: 'reset', item, waiting: waiting.filter((other) => other !== item) };
    if (behind.has(item.principal)) continue;
    if (item.mode !== 'collect' || !item.rules) return { act: 'start', items: [item], waiting: waiting.filter((other) => other !== item) };
    if (seen.has(item.rules.place)) continue;
    seen.add(item.rules.place);
    const items = collected(waiting, item, behind);
    const due = dueAt(items);
    // A full inbox starts the turn.
    if (now >= due || waiting.length >= item.rules.cap) return { act: 'start', items, waiting: waiting.filter((other) => !items.includes(other)) };
    until = Math.min(until ?? due, due);
    for (const one of items) behind.add(one.principal);
  }
  return until === undefined ? { act: 'nothing' } : { act: 'wait', until };
}

/** What shares a turn with `first`: collected items of its conversation, none of whose senders said something else before. */
function collected(waiting: readonly InboxItem[], first: InboxItem, behind: ReadonlySet<string>): readonly InboxItem[] {
  const others = new Set(behind);
  const items: InboxItem[] = [];
  for (const item of waiting.slice(waiting.indexOf(first))) {
    if (item.mode === 'collect' && item.rules?.place === first.rules!.place && !others.has(item.principal)) items.push(item);
    else others.add(item.principal);
  }
  return items;
}

/** Quiet since the last one, but not longer than ten quiet times since the first. Absolute, so that it survives a restart. */
function dueAt(items: readonly InboxItem[]): number {
  const quiet = Math.max(...items.map((item) => item.rules!.quietMs));
  const times = items.map((item) => item.at);
  return Math.min(Math.max(...times) + quiet, Math.min(...times) + LONGEST_COLLECT * quiet);
}
