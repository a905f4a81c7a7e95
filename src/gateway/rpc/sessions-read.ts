/** What is read of sessions: `sessions.describe`, `.preview`, `.search` as the peer has them; ours: `sessions.get`, `sessions.export`. */
import { validateSessionsDescribeParams, validateSessionsPreviewParams, validateSessionsSearchParams } from '@openclaw/gateway-protocol';
import { clip } from '../../core/names.js';
import { SessionsExportParams, SessionsGetParams } from '../../core/schema/rpc.js';
import type { HistoryRow } from '../deps.js';
import { exportRow, sessionDetails, sessionEntry } from '../session-view.js';
import { validator } from '../validate.js';
import { waitsFor } from '../waits-for.js';
import { sessionOf } from './accept.js';
import { method } from './method.js';

/** A preview is a glance. */
const PREVIEW_ITEMS = 12;
const PREVIEW_CHARS = 240;
const PREVIEW_ITEMS_MAX = 100;
/** As the peer: a page of hits. */
const HITS = 10;
const EXPORT_ROWS = 500;

export const sessionsDescribe = method({
  name: 'sessions.describe',
  scope: 'operator.read',
  params: validateSessionsDescribeParams,
  async handler({ key }, { deps, now }) {
    const row = await deps.keeping.row(sessionOf('sessions.describe', key, undefined));
    return { session: row ? sessionEntry(row, now()) : null };
  },
});

export const sessionsPreview = method({
  name: 'sessions.preview',
  scope: 'operator.read',
  params: validateSessionsPreviewParams,
  async handler({ keys, limit = PREVIEW_ITEMS, maxChars = PREVIEW_CHARS }, { deps, now }) {
    const previews = [];
    for (const asked of keys.slice(0, PREVIEW_ITEMS_MAX)) {
      const key = sessionOf('sessions.preview', asked, undefined);
      const known = (await deps.keeping.row(key)) !== undefined;
      const { rows } = known ? await deps.rows.history(key, { limit: Math.min(limit, PREVIEW_ITEMS_MAX) }) : { rows: [] };
      const items = rows.flatMap((row) => saidIn(row, maxChars));
      previews.push({ key, status: !known ? 'missing' : items.length === 0 ? 'empty' : 'ok', items });
    }
    return { ts: now(), previews };
  },
});

function saidIn({ content }: HistoryRow, max: number): readonly { readonly role: string; readonly text: string }[] {
  const role = content.type === 'user' ? 'user' : content.type === 'assistant' || content.type === 'aborted' ? 'assistant' : undefined;
  return role === undefined || !('text' in content) || content.text.trim() === '' ? [] : [{ role, text: clip(content.text, max) }];
}

export const sessionsSearch = method({
  name: 'sessions.search',
  scope: 'operator.read',
  params: validateSessionsSearchParams,
  async handler({ query, sessionKeys, agentId, limit = HITS }, { deps }) {
    // Says whether there is such an agent.
    sessionOf('sessions.search', undefined, agentId);
    const sessions = sessionKeys?.map((key) => sessionOf('sessions.search', key, undefined));
    const { hits, more } = await deps.keeping.search({ text: query, limit, ...(sessions ? { sessions } : {}) });
    return {
      results: hits.map(({ session, conversation, seq, by, at, snippet }, i) => ({
        sessionKey: session, sessionId: conversation, messageId: `${conversation}:${seq}`, role: by, timestamp: at, snippet,
        // Newest first: weighing what matches would cost the more the more there is.
        score: 1 / (i + 1),
      })),
      indexing: false,
      truncated: more,
    };
  },
});

export const sessionsGet = method({
  name: 'sessions.get',
  scope: 'operator.read',
  params: validator(SessionsGetParams),
  async handler({ key }, { deps, now }) {
    const session = sessionOf('sessions.get', key, undefined);
    const details = await deps.keeping.details(session);
    const active = await deps.rows.listRuns({ session, state: ['taken'], limit: 10 });
    const running = await Promise.all(active.runs.map(async (row) => ({ runId: row.runId, startedAt: row.takenAt ?? row.acceptedAt, preview: clip(row.text), ...(await waitsFor(deps, row)) })));
    const waiting = (await deps.rows.pending(session)).map(({ runId, acceptedAt, principal, text }) => ({ runId, acceptedAt, principal, preview: clip(text) }));
    const { settings, row } = details;
    const status = await deps.models.status();
    const webUrl = deps.webUrl(session);
    return {
      ts: now(),
      session: {
        ...sessionEntry(row, now()), ...sessionDetails(details), running, waiting,
        modelSet: settings.model ?? status.primary,
        ...(webUrl === undefined ? {} : { webUrl }),
      },
    };
  },
});

export const sessionsExport = method({
  name: 'sessions.export',
  scope: 'operator.read',
  params: validator(SessionsExportParams),
  async handler({ key, after = 0, limit = EXPORT_ROWS }, { deps }) {
    const session = sessionOf('sessions.export', key, undefined);
    const { rows, more } = await deps.keeping.page(session, after, limit);
    return { key: session, rows: rows.map(exportRow), nextAfter: more ? rows.at(-1)!.seq : null };
  },
});

export const sessionReadMethods = [sessionsDescribe, sessionsPreview, sessionsSearch, sessionsGet, sessionsExport];
