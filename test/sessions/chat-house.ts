/** The messengers' door over the real store: real people, pairing, commands; the engine and the platform are stand-ins. */
import type { NewDelivery } from '../../src/core/channel.js';
import type { Role } from '../../src/core/queue.js';
import type { InboundMessage } from '../../src/core/message.js';
import { createApprovals } from '../../src/sessions/approvals.js';
import { createBudgetControl } from '../../src/sessions/budgets.js';
import { type ChannelDoor, createChannelDoor } from '../../src/sessions/channel-door.js';
import { createCommands } from '../../src/sessions/commands/index.js';
import { createContacts } from '../../src/sessions/contacts.js';
import { createSessionControl } from '../../src/sessions/control.js';
import { createLinkCodes } from '../../src/sessions/link-codes.js';
import { createPairing } from '../../src/sessions/pairing.js';
import { createPeople } from '../../src/sessions/people.js';
import { parseConfig } from '../../src/storage/config/index.js';
import { putContact, putIdentity } from '../../src/storage/contacts.js';
import { enqueueDelivery } from '../../src/storage/deliveries.js';
import { createRunReader } from '../../src/storage/runs.js';
import { createSpendingReader } from '../../src/storage/spending.js';
import { messageOf } from '../storage/store.js';
import { type House, makeHouse } from './house.js';

export interface ChatHouse extends House {
  readonly receive: ChannelDoor;
  readonly approvals: ReturnType<typeof createApprovals>;
  /** What was sent, oldest first. */
  readonly sent: NewDelivery[];
  /** The newest text that was sent. */
  last(): string;
  set(config: Readonly<Record<string, unknown>>): void;
  /** Somebody who was approved on this channel. */
  approve(sender: string, role?: Role, channel?: string): Promise<string>;
  /** A message as a platform gives it. */
  says(sender: string, text: string, over?: Partial<InboundMessage>): InboundMessage;
}

export async function makeChat(first: Readonly<Record<string, unknown>> = {}): Promise<ChatHouse> {
  const house = await makeHouse();
  const { db, engine, log, door } = house;
  let config = parseConfig(JSON.stringify(first), 'openclaw.json', {}).config;
  const events = { publish: () => undefined, subscribe: () => () => undefined };
  const sent: NewDelivery[] = [];
  const deliveries = {
    wake: async () => undefined,
    async send(delivery: NewDelivery) {
      const isNew = await db.transaction().execute((tx) => enqueueDelivery(tx, delivery));
      if (isNew) sent.push(delivery);
      return isNew;
    },
  };
  const budgetsOf = () => ({ limits: {}, timezone: 'UTC' });
  const approvals = createApprovals({ db, engine, events, log });
  const contacts = createContacts({ db, config: () => config, deliveries, log });
  const commands = createCommands({
    db, config: () => config, control: createSessionControl({ db, engine }), approvals, contacts, deliveries, log, version: '9.9.9',
    budgets: { ...createBudgetControl({ db, engine, events, log, budgets: budgetsOf }), ...createSpendingReader(db, budgetsOf) },
    linkCodes: createLinkCodes({ db, contacts }), rows: createRunReader(db),
    models: { primary: () => 'fake/one', known: () => ['fake/one', 'fake/two', 'other/two'] },
  });
  const pairing = createPairing({ db, engine: { held: async () => undefined, decide: async () => ({ state: 'open', handed: 0 }) }, limits: () => ({ ttlMs: 3_600_000, maxPending: 3 }), configOwners: () => config.commands.ownerAllowFrom, log });
  const receive = createChannelDoor({ db, config: () => config, people: createPeople({ db, config: () => config }), pairing, commands, door, log });
  let count = 0;
  return {
    ...house, receive, approvals, sent,
    last: () => {
      const source = sent.at(-1)?.source;
      return source?.type === 'text' ? source.markdown : '';
    },
    set: (next) => void (config = parseConfig(JSON.stringify(next), 'openclaw.json', {}).config),
    approve: (sender, role = 'guest', channel = 'telegram') =>
      db.transaction().execute(async (tx) => {
        const contact = await putContact(tx, { name: `Person ${sender}`, role });
        await putIdentity(tx, { channel, account: 'default', sender }, { sender: { id: sender }, direct: { kind: 'direct', id: sender } }, { contact: contact.id, state: 'approved', approvedBy: 'owner' });
        return contact.id;
      }),
    says: (sender, text, over = {}) =>
      messageOf(text, { channel: 'telegram', account: 'default', conversation: { kind: 'direct', id: sender }, sender: { id: sender, name: `Person ${sender}` }, messageId: `m${(count += 1)}`, ...over }),
  };
}
