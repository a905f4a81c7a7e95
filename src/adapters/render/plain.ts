/**
 * Plain text: the fallback of every platform, and the whole of it where there is no markup (terminal, iMessage, Signal).
 * Invariant: an address is never lost: it stands behind its label, in the part in which the label ends.
 */
import type { Emitter, Pair } from './emitter.js';

const NONE: Pair = { open: '', close: '' };

export const plainText: Emitter = {
  format: 'plain',
  limit: Number.MAX_SAFE_INTEGER,
  measure: (text) => text.length,
  escape: (text) => text,
  marks: { bold: NONE, italic: NONE, underline: NONE, strike: NONE },
  code: (text) => text,
  codeAlone: false,
  pre: (code) => code,
  preIndented: true,
  linkable: () => true,
  link: (url, bare) => ({ open: '', close: bare ? '' : ` (${url})`, cut: '' }),
  quote: { kind: 'prefix', prefix: '> ' },
  heading: () => '',
  bullets: ['•', '◦', '▪'],
  task: (done) => (done ? '☑' : '☐'),
  rule: '———',
};
