/** Config of agents, sessions, queue, budgets and what a run may take. See {@link file://./kit.ts} for the rules. */
import { Type } from 'typebox';
import { LIMITS, TIMINGS } from '../../names.js';
import { decimal, duration, flag, group, oneOf, opt, text, whole } from './kit.js';

const MODEL_REF = 'A model as `provider/model`';

const heartbeat = group('Recurring turns that look after HEARTBEAT.md.', {
  every: duration('Time between heartbeats; `0m` turns them off.', { default: '30m' }),
  activeHours: opt(
    Type.Object(
      {
        start: Type.String({ pattern: '^\\d\\d:\\d\\d$', description: 'First minute, `HH:MM`.' }),
        end: Type.String({ pattern: '^\\d\\d:\\d\\d$', description: 'First minute after, `HH:MM` (24:00 allowed).' }),
        timezone: opt(text('`user`, `local` or an IANA zone.')),
      },
      { description: 'Hours of the day in which heartbeats run.' },
    ),
  ),
  model: opt(text(`${MODEL_REF}; the agent's own unless set.`)),
  session: opt(text('Session that heartbeats run in; the main one unless set.')),
  target: text('Where alerts go: `owner`, `last`, `none` or a channel.', { default: 'owner' }),
  to: opt(text('Recipient on the target channel.')),
  accountId: opt(text('Account of the target channel.')),
  prompt: opt(text('The message a heartbeat sends to the agent.')),
  timeoutSeconds: opt(whole('Time limit of one heartbeat turn, seconds.', { minimum: 1 })),
  lightContext: flag('Only HEARTBEAT.md is put before the model.', false),
  isolatedSession: flag('Each heartbeat runs in a conversation of its own.', false),
  discard: flag('A heartbeat that found nothing leaves no rows in the conversation.', true),
  jitter: duration('Heartbeats start up to this much later, so that many agents do not start at once.', { default: '0s' }),
}, { 'x-later': true });

const defaults = group('Settings of every agent.', {
  model: opt(
    Type.Union(
      [
        text(MODEL_REF),
        Type.Object({
          primary: opt(text(MODEL_REF)),
          fallbacks: opt(Type.Array(Type.String(), { description: 'Models tried in order when the primary fails.' })),
        }),
      ],
      { description: `${MODEL_REF}, or {primary, fallbacks}. Without it the first provider that has a key is used.` },
    ),
  ),
  workspace: opt(text('Folder of the agent\'s files; `workspace` in the state directory unless set. A leading ~ is the home.')),
  thinkingDefault: oneOf(['off', 'minimal', 'low', 'medium', 'high'], 'How much models think before they answer.', { default: 'off', 'x-lenient': true }),
  userTimezone: opt(text('IANA time zone of the owner: days and months of budgets, and what the agent is told. The host\'s unless set.')),
  maxSteps: whole('Model calls one run may make.', { default: LIMITS.maxSteps, minimum: 1, maximum: 10_000 }),
  runTimeoutSeconds: whole('Time limit of a run, seconds. 0: none.', { default: 0 }),
  heartbeat,
});

export const agents = group('The agents.', { defaults });

const limit = (scope: string) =>
  group(`Limit per ${scope}.`, {
    tokens: opt(whole(`Input and output tokens one ${scope} may use.`)),
    usd: opt(decimal(`US dollars one ${scope} may cost.`)),
  });

export const budgets = group('Spending limits, checked before each model call. A scope without numbers has none.', {
  run: limit('run'),
  session: limit('session'),
  agent: limit('agent'),
  day: limit('day'),
  month: limit('month'),
});

const resetPolicy = {
  mode: oneOf(['none', 'daily', 'idle'], 'When a session starts a new conversation by itself.', { default: 'none', 'x-lenient': true }),
  atHour: Type.Integer({ minimum: 0, maximum: 23, default: 4, description: 'Hour of a daily reset, host time.' }),
  idleMinutes: opt(whole('Minutes without a message before an idle reset.', { minimum: 1 })),
};

export const session = group('Sessions: which messages share a conversation, and for how long.', {
  dmScope: oneOf(['main', 'per-peer', 'per-channel-peer', 'per-account-channel-peer'], 'Which direct messages share a session: everybody\'s (`main`), those of one person on every platform (`per-peer`), of one person on one platform, of one person on one account.', { default: 'per-peer' }),
  groupScope: oneOf(['per-group', 'main'], 'Which session a group has.', { default: 'per-group' }),
  identityLinks: Type.Record(Type.String(), Type.Array(Type.String()), {
    description: 'One person on several platforms: {"ann": ["telegram:1", "discord:2"]}.',
    default: {},
  }),
  reset: group('Automatic resets.', resetPolicy),
  resetByType: group('Other reset policies by kind of conversation.', {
    direct: opt(Type.Object(resetPolicy, { description: 'Direct messages.' })),
    group: opt(Type.Object(resetPolicy, { description: 'Groups and channels.' })),
    thread: opt(Type.Object(resetPolicy, { description: 'Threads and topics.' })),
  }),
  resetTriggers: Type.Array(Type.String(), { description: 'Messages that reset the session.', default: ['/new', '/reset'] }),
  idleMinutesToComplete: decimal('An idle session\'s workflow completes after this many minutes; the next message starts it again from the store.', { default: TIMINGS.idleToComplete / 60_000 }),
  retentionDays: whole('Conversations without a message for this many days are deleted, with their files. 0: kept.', { default: 0 }),
});

const MODES = ['steer', 'followup', 'collect', 'interrupt'] as const;

export const messages = group('How messages wait for a running turn.', {
  queue: group('The queue of a session.', {
    mode: oneOf(MODES, 'What a message that names no mode does while a turn runs.', { default: 'steer', 'x-lenient': true }),
    debounceMs: whole('Quiet time before collected messages start a turn, milliseconds.', { default: 500 }),
    cap: whole('Messages that may wait.', { default: 20, minimum: 1 }),
    drop: oneOf(['summarize', 'old', 'new'], 'What happens past the cap.', { default: 'summarize', 'x-lenient': true }),
    byChannel: Type.Record(Type.String(), oneOf(MODES, 'Mode of one channel.', { 'x-lenient': true }), {
      description: 'Modes by channel.',
      default: {},
    }),
  }),
  groupChat: group('Groups.', {
    mentionPatterns: Type.Array(Type.String(), { description: 'Regular expressions that count as naming the agent, beside the platform\'s own mentions.', default: [] }),
  }),
});

export const pairing = group('Strangers who write to the agent.', {
  ttlMinutes: whole('Minutes a pairing code is valid; the held message is kept longer.', { default: 60, minimum: 1 }),
  maxHeld: whole('Strangers held at once per channel account.', { default: 3, minimum: 1 }),
});

export const delivery = group('Sending answers.', {
  staleMinutes: whole('An answer older than this is held for the owner instead of sent.', { default: 240, minimum: 1 }),
});
