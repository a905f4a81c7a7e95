/** Config of messenger channels: the peer's key names. Every platform has the same head; see {@link file://./kit.ts} for the rules. */
import { Type } from 'typebox';
import { flag, group, lazySecret, oneOf, opt, table, text, texts, whole } from './kit.js';

export const DM_POLICIES = ['pairing', 'allowlist', 'open', 'disabled'] as const;
export const GROUP_POLICIES = ['allowlist', 'open', 'disabled'] as const;

const oneGroup = Type.Object(
  {
    enabled: opt(Type.Boolean({ description: 'Off: the agent is silent there.' })),
    requireMention: opt(Type.Boolean({ description: 'Answer only when named, or in reply to an answer. Default: true.' })),
    allowFrom: opt(Type.Array(Type.String(), { description: 'Senders who may speak to the agent there; everybody unless set.' })),
  },
  { description: 'One group; `*` is every other one.' },
);

/** What every channel account has. */
const access = {
  dmPolicy: opt(oneOf(DM_POLICIES, 'Who may write to the agent directly: `pairing` (strangers wait for the owner), `allowlist`, `open` (needs "*" in allowFrom), `disabled`. Default: pairing.')),
  allowFrom: opt(Type.Array(Type.String(), { description: 'Senders who may write without pairing: platform ids, or "*".' })),
  groupPolicy: opt(oneOf(GROUP_POLICIES, 'Which groups the agent answers in: those of `groups`, every one, or none. Default: allowlist.')),
  groupAllowFrom: opt(Type.Array(Type.String(), { description: 'Senders who may speak to the agent in groups; everybody unless set.' })),
  groups: opt(Type.Record(Type.String(), oneGroup, { description: 'Groups by their platform id.' })),
  textChunkLimit: opt(whole('Characters of one message; longer answers are split. At most what the platform takes.', { minimum: 200 })),
  historyLimit: opt(whole('Messages of a group that are kept as context for the next turn there. Default: 50.', { maximum: 500 })),
  mediaMaxMb: opt(whole('Largest file that is fetched, in megabytes. Default, and at most: 20.', { minimum: 1, maximum: 20 })),
  streaming: opt(oneOf(['off', 'progress'], 'Whether an answer is shown while it is written. Default: progress.', { 'x-lenient': true })),
};

const telegramAccount = {
  enabled: opt(Type.Boolean({ description: 'Off: the account is configured and not connected.' })),
  botToken: opt(lazySecret('The token BotFather gave. For the default account TELEGRAM_BOT_TOKEN works too.')),
  apiRoot: opt(text('Address of the Bot API, for a server of your own.')),
  ...access,
};

const telegram = group('Telegram, by long polling: nothing listens.', {
  ...telegramAccount,
  defaultAccount: opt(text('The account that sends when none is named.')),
  accounts: table(Type.Object(telegramAccount, { description: 'A further bot; what it does not set it takes from above.' }), 'Several bots by a name of yours.'),
});

export const channels = group('Messengers.', { telegram });

export const commands = group('Commands that people type in a chat.', {
  text: flag('Messages that begin with / are commands.', true),
  ownerAllowFrom: texts('Identities that are the owner, as `channel:sender`, e.g. `telegram:123456789`. Beside those that were made owner by pairing.'),
});
