/**
 * Updates that were received and are not confirmed: which are new, which are done, and how far may be confirmed. Pure.
 * Invariant: `confirmed` never passes an update that is not done, nor into the middle of a group that was done as one:
 * given again, the group would be a message less or a message more.
 */
export interface UpdateWindow {
  /** @param ids of one answer of the server @returns those that were not taken before, in order */
  take(ids: readonly number[]): readonly number[];
  /** Done together: an update, or the parts of an album. */
  done(ids: readonly number[]): void;
  /** The offset to ask for; undefined before the first update. */
  offset(): number | undefined;
  pending(): number;
}

/** Ids that are remembered after they were confirmed: a server that repeats itself is not believed. */
const REMEMBERED = 1_000;

export function createWindow(): UpdateWindow {
  const pending = new Set<number>();
  /** In the order in which they were done. */
  const known = new Set<number>();
  let groups: { readonly first: number; readonly last: number }[] = [];
  let newest: number | undefined;

  function forget(): void {
    const from = offset() ?? 0;
    groups = groups.filter(({ last }) => last >= from);
    if (known.size <= REMEMBERED) return;
    for (const id of known) {
      if (known.size <= REMEMBERED) return;
      if (id < from) known.delete(id);
    }
  }

  function offset(): number | undefined {
    if (newest === undefined) return undefined;
    let at = pending.size > 0 ? Math.min(...pending) : newest + 1;
    for (let split = groupAround(at); split; split = groupAround(at)) at = split.first;
    return at;
  }

  const groupAround = (at: number): { readonly first: number } | undefined => groups.find(({ first, last }) => first < at && at <= last);

  return {
    take(ids) {
      if (ids.length === 0) return [];
      // What was received last, not the highest ever: after a week of silence Telegram may begin a new, lower row of ids.
      newest = Math.max(...ids);
      const fresh = [...new Set(ids)].filter((id) => !pending.has(id) && !known.has(id)).toSorted((a, b) => a - b);
      for (const id of fresh) pending.add(id);
      return fresh;
    },
    done(ids) {
      for (const id of ids) {
        pending.delete(id);
        known.add(id);
      }
      if (ids.length > 1) groups.push({ first: Math.min(...ids), last: Math.max(...ids) });
      forget();
    },
    offset,
    pending: () => pending.size,
  };
}
