/**
 * The whole config: one schema from which the type, the defaults, the checks and `openclaw config schema` all come.
 * The peer's key names where the meaning is the same.
 * Invariant: a {@link Config} is complete. Every property that has a default is there; only the rest may be absent.
 */
import { Type, type Static } from 'typebox';
import { channels, commands } from './config/channels.js';
import { agents, budgets, delivery, messages, pairing, session } from './config/agents.js';
import { gateway, logging, models, temporal, tools } from './config/host.js';
import { opt, text } from './config/kit.js';

export const ConfigSchema = Type.Object(
  {
    $schema: opt(text('Address of this schema, for editors.')),
    agents,
    models,
    tools,
    gateway,
    session,
    messages,
    budgets,
    pairing,
    delivery,
    channels,
    commands,
    temporal,
    logging,
  },
  { description: 'OpenClaw\'s config: `openclaw.json`, JSON5.', default: {} },
);

type DeepReadonly<T> = T extends (infer E)[]
  ? readonly DeepReadonly<E>[]
  : T extends object
    ? { readonly [K in keyof T]: DeepReadonly<T[K]> }
    : T;

/** The effective config: the file's values over the defaults. */
export type Config = DeepReadonly<Static<typeof ConfigSchema>>;
export type ProviderConfig = Config['models']['providers'][string];
export type TelegramConfig = Config['channels']['telegram'];
export type ModelConfig = ProviderConfig['models'][number];

/** Read once, at start: the port is bound, the engine runs, the log is open. Everything else applies at once. */
const START_ONLY = ['gateway', 'temporal', 'logging'] as const;
/** Does a change of this key wait for the gateway's next start? @param path dotted */
export const appliesAtStart = (path: string): boolean => START_ONLY.some((root) => path === root || path.startsWith(`${root}.`));
