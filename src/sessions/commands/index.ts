/**
 * Chat commands: answered without the model. Invariants: the same message answers once; what is the owner's is refused to
 * others politely; a command that fails says so, with what to do, and keeps nothing else from its turn.
 */
import { addressOf } from '../../core/channel.js';
import { CodedError, messageOf } from '../../core/errors.js';
import { type InboundMessage, messageKey } from '../../core/message.js';
import type { Logger } from '../../core/ports.js';
import type { Config } from '../../core/schema/config.js';
import { deliveryById } from '../../storage/deliveries.js';
import { inboundIdOf } from '../keys.js';
import { decisions } from './decisions.js';
import { conversation } from './conversation.js';
import { people } from './people.js';
import { isShared } from './person.js';
import { settings } from './settings.js';
import { type Command, type CommandName, COMMANDS, parseCommand } from './parse.js';
import type { CommandCall, CommandDeps, CommandKind, Outcome } from './types.js';

export interface Commands {
  parse(message: InboundMessage, config: Config): Command | undefined;
  /** @returns `words` when a new conversation is to begin */
  run(command: Command, call: CommandCall): Promise<'answered' | { readonly words: string }>;
}

const help: CommandKind = {
  summary: 'What you can say to me.',
  async run(_args, call) {
    const usable = COMMANDS.filter((name) => mayUse(name, call));
    return { text: usable.map((name) => `- \`/${name}${KINDS[name].usage === undefined ? '' : ` ${KINDS[name].usage}`}\` ${KINDS[name].summary}`).join('\n') };
  },
};

const KINDS: Readonly<Record<CommandName, CommandKind>> = { help, ...conversation, ...settings, ...decisions, ...people };

/** What is the owner's is not others'; what rules a conversation is not for guests where others speak too. */
function mayUse(name: CommandName, call: CommandCall): boolean {
  const { ownerOnly } = KINDS[name];
  return ownerOnly === true ? call.who.role === 'owner' : ownerOnly !== 'where shared' || !isShared(call);
}

export function createCommands(deps: CommandDeps & { readonly log: Logger }): Commands {
  return {
    parse({ text, event, mentions }, config) {
      if (!config.commands.text || event.type !== 'message') return undefined;
      // `/new@other_bot` is said to somebody else.
      if (/^\s*\/\w+@/.test(text) && !mentions.some(({ self }) => self)) return undefined;
      return parseCommand(text, config.session.resetTriggers);
    },

    async run(command, call) {
      const { message, session } = call;
      const id = `command-${inboundIdOf(messageKey(message))}`;
      // Given again by the platform: its answer is on its way.
      if (await deliveryById(deps.db, id)) return 'answered';
      const outcome = await perform(command, call);
      if ('words' in outcome) return outcome;
      await deps.deliveries.send({
        id: outcome.id ?? id, kind: 'command', to: addressOf(message), source: { type: 'text', markdown: outcome.text }, session,
        ...(outcome.buttons ? { buttons: outcome.buttons } : {}),
        ...(message.conversation.kind === 'direct' ? {} : { replyTo: message.messageId }),
      });
      return 'answered';
    },
  };

  async function perform({ name, args }: Command, call: CommandCall): Promise<Outcome> {
    const kind = KINDS[name];
    if (!mayUse(name, call)) return { text: `Sorry, /${name} is for my owner${kind.ownerOnly === true ? '' : ' here'}.` };
    try {
      return await kind.run(args, call, deps);
    } catch (error) {
      if (error instanceof CodedError) return { text: [`${error.message.charAt(0).toUpperCase()}${error.message.slice(1)}.`, error.hint].filter(Boolean).join(' ') };
      deps.log.warn({ command: name, error: messageOf(error) }, 'a chat command failed');
      return { text: `/${name} did not work this time. Please try again; my owner finds the reason in the log.` };
    }
  }
}
