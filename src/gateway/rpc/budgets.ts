/** `budgets.list` and `budgets.answer` (ours): what is spent of which limit, and the owner's word when one is reached. */
import { BudgetsAnswerParams, BudgetsListParams } from '../../core/schema/rpc.js';
import { validator } from '../validate.js';
import { method } from './method.js';

export const budgetsList = method({
  name: 'budgets.list',
  scope: 'operator.read',
  params: validator(BudgetsListParams),
  async handler(_params, { deps, now }) {
    return { ts: now(), ...(await deps.budgets.overview()) };
  },
});

export const budgetsAnswer = method({
  name: 'budgets.answer',
  // Who may spend the owner's money is who may answer for him.
  scope: 'operator.approvals',
  params: validator(BudgetsAnswerParams),
  async handler({ id, answer, tokens, usd }, { deps, principal }) {
    const question = await deps.budgets.answer(id, answer, { ...(tokens === undefined ? {} : { tokens }), ...(usd === undefined ? {} : { usd }) }, principal);
    return { ok: true, question };
  },
});

export const budgetMethods = [budgetsList, budgetsAnswer];
