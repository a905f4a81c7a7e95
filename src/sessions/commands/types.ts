/** What a chat command gets and gives. Pure types. */
import type { Button } from '../../core/channel.js';
import type { InboundMessage } from '../../core/message.js';
import type { Config } from '../../core/schema/config.js';
import type { Approvals } from '../approvals.js';
import type { BudgetControl } from '../budgets.js';
import type { Contacts } from '../contacts.js';
import type { SessionControl } from '../control.js';
import type { Deliveries } from '../deliveries.js';
import type { Identified } from '../people.js';
import type { LinkCodes } from '../link-codes.js';
import type { RowStore } from '../../core/rows.js';
import type { SpendingReader } from '../../storage/spending.js';
import type { Db } from '../../storage/sqlite.js';

export interface CommandCall {
  readonly message: InboundMessage;
  readonly session: string;
  readonly who: Extract<Identified, { readonly verdict: 'allowed' }>;
}

export interface CommandModels {
  /** `provider/model` that answers by default. */
  primary(): string;
  /** Every model that can be asked now, `provider/model`. */
  known(): readonly string[];
}

export interface CommandDeps {
  readonly db: Db;
  readonly config: () => Config;
  readonly control: SessionControl;
  readonly approvals: Approvals;
  readonly budgets: BudgetControl & Pick<SpendingReader, 'overview'>;
  readonly contacts: Contacts;
  readonly linkCodes: LinkCodes;
  readonly deliveries: Pick<Deliveries, 'send'>;
  readonly rows: Pick<RowStore, 'listSessions' | 'listRuns'>;
  readonly models: CommandModels;
  readonly version: string;
}

export interface Reply {
  /** Markdown. */
  readonly text: string;
  readonly buttons?: readonly (readonly Button[])[];
  /** Of its delivery, when something else may say the same. */
  readonly id?: string;
}

/** `words`: a new conversation begins, with these if there are any. */
export type Outcome = Reply | { readonly words: string };

export interface CommandKind {
  readonly summary: string;
  /** How it is typed, without the slash and the name. */
  readonly usage?: string;
  /** Guests are refused: in sessions that are not theirs alone, or anywhere. */
  readonly ownerOnly?: 'where shared' | true;
  run(args: string, call: CommandCall, deps: CommandDeps): Promise<Outcome>;
}
