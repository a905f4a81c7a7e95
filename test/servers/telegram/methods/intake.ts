/** What comes in: updates, files of people, presses on buttons, the webhook that must be gone. */
import { openFile } from '../files.js';
import { badRequest } from '../refusal.js';
import type { Methods } from './context.js';
import { textOf } from './context.js';

export const intake: Methods = {
  getUpdates: ({ updates, params, gone }) => updates.poll(params, gone),
  deleteWebhook({ updates, params }) {
    updates.webhook = undefined;
    if (params.drop_pending_updates === true) updates.forget();
    return true;
  },
  getWebhookInfo: ({ updates }) => ({ url: updates.webhook ?? '', has_custom_certificate: false, pending_update_count: updates.pending.length }),
  getFile({ world, params }) {
    const file = openFile(world, params.file_id);
    return { file_id: file.id, file_unique_id: file.uniqueId, file_size: file.size, file_path: file.path };
  },
  answerCallbackQuery({ world, params }) {
    const query = world.queries.get(String(params.callback_query_id));
    if (query === undefined || query.expired) throw badRequest('query is too old and response timeout expired or query ID is invalid');
    if (textOf(params.text).length > 200) throw badRequest('MESSAGE_TOO_LONG');
    query.answer ??= { ...(params.text === undefined ? {} : { text: textOf(params.text) }), ...(params.show_alert === true ? { show_alert: true } : {}), ...(params.url === undefined ? {} : { url: textOf(params.url) }) };
    return true;
  },
};
