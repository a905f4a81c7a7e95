/** Notices as lines: how bad, what, and what to do. */
import { dismissHint } from './hints.js';
import { ago, paint, printable } from './terminal.js';
import type { NoticeInfo } from './wire.js';

const MARKS = { error: ['red', '✗'], warn: ['yellow', '!'], info: ['dim', '·'] } as const;

/** @param keys with when, and the command that puts it away */
export function showNotices(notices: readonly NoticeInfo[], keys = false): string {
  return notices.flatMap((notice) => {
    const [colour, mark] = MARKS[notice.level];
    const facts = keys ? [`    ${ago(notice.lastAt)}${notice.times > 1 ? ` · ${notice.times} times` : ''} · put away: ${dismissHint(notice.key)}`] : [];
    return [`${paint(colour, mark)} ${printable(notice.text)}`, ...(notice.hint === undefined ? [] : [`    → ${notice.hint}`]), ...facts];
  }).join('\n');
}
