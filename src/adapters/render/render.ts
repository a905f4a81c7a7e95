/**
 * A message as the parts a platform takes: walk, split, write. The parts are frozen in a table and hashed.
 * Invariant: pure; no part is longer than the limit, in markup or plain, and none is without anything to see.
 */
import type { Root } from 'mdast';

import type { Range } from './blocks.js';
import type { Emitter } from './emitter.js';
import { layout } from './layout.js';
import { plainText } from './plain.js';
import { split } from './split.js';
import { isVisible } from './text.js';
import { walk } from './walk.js';

export interface Part {
  /** In the platform's markup. */
  readonly text: string;
  /** The same without markup: what is sent when the platform refuses the markup. */
  readonly plain: string;
  /** The emitter's `format`. */
  readonly format: string;
}

/** Below the limits of all platforms, with room for what an adapter adds (a repeat's mark). The peer's default. */
export const DEFAULT_CHUNK_LIMIT = 4000;
/** Room for one character with all its marks, indentation and address. */
export const MIN_CHUNK_LIMIT = 64;

/** What can be seen of a part wherever its addresses and quotes are markup. */
const shown: Emitter = { ...plainText, link: () => ({ open: '', close: '', cut: '' }), quote: { kind: 'range', open: '', close: '' } };

/** @param chunkLimit config `textChunkLimit`, in the platform's unit; no more than the platform's own limit counts */
export function renderParts(root: Root, emitter: Emitter, chunkLimit: number = DEFAULT_CHUNK_LIMIT): readonly Part[] {
  const limit = Math.max(MIN_CHUNK_LIMIT, Math.min(chunkLimit, emitter.limit));
  // A quarter each for indentation and an address: what must stand with one character leaves room for it.
  const share = Math.floor(limit / 4);
  const blocks = walk(root, emitter, share);
  // Both go out as one message each, so both must fit; the longer one is not written when the other is too long already.
  const size = (range: Range): number => {
    const plain = layout(blocks, range, plainText, share).length;
    return plain > limit ? plain : Math.max(plain, emitter.measure(layout(blocks, range, emitter, share)));
  };
  return split(blocks, limit, size)
    .filter((range) => isVisible(layout(blocks, range, shown, share)))
    .map((range) => ({ text: layout(blocks, range, emitter, share), plain: layout(blocks, range, plainText, share), format: emitter.format }));
}
