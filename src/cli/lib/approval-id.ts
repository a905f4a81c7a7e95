/**
 * From what a person typed to one id of an approval, a grant, a budget question: without its first part, in any case, shortened.
 * Invariant: never a guess. What could mean two is refused with both; what is open goes before what is not.
 */
import { CodedError } from '../../core/errors.js';
import { commandLine } from './approval-view.js';
import type { Gateway } from './client.js';
import { usageError } from './fail.js';
import { allApprovals } from './open-approvals.js';
import { oneLine } from './terminal.js';
import type { ApprovalInfo, BudgetsAnswer, GrantInfo } from './wire.js';

/** Shorter ones are more often a slip than an id. */
const LEAST = 3;
/** Characters of a whole id of ours, without its first part. */
const WHOLE = 8;
/** More than this many names help nobody choose. */
const MOST_NAMED = 10;

/** @throws CodedError USAGE, UNKNOWN_APPROVAL, AMBIGUOUS */
export async function resolveApproval(gateway: Gateway, typed: string): Promise<ApprovalInfo> {
  const wanted = requirePrefix(typed, 'ap-');
  const among = async (all: boolean): Promise<ApprovalInfo | undefined> =>
    pick(await allApprovals(gateway, all), wanted, 'ap-', ({ id, request }) => `${id} (${commandLine(request.command, 40)})`);
  const found = (await among(false)) ?? (await among(true));
  if (!found) throw new CodedError('UNKNOWN_APPROVAL', `There is no approval ${oneLine(typed, 40)}`, 'See those that are open: openclaw approvals list');
  return found;
}

/** @throws CodedError USAGE, UNKNOWN_GRANT, AMBIGUOUS */
export async function resolveGrant(gateway: Gateway, typed: string): Promise<GrantInfo> {
  const wanted = requirePrefix(typed, 'gr-');
  const { grants } = await gateway.request<{ readonly grants: readonly GrantInfo[] }>('approvals.grants', {});
  const found = pick(grants, wanted, 'gr-', ({ id, command }) => `${id} (${commandLine(command, 40)})`);
  if (!found) throw new CodedError('UNKNOWN_GRANT', `There is no grant ${oneLine(typed, 40)}`, 'See those there are: openclaw approvals grants');
  return found;
}

/** Among open ones. What may be the whole id of one that is closed goes to the gateway, which knows how it was answered. @throws CodedError USAGE, UNKNOWN_QUESTION, AMBIGUOUS */
export async function resolveQuestion(gateway: Gateway, typed: string): Promise<string> {
  const wanted = requirePrefix(typed, 'bq-');
  const { questions } = await gateway.request<BudgetsAnswer>('budgets.list', {});
  const found = pick(questions, wanted, 'bq-', ({ id, scope }) => `${id} (the budget of this ${scope})`);
  if (found) return found.id;
  if (wanted.length < WHOLE) throw new CodedError('UNKNOWN_QUESTION', `There is no open budget question ${oneLine(typed, 40)}`, 'See those that are open: openclaw budgets list');
  return `bq-${wanted}`;
}

const bare = (id: string, kind: string): string => {
  const small = id.trim().toLowerCase();
  return small.startsWith(kind) ? small.slice(kind.length) : small;
};

function requirePrefix(typed: string, kind: string): string {
  const wanted = bare(typed, kind);
  if (wanted.length < LEAST) throw usageError(`"${oneLine(typed, 40)}" is too short: give at least ${LEAST} characters of the id`);
  return wanted;
}

function pick<T extends { readonly id: string }>(all: readonly T[], wanted: string, kind: string, name: (one: T) => string): T | undefined {
  const matching = all.filter(({ id }) => bare(id, kind).startsWith(wanted));
  const exact = matching.filter(({ id }) => bare(id, kind) === wanted);
  const candidates = exact.length > 0 ? exact : matching;
  if (candidates.length > 1) {
    const more = candidates.length > MOST_NAMED ? ` and ${candidates.length - MOST_NAMED} more` : '';
    throw new CodedError('AMBIGUOUS', `"${wanted}" could be ${candidates.slice(0, MOST_NAMED).map(name).join(', ')}${more}`, 'Give more of the id.', { candidates: candidates.map(({ id }) => id) });
  }
  return candidates[0];
}
