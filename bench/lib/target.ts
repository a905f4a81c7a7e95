/**
 * The gateway that is measured: one of our own, started for the bench, or one somebody else runs (`--url`), of which only
 * what the protocol shows is known.
 * Invariant: what a gateway cannot show is absent here, with the reason; no bench guesses it.
 */
import type { Gateway } from '../../src/cli/lib/client.js';
import { connectGateway } from '../../src/cli/lib/client.js';
import { type ModelServer, startModelServer } from '../../test/servers/model-server.js';
import type { Plan } from './figures.js';
import { type House, type Hold, scriptedAnswer, scriptedHouse } from './house.js';
import { type Weighed, weigh } from './process.js';

export interface Target {
  client(): Promise<Gateway>;
  /** Full keys, new ones with every bench, so that a second run does not go on in the conversations of the first. */
  session(name: string): string;
  /** The instant model, when the gateway asks it. */
  readonly model?: ModelServer;
  /** Present when the gateway is ours: its files and its engine can be looked at. */
  readonly house?: House;
  /** Of all its processes; absent when they are not known. */
  readonly weigh?: () => Weighed;
  remove(): Promise<void>;
}

export const NO_MODEL = 'the gateway asks a model of its own: configure it for the instant one and give --model-port';
export const NO_PIDS = 'processes unknown: name them with --pid';
export const NO_FILES = 'the store of a gateway given by --url is unknown';

/** Started and ready. */
export async function openTarget(plan: Plan, hold?: Hold): Promise<Target> {
  const prefix = `agent:main:bench-${process.pid}-${Date.now().toString(36)}`;
  const session = (name: string): string => `${prefix}-${name}`;
  const { remote } = plan;
  if (remote === undefined) {
    const house = await scriptedHouse(hold);
    try {
      await house.start();
    } catch (error) {
      await house.remove();
      throw error;
    }
    return { client: house.client, session, model: house.model, house, weigh: () => weigh([house.pid()!, house.engine().pid]), remove: () => house.remove() };
  }
  const model = remote.modelPort === undefined ? undefined : await startModelServer({ port: remote.modelPort, answer: scriptedAnswer(hold) });
  const clients: Gateway[] = [];
  return {
    async client() {
      const made = await connectGateway({ url: remote.url, ...(remote.token === undefined ? {} : { token: remote.token }), version: 'bench' }, { timeoutMs: 20_000 });
      clients.push(made);
      return made;
    },
    session,
    ...(model === undefined ? {} : { model }),
    ...(remote.pids.length === 0 ? {} : { weigh: () => weigh(remote.pids) }),
    async remove() {
      for (const each of clients) each.close();
      await model?.close();
    },
  };
}
