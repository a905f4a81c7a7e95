/** The owner's decisions in chat: commands that wait, budgets that are used up. The first decision wins. */
import { APPROVAL_DECISIONS } from '../../core/approval.js';
import type { BudgetAnswer } from '../../core/budget.js';
import { CodedError } from '../../core/errors.js';
import { deliveryById, lineOf } from '../../storage/deliveries.js';
import { askId, toldId } from '../approval-chat.js';
import { isOwnersChat } from './person.js';
import { decidedText } from '../decided-text.js';
import type { CommandDeps, CommandKind } from './types.js';

const ANSWERS: readonly BudgetAnswer[] = ['raise', 'once', 'stop'];

export const decisions = {
  approve: {
    summary: 'Decide on a command that waits.',
    usage: '[<id> allow-once|allow-always|deny [reason]]',
    ownerOnly: true,
    async run(args, { who, message }, deps) {
      const [typed = '', word = '', ...reason] = args.split(/\s+/);
      if (typed === '') return { text: isOwnersChat({ who, message }) ? await openText(deps) : 'Ask me that in our direct conversation: the commands are for you alone.' };
      const id = await idOf(deps, typed);
      if (word === '') return { text: await askedText(deps, id, isOwnersChat({ who, message })) };
      const decision = APPROVAL_DECISIONS.find((one) => one === word.toLowerCase());
      if (!decision) throw new CodedError('INVALID_REQUEST', `"${word}" is no decision`, `Say ${APPROVAL_DECISIONS.join(', ')}.`);
      const decided = await deps.approvals.decide(id, decision, who.principal, reason.length === 0 ? undefined : reason.join(' '));
      const asked = await deliveryById(deps.db, askId(decided));
      const here = asked !== undefined && JSON.stringify(lineOf(asked.to)) === JSON.stringify(lineOf(message));
      // Asked in this chat: what becomes of it is told here once, whoever is faster.
      const text = isOwnersChat({ who, message }) ? `${decided.repeated && !decided.granted ? 'Already decided. ' : ''}${decidedText(decided)}` : `${decided.state === 'allowed' ? 'Allowed' : 'Decided'}: ${decided.id}.`;
      return { text, ...(here && !decided.repeated ? { id: toldId(decided) } : {}) };
    },
  },
  budget: {
    summary: 'Decide on a budget that is used up.',
    usage: '[<id> raise|once|stop]',
    ownerOnly: true,
    async run(args, { who }, deps) {
      const { questions } = await deps.budgets.overview();
      const [typed = '', word = ''] = args.split(/\s+/);
      if (typed === '') {
        if (questions.length === 0) return { text: 'No budget waits for your word.' };
        return { text: questions.map((one) => `The budget of this ${one.scope} is used up (${one.spent} of ${one.limit} ${one.unit}): \`/budget ${one.id} raise\`, \`once\` or \`stop\``).join('\n\n') };
      }
      const answer = ANSWERS.find((one) => one === word.toLowerCase());
      if (!answer) throw new CodedError('INVALID_REQUEST', `"${word}" is no answer`, `Say ${ANSWERS.join(', ')}.`);
      const found = questions.filter(({ id }) => id.startsWith(typed.toLowerCase()));
      const { state } = await deps.budgets.answer(found.length === 1 ? found[0]!.id : typed, answer, {}, who.principal);
      return { text: { raised: 'The limit is raised; what waited goes on.', once: 'What waited goes on this once.', stopped: 'What waited is ended.', lifted: 'The limit no longer holds.', open: 'It is still open.' }[state] };
    },
  },
} satisfies Readonly<Record<string, CommandKind>>;

async function openText(deps: CommandDeps): Promise<string> {
  const open = await deps.approvals.list({ open: true, limit: 20 });
  if (open.length === 0) return 'Nothing waits for your decision.';
  return open.map(({ id, request }) => `\`${request.command}\`\n\n\`/approve ${id} allow-once\`, \`allow-always\` or \`deny\``).join('\n\n');
}

/** Of open ones a prefix is enough. */
async function idOf(deps: CommandDeps, typed: string): Promise<string> {
  const id = typed.toLowerCase();
  if (await deps.approvals.get(id)) return id;
  const found = (await deps.approvals.list({ open: true, limit: 200 })).filter((one) => one.id.startsWith(id) || one.id.startsWith(`ap-${id}`));
  if (found.length > 1) throw new CodedError('AMBIGUOUS', `several begin with "${typed}": ${found.map((one) => one.id).join(', ')}`, 'Type one of them.');
  if (!found[0]) throw new CodedError('NOT_FOUND', `there is no open question "${typed}"`, 'See what waits: /approve');
  return found[0].id;
}

/** An id alone decides nothing. */
async function askedText(deps: CommandDeps, id: string, shown: boolean): Promise<string> {
  const approval = (await deps.approvals.get(id))!;
  if (approval.state !== 'open') return shown ? decidedText(approval) : `It is decided already: ${approval.state}.`;
  return [...(shown ? [`\`${approval.request.command}\``] : []), `\`/approve ${id} allow-once\`, \`allow-always\` or \`deny\`?`].join('\n\n');
}
