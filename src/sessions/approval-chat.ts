/**
 * Approvals in the owner's chat: the question with the exact command and its buttons, and what became of it when it was
 * decided elsewhere. Invariants: each question is asked once and its end told once, whatever is restarted; nobody but an
 * owner is shown a command.
 */
import type { Approval } from '../core/approval.js';
import { type Address, type Button, addressOf } from '../core/channel.js';
import { messageOf } from '../core/errors.js';
import { DEFAULT_AGENT, RPC_CHANNEL } from '../core/names.js';
import type { Logger, RunEvents } from '../core/ports.js';
import { mainSessionKey } from '../core/session-key.js';
import { listContacts } from '../storage/contacts.js';
import { deliveryById } from '../storage/deliveries.js';
import { inboundByRun } from '../storage/inbound.js';
import { routeOf } from '../storage/routes.js';
import type { Db } from '../storage/sqlite.js';
import type { Approvals } from './approvals.js';
import { decidedText } from './decided-text.js';
import type { Deliveries } from './deliveries.js';

/** Deliveries of one approval: the question, and what became of it. Whoever decides in that chat is answered by the latter. */
export const askId = (approval: Pick<Approval, 'id'>): string => `approval-${approval.id}`;
export const toldId = (approval: Pick<Approval, 'id'>): string => `${askId(approval)}-done`;

export interface ApprovalChat {
  /** Asks what was not asked yet, tells what was not told: at start and with every sweep. */
  sweep(): Promise<void>;
  stop(): void;
}

export interface ApprovalChatDeps {
  readonly db: Db;
  readonly approvals: Approvals;
  readonly deliveries: Pick<Deliveries, 'send'>;
  readonly events: RunEvents;
  readonly log: Logger;
}

/** Looked at in one sweep. */
const SWEPT = 200;
/** Decided longer ago than this, nobody needs to be told. */
const NEWS_MS = 24 * 3_600_000;

export function createApprovalChat({ db, approvals, deliveries, events, log }: ApprovalChatDeps): ApprovalChat {
  const unsubscribe = events.subscribe((event) => {
    if (event.type === 'approval') look(event.id).catch((error: unknown) => log.debug({ approval: event.id, error: messageOf(error) }, 'an approval was not shown in chat; the sweep does it'));
  });

  async function look(id: string): Promise<void> {
    const approval = await approvals.get(id);
    if (approval) await show(approval);
  }

  async function show(approval: Approval): Promise<void> {
    const asked = await deliveryById(db, askId(approval));
    if (approval.state === 'open') {
      const to = asked ? undefined : await whereToAsk(approval);
      if (to) await deliveries.send({ id: askId(approval), kind: 'approval', to, source: { type: 'text', markdown: question(approval) }, buttons: buttons(approval), ...(approval.call ? { session: approval.call.session, run: approval.call.run } : {}) });
      return;
    }
    if (asked && !(await deliveryById(db, toldId(approval)))) await deliveries.send({ id: toldId(approval), kind: 'notice', to: asked.to, source: { type: 'text', markdown: decidedText(approval) }, ...(approval.call ? { session: approval.call.session } : {}) });
  }

  /** Where the run came from when that is the owner's own chat, else where the owner was heard last. A client over RPC asks by itself. */
  async function whereToAsk({ call }: Approval): Promise<Address | undefined> {
    const inbound = call && (await inboundByRun(db, call.run));
    if (!inbound) return undefined;
    const { message, role, request } = inbound;
    if (message.channel !== RPC_CHANNEL && role === 'owner' && message.conversation.kind === 'direct') return addressOf(message);
    if (message.channel === RPC_CHANNEL && request.background !== true) return undefined;
    return ownersChat();
  }

  /** Of the owner's own direct chats the one that was used last; never where somebody else may read. */
  async function ownersChat(): Promise<Address | undefined> {
    const last = await routeOf(db, mainSessionKey(DEFAULT_AGENT));
    const own = (await listContacts(db)).filter(({ role, blocked }) => role === 'owner' && !blocked).flatMap(({ identities }) => identities).filter(({ state, direct }) => state === 'approved' && direct !== undefined);
    const used = own.find(({ channel, account, direct }) => channel === last?.channel && account === last.account && direct?.id === last.conversation.id) ?? own[0];
    return used?.direct && { channel: used.channel, account: used.account, conversation: used.direct };
  }

  return {
    async sweep() {
      for (const approval of await approvals.list({ open: true, limit: SWEPT })) await show(approval);
      for (const approval of await approvals.changedSince({ updatedAt: Date.now() - NEWS_MS, id: '' }, SWEPT)) if (approval.state !== 'open') await show(approval);
    },
    stop: unsubscribe,
  };
}

const question = ({ id, request, call }: Approval): string =>
  [
    '**May I run this?**',
    `\`\`\`sh\n${request.command}\n\`\`\``,
    [request.cwd === undefined ? undefined : `in \`${request.cwd}\``, request.background ? 'in the background' : undefined, request.why].filter(Boolean).join(' · '),
    `\`/approve ${id} allow-once\`, \`allow-always\` or \`deny\`${call === undefined ? '' : ` · session \`${call.session}\``}`,
  ].filter((part) => part !== '').join('\n\n');

const buttons = ({ id }: Approval): readonly (readonly Button[])[] => [
  [
    { label: 'Allow once', command: `/approve ${id} allow-once` },
    { label: 'Always', command: `/approve ${id} allow-always` },
    { label: 'Deny', command: `/approve ${id} deny` },
  ],
];
