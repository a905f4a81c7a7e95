/** Commands that set how a session works: its queue, its model, how much it thinks, when it speaks in a group. */
import type { SessionSettings } from '../../core/contact.js';
import { CodedError } from '../../core/errors.js';
import { THINKING_LEVELS } from '../../core/model.js';
import { DROP_POLICIES, QUEUE_MODES } from '../../core/queue.js';
import { sessionSettings, setSessionSettings } from '../../storage/session-settings.js';
import { resolveQueue } from '../queueing.js';
import type { CommandCall, CommandDeps, CommandKind } from './types.js';

type Change = Parameters<typeof setSessionSettings>[2];
const set = ({ session }: CommandCall, { db }: CommandDeps, change: Change): Promise<SessionSettings> => db.transaction().execute((tx) => setSessionSettings(tx, session, change));
const isDefault = (word: string): boolean => word === 'default' || word === 'reset';

export const settings = {
  queue: {
    summary: 'How messages that come meanwhile are handled.',
    usage: '[steer|followup|collect|interrupt|default] [debounce:2s] [cap:20] [drop:summarize]',
    ownerOnly: 'where shared',
    async run(args, call, deps) {
      if (isDefault(args)) await set(call, deps, { queue: undefined });
      else if (args !== '') await set(call, deps, { queue: { ...(await sessionSettings(deps.db, call.session)).queue, ...readQueue(args) } });
      const { queue = {} } = await sessionSettings(deps.db, call.session);
      const { mode, debounceMs, cap, drop } = resolveQueue(deps.config().messages.queue, queue, call.message.channel);
      return { text: `A message that comes while I work: **${mode}** (${MEANING[mode]}). Quiet time ${debounceMs} ms, at most ${cap} wait, past that: ${drop}.` };
    },
  },
  model: {
    summary: 'See or choose the model of this conversation.',
    usage: '[provider/model|list|default]',
    ownerOnly: true,
    async run(args, call, deps) {
      const known = deps.models.known();
      if (args === 'list') return { text: known.map((ref) => `- \`${ref}\``).join('\n') || 'No model is configured.' };
      if (isDefault(args)) await set(call, deps, { model: undefined });
      else if (args !== '' && args !== 'status') await set(call, deps, { model: choose(args, known) });
      const { model } = await sessionSettings(deps.db, call.session);
      return { text: model === undefined ? `Model: \`${deps.models.primary()}\` (as configured). \`/model list\` shows the others.` : `Model of this conversation: \`${model}\`. \`/model default\` goes back to \`${deps.models.primary()}\`.` };
    },
  },
  think: {
    summary: 'How much is thought before an answer.',
    usage: `[${THINKING_LEVELS.join('|')}|default]`,
    ownerOnly: true,
    async run(args, call, deps) {
      const wanted = args.toLowerCase();
      const level = THINKING_LEVELS.find((one) => one === wanted);
      if (level) await set(call, deps, { thinking: level });
      else if (isDefault(wanted)) await set(call, deps, { thinking: undefined });
      else if (wanted !== '') throw new CodedError('INVALID_REQUEST', `"${args}" is no level`, `Levels: ${THINKING_LEVELS.join(', ')}, default.`);
      const { thinking } = await sessionSettings(deps.db, call.session);
      return { text: `Thinking: **${thinking ?? deps.config().agents.defaults.thinkingDefault}**${thinking === undefined ? ' (as configured)' : ''}.` };
    },
  },
  activation: {
    summary: 'In a group: answer everything, or only who names me.',
    usage: '[mention|always]',
    ownerOnly: true,
    async run(args, call, deps) {
      if (call.message.conversation.kind === 'direct') return { text: 'Here I always answer. `/activation` is for groups.' };
      const wanted = args.toLowerCase();
      if (wanted === 'mention' || wanted === 'always') await set(call, deps, { activation: wanted });
      else if (wanted !== '') throw new CodedError('INVALID_REQUEST', `"${args}" is neither`, 'Say mention or always.');
      const { activation = 'mention' } = await sessionSettings(deps.db, call.session);
      return { text: activation === 'always' ? 'I answer everything that is said here.' : 'I answer who names me or replies to me; the rest I read as context.' };
    },
  },
} satisfies Readonly<Record<string, CommandKind>>;

const MEANING = {
  steer: 'it enters what I am doing',
  followup: 'it is answered after that',
  collect: 'what comes within the quiet time is answered together',
  interrupt: 'I stop and answer it',
} as const;

/** @throws CodedError INVALID_REQUEST */
function readQueue(args: string): NonNullable<SessionSettings['queue']> {
  let queue: NonNullable<SessionSettings['queue']> = {};
  for (const word of args.toLowerCase().split(/\s+/)) {
    const mode = QUEUE_MODES.find((one) => one === word);
    const [name = '', value = ''] = word.split(':');
    const drop = DROP_POLICIES.find((one) => one === value || (value === 'summarise' && one === 'summarize'));
    const quiet = /^(\d+(?:\.\d+)?)(ms|s)$/.exec(value);
    if (mode) queue = { ...queue, mode };
    else if (name === 'drop' && drop) queue = { ...queue, drop };
    else if (name === 'cap' && /^[1-9]\d{0,3}$/.test(value)) queue = { ...queue, cap: Number(value) };
    else if (name === 'debounce' && quiet && Number(quiet[1]) * (quiet[2] === 's' ? 1_000 : 1) <= 600_000) queue = { ...queue, debounceMs: Math.round(Number(quiet[1]) * (quiet[2] === 's' ? 1_000 : 1)) };
    else throw new CodedError('INVALID_REQUEST', `"${word}" is not understood`, `Try: /queue collect debounce:2s cap:20 drop:summarize`);
  }
  return queue;
}

/** @throws CodedError INVALID_REQUEST */
function choose(wanted: string, known: readonly string[]): string {
  const text = wanted.toLowerCase();
  const found = known.filter((ref) => ref.toLowerCase() === text);
  const alike = found.length > 0 ? found : known.filter((ref) => ref.toLowerCase().split('/').slice(1).join('/') === text || ref.toLowerCase().includes(text));
  if (alike.length === 1) return alike[0]!;
  const near = alike.length === 0 ? '`/model list` shows what there is.' : `Did you mean ${alike.slice(0, 5).map((ref) => `\`${ref}\``).join(', ')}?`;
  throw new CodedError('INVALID_REQUEST', alike.length === 0 ? `there is no model "${wanted}"` : `"${wanted}" fits several models`, near);
}
