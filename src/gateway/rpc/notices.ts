/** `notices.list` and `notices.dismiss` (ours): what the owner must be told, outside of any conversation. */
import { CodedError } from '../../core/errors.js';
import { NoticesDismissParams, NoticesListParams } from '../../core/schema/rpc.js';
import { validator } from '../validate.js';
import { method } from './method.js';

export const noticesList = method({
  name: 'notices.list',
  scope: 'operator.read',
  params: validator(NoticesListParams),
  async handler(_params, { deps, now }) {
    return { ts: now(), notices: await deps.notices.open() };
  },
});

export const noticesDismiss = method({
  name: 'notices.dismiss',
  scope: 'operator.write',
  params: validator(NoticesDismissParams),
  async handler({ key }, { deps }) {
    if (!(await deps.notices.dismiss(key))) throw new CodedError('NOT_FOUND', `there is no open notice ${key}`, 'openclaw notices list');
    return { ok: true, key };
  },
});

export const noticeMethods = [noticesList, noticesDismiss];
