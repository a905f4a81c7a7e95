/** Commands about the conversation itself: what it does, ending it, stopping it. */
import { totalTokens } from '../../core/model.js';
import { TERMINAL_STATES } from '../../core/run.js';
import { openInbound } from '../../storage/inbound.js';
import { sessionSettings } from '../../storage/session-settings.js';
import { isOwnersChat, isShared, sessionsOfPerson } from './person.js';
import type { CommandKind } from './types.js';
import { money, tokens } from './words.js';

const restart = (summary: string): CommandKind => ({ summary, usage: '[first words]', ownerOnly: 'where shared', run: async (args) => ({ words: args }) });

export const conversation = {
  status: {
    summary: 'What I am doing.',
    async run(_args, { session, who, message }, deps) {
      const { sessions } = await deps.rows.listSessions({ search: session, limit: 20 });
      const row = sessions.find(({ key }) => key === session);
      const open = await openInbound(deps.db, session);
      const running = open.filter(({ state }) => state === 'taken').length;
      const waiting = open.length - running;
      const { model = deps.models.primary(), thinking } = await sessionSettings(deps.db, session);
      // A command is shown to the owner alone.
      const questions = isOwnersChat({ who, message }) ? await deps.approvals.list({ open: true, session, limit: 10 }) : [];
      const spent = row ? totalTokens(row.usage) : 0;
      const lines = [
        `**${running > 0 ? 'Working' : 'Idle'}**${waiting > 0 ? ` · ${waiting} waiting` : ''}`,
        `Model: \`${model}\`${thinking === undefined ? '' : ` · thinking ${thinking}`}`,
        `Session: \`${session}\` · ${tokens(spent)} so far`,
        ...questions.map(({ id, request }) => `Waits for a decision: \`${request.command}\` (\`/approve ${id} allow-once\`)`),
        `OpenClaw ${deps.version}`,
      ];
      return { text: lines.join('\\\n') };
    },
  },
  new: restart('Begin a new conversation.'),
  reset: restart('Forget this conversation and begin a new one.'),
  stop: {
    summary: 'Stop what is running, and what waits.',
    async run(_args, call, deps) {
      const { session, who } = call;
      const isGuestOfOthers = isShared(call);
      let stopped = 0;
      for (const key of isGuestOfOthers ? [session] : await sessionsOfPerson(deps.db, session)) {
        // Where others speak too, a guest stops what is theirs.
        const own = isGuestOfOthers ? (await openInbound(deps.db, key)).filter((row) => row.principal === who.principal) : undefined;
        if (own === undefined) stopped += (await deps.control.stop(key, {}, who.principal)).length;
        else for (const row of own) stopped += (await deps.control.stop(key, { run: row.run }, who.principal)).length;
      }
      return { text: stopped === 0 ? 'Nothing was running.' : `Stopped${stopped === 1 ? '' : `: ${stopped} messages`}.` };
    },
  },
  usage: {
    summary: 'What was used, in tokens and money.',
    async run(_args, { session, who }, deps) {
      const { runs, total } = await deps.rows.listRuns({ session, state: TERMINAL_STATES, limit: 1 });
      const { sessions } = await deps.rows.listSessions({ search: session, limit: 20 });
      const row = sessions.find(({ key }) => key === session);
      const all = row ? totalTokens(row.usage) : 0;
      const lines = [`This conversation: ${tokens(all)} in ${total} ${total === 1 ? 'answer' : 'answers'}.`];
      const [last] = runs;
      if (last?.usage) lines.push(`The last answer: ${tokens(totalTokens(last.usage))}${last.costUsd === undefined ? '' : `, ${money(last.costUsd)}`}.`);
      if (who.role === 'owner') {
        const { lines: ledger } = await deps.budgets.overview();
        for (const scope of ['day', 'month'] as const) {
          const line = ledger.find((one) => one.scope === scope);
          if (line) lines.push(`This ${scope}: ${tokens(line.spent.tokens)}, ${money(line.spent.usd)}.`);
        }
      }
      return { text: lines.join('\n\n') };
    },
  },
} satisfies Readonly<Record<string, CommandKind>>;
