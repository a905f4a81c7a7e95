/**
 * What people write on messengers, composed: the channel door with its commands, and approvals asked in chat.
 */
import type { Door, Logger, RunEvents } from '../core/ports.js';
import type { RowStore } from '../core/rows.js';
import type { ModelRegistry } from '../activities/models/index.js';
import { createApprovalChat } from '../sessions/approval-chat.js';
import { type ChannelDoor, createChannelDoor } from '../sessions/channel-door.js';
import { createCommands } from '../sessions/commands/index.js';
import type { CommandDeps } from '../sessions/commands/types.js';
import { createLinkCodes } from '../sessions/link-codes.js';
import type { PairingControl } from '../sessions/pairing.js';
import type { People } from '../sessions/people.js';
import { VERSION } from './version.js';

export interface Chat {
  readonly receive: ChannelDoor;
  /** Questions that were not asked in chat yet, answers that were not told. */
  sweep(): Promise<void>;
  stop(): void;
}

export interface ChatDeps extends Omit<CommandDeps, 'linkCodes' | 'models' | 'version' | 'rows'> {
  readonly people: People;
  readonly pairing: Pick<PairingControl, 'hold'>;
  readonly door: Door;
  readonly rows: RowStore;
  readonly models: () => ModelRegistry;
  readonly events: RunEvents;
  readonly log: Logger;
}

export function createChat(deps: ChatDeps): Chat {
  const { models } = deps;
  const commands = createCommands({
    ...deps, version: VERSION, linkCodes: createLinkCodes(deps),
    models: { primary: () => models().chain[0] ?? '', known: () => models().list().filter(({ available }) => available).map(({ ref }) => ref) },
  });
  const approvals = createApprovalChat(deps);
  return { receive: createChannelDoor({ ...deps, commands }), sweep: () => approvals.sweep(), stop: () => approvals.stop() };
}
