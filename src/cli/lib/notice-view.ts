/** Notices as lines: how bad, what, and what to do. */
import { ago, paint, printable } from './terminal.js';
import type { NoticeInfo } from './wire.js';

const MARKS = { error: ['red', '✗'], warn: ['yellow', '!'], info: ['dim', '·'] } as const;

/** @param keys with the key that `notices dismiss` takes, and when */
export function showNotices(notices: readonly NoticeInfo[], keys = false): string {
  return notices.flatMap((notice) => {
    const [colour, mark] = MARKS[notice.level];
    const facts = keys ? [`    ${notice.key} · ${ago(notice.lastAt)}${notice.times > 1 ? ` · ${notice.times} times` : ''}`] : [];
    return [`${paint(colour, mark)} ${printable(notice.text)}`, ...(notice.hint === undefined ? [] : [`    → ${notice.hint}`]), ...facts];
  }).join('\n');
}
