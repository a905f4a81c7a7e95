/**
 * Everything that waits for a person, however much it is.
 * Invariant: whatever is not in it was not open when it was read.
 */
import type { Gateway, RequestOptions } from './client.js';
import type { ApprovalEntry, ApprovalsAnswer, ApprovalInfo } from './wire.js';

/** As many as the gateway gives unasked. */
const PAGE = 200;

export async function openApprovals(gateway: Gateway, options?: RequestOptions): Promise<readonly ApprovalEntry[]> {
  const found = new Map<string, ApprovalEntry>();
  for (let offset = 0; ; offset += PAGE) {
    const page = await gateway.request<readonly ApprovalEntry[]>('exec.approval.list', offset === 0 ? {} : { limit: PAGE, offset }, options);
    for (const entry of page) found.set(entry.id, entry);
    if (page.length < PAGE) return [...found.values()];
  }
}

/** With those that were decided, when asked for. */
export async function allApprovals(gateway: Gateway, all: boolean): Promise<readonly ApprovalInfo[]> {
  const found = new Map<string, ApprovalInfo>();
  for (let offset: number | null | undefined = 0; offset != null; ) {
    const page: ApprovalsAnswer = await gateway.request<ApprovalsAnswer>('approvals.list', { ...(all ? { all } : {}), limit: 500, ...(offset === 0 ? {} : { offset }) });
    for (const approval of page.approvals) found.set(approval.id, approval);
    offset = page.nextOffset;
  }
  return [...found.values()];
}
