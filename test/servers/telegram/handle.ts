/** What a test holds in its hand: the running stand-in. */
import type { Message, Update, User, UserFromGetMe } from '@grammyjs/types';

import type { Call, Violation } from './calls.js';
import type { ChatHandle } from './chat-handle.js';
import type { Faults } from './faults.js';
import type { Person } from './people.js';
import type { NewUpdate } from './updates.js';
import type { Views } from './views.js';

export type { Call } from './calls.js';

export interface TelegramOptions {
  readonly port?: number;
  readonly token?: string;
  readonly username?: string;
  readonly botId?: number;
  /** As @BotFather sets it: in groups the bot sees only what is meant for it. Default off. */
  readonly privacyMode?: boolean;
  readonly firstUpdateId?: number;
}

export interface TelegramServer extends Views, Faults {
  /** For `apiRoot`. */
  readonly url: string;
  readonly token: string;
  readonly bot: UserFromGetMe;
  /** Every call with the right token, with its time, parameters and outcome. */
  readonly calls: readonly Call[];
  /** Calls that the API's types do not allow, and calls before a told time was over. A test ends with none. */
  readonly violations: readonly Violation[];
  expectNoViolations(): void;

  person(who?: { readonly firstName?: string; readonly lastName?: string; readonly username?: string; readonly language?: string; readonly id?: number }): Person;
  /** The person has pressed Start. Without it the bot does not know him: "chat not found". */
  privateChat(person: { readonly user: User }): ChatHandle;
  /** The first member is its creator. A forum is a supergroup. */
  group(options?: { readonly title?: string; readonly members?: readonly Person[]; readonly forum?: boolean; readonly kind?: 'group' | 'supergroup'; readonly username?: string; readonly botIs?: 'administrator' | 'member' }): ChatHandle;

  /** Resolves when `look` finds something; it is asked again after every change. */
  until<T>(look: () => T | undefined | false, what?: string | (() => string), timeoutMs?: number): Promise<T>;
  /** Updates the bot has not confirmed. */
  pending(): readonly Update[];
  confirmedBelow(): number;
  /** Whether the update that carried this message (or of this number) is confirmed. */
  isConfirmed(message: Message | number): boolean;
  untilConfirmed(message: Message | number): Promise<void>;
  /** Until the bot's long poll waits here. */
  untilPolling(): Promise<void>;
  isPolling(): boolean;
  /** Any other update, as it is. */
  inject(update: NewUpdate): number | undefined;
  /** What people do inside arrives in one answer. */
  batch<T>(work: () => T): T;

  /** The next so many confirmed updates come once more. */
  duplicateUpdates(count?: number): void;
  /** The next so many answers with several updates come backwards. */
  reorderUpdates(count?: number): void;
  blockBot(person: Person): void;
  unblockBot(person: Person): void;
  deactivate(person: Person): void;
  /** Presses so far can no longer be answered. */
  expireQueries(): void;
  /** Download links so far are dead until getFile is asked again. */
  expireFiles(): void;
  /** Makes the message older than 48 hours. */
  age(message: Message): void;
  /** Leaves a webhook behind: getUpdates is refused until deleteWebhook. */
  setWebhook(url: string | undefined): void;
  /** The old token is revoked: 401. */
  changeToken(token: string): void;
  dropConnections(): void;
  down(): Promise<void>;
  up(): Promise<void>;
  /** Same port, nothing forgotten. */
  restart(): Promise<void>;
  close(): Promise<void>;
}
