/**
 * The messengers' way to the one door: who speaks, may they, is it a command, which session.
 * Invariants: it resolves only when what is to be kept is durable; the same message given again changes nothing; of
 * whoever is refused nothing is kept.
 */
import { addressOf } from '../core/channel.js';
import { CodedError } from '../core/errors.js';
import { type InboundMessage, messageKey } from '../core/message.js';
import type { Door, DoorRequest, Logger } from '../core/ports.js';
import type { Config } from '../core/schema/config.js';
import { inboundById, inboundByRun, mendWaiting } from '../storage/inbound.js';
import { overhear } from '../storage/overheard.js';
import { noteRoute } from '../storage/routes.js';
import { sessionSettings } from '../storage/session-settings.js';
import type { Db } from '../storage/sqlite.js';
import { isTerminal } from '../core/run.js';
import { accessOf } from './access.js';
import type { Commands } from './commands/index.js';
import { inboundIdOf } from './keys.js';
import type { PairingControl } from './pairing.js';
import type { Identified, People } from './people.js';
import { isAddressed, sessionOf } from './routing.js';

export interface ChannelDoorDeps {
  readonly db: Db;
  readonly config: () => Config;
  readonly people: People;
  readonly pairing: Pick<PairingControl, 'hold'>;
  readonly commands: Commands;
  readonly door: Door;
  readonly log: Logger;
}

export type Received = 'accepted' | 'repeat' | 'command' | 'held' | 'dropped' | 'overheard' | 'refused' | 'ignored';

/** Messages of a group that are kept as context, unless the config says otherwise. */
const HISTORY = 50;

export type ChannelDoor = (message: InboundMessage) => Promise<Received>;

export function createChannelDoor(deps: ChannelDoorDeps): ChannelDoor {
  const { db, log } = deps;

  return async (message) => {
    const { type } = message.event;
    // What somebody takes back, or thinks of an answer, asks for nothing.
    if (type === 'delete' || type === 'reaction') return 'ignored';
    const who = await deps.people.identify(message);
    if (who.verdict === 'refused') {
      log.debug({ channel: message.channel, account: message.account, reason: who.reason }, 'a message was refused');
      return 'refused';
    }
    if (who.verdict === 'unknown') return hold(message);
    return receive(message, who);
  };

  async function hold(message: InboundMessage): Promise<Received> {
    if (message.event.type !== 'message') return 'ignored';
    const { status } = await deps.pairing.hold(message);
    // Approved between two looks.
    if (status === 'approved') {
      const again = await deps.people.identify(message);
      return again.verdict === 'allowed' ? receive(message, again) : 'refused';
    }
    return status === 'known' ? 'repeat' : status;
  }

  async function receive(message: InboundMessage, who: Extract<Identified, { readonly verdict: 'allowed' }>): Promise<Received> {
    const config = deps.config();
    const session = await sessionOf(db, config, message, who);
    const at = { message, session, who };
    // Accepted is accepted, whatever the config says by now, and however its files were fetched this time; a lost signal is the sweeper's.
    if (await inboundById(db, inboundIdOf(messageKey(message)))) return 'repeat';
    const command = deps.commands.parse(message, config);
    const { activation } = await sessionSettings(db, session);
    if (!command && !isAddressed(config, message, activation)) return listen(message, session, config);
    await noteRoute(db, session, addressOf(message));
    if (message.event.type === 'edit') return correct(at, message.event.version);
    if (command) {
      const done = await deps.commands.run(command, at);
      if (done === 'answered') return 'command';
      return accept({ ...at, message: { ...message, text: done.words } }, true);
    }
    return accept(at);
  }

  type At = Parameters<Commands['run']>[1];

  async function accept({ message, session, who }: At, reset = false): Promise<Received> {
    return enter({ message, session, principal: who.principal, role: who.role, ...(reset ? { reset } : {}) });
  }

  /** What the door refuses for good must not come again and again. */
  async function enter(request: DoorRequest): Promise<Received> {
    try {
      return (await deps.door.accept(request)).status;
    } catch (error) {
      if (!(error instanceof CodedError) || error.code !== 'INVALID_REQUEST') throw error;
      log.warn({ channel: request.message.channel, account: request.message.account, message: inboundIdOf(messageKey(request.message)), error: error.message }, 'a message could not be accepted and is left out');
      return 'ignored';
    }
  }

  /** A correction counts while its message is being worked on; what was answered stays answered. */
  async function correct(at: At, version: string): Promise<Received> {
    const { message } = at;
    let original = await inboundById(db, inboundIdOf(messageKey({ ...message, event: { type: 'message' } })));
    if (original?.mergedInto !== undefined) original = await inboundByRun(db, original.mergedInto);
    if (!original || isTerminal(original.state)) return 'ignored';
    // Not begun yet: it is simply another text.
    if (original.message.messageId === message.messageId && (await mendWaiting(db, original.inboundId, message))) return 'accepted';
    const corrected = { ...message, text: `[Correction of an earlier message] ${message.text}` };
    log.debug({ channel: message.channel, version }, 'a message is corrected while it is worked on');
    return enter({ message: corrected, session: original.session, principal: at.who.principal, role: at.who.role, turn: { mode: 'steer' } });
  }

  async function listen(message: InboundMessage, session: string, config: Config): Promise<Received> {
    if (message.event.type !== 'message') return 'ignored';
    const { historyLimit = HISTORY } = accessOf(config, message) as { readonly historyLimit?: number };
    const text = [message.text, ...message.attachments.map(({ kind, name }) => `[${name === undefined ? kind : `${kind}: ${name}`}]`)].filter((part) => part !== '').join(' ');
    if (historyLimit > 0 && text !== '') await db.transaction().execute((tx) => overhear(tx, { id: inboundIdOf(messageKey(message)), session, sender: message.sender, text, at: message.time }, historyLimit));
    return 'overheard';
  }
}
