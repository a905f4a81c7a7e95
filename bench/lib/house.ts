/**
 * An installation to measure, with a scripted model that answers at once, and turns in it.
 * Invariant: a turn that did not end `ok` is no sample; it ends the bench.
 */
import { randomUUID } from 'node:crypto';
import { type Installation, install } from '../../test/servers/installation.js';
import { DEFAULT_KEY, type ModelServer, type Reply, type SeenRequest, defaultAnswer, startModelServer } from '../../test/servers/model-server.js';
import type { Gateway } from '../../src/cli/lib/client.js';

/** `batch: N <command>` calls exec N times in one answer; the rest as the tests' model does. */
function answer(seen: SeenRequest): Reply {
  const [, count, command] = /(?:^|\n|: )batch: (\d+) ([^\n]+)/.exec(seen.text) ?? [];
  if (count === undefined || command === undefined || seen.results.length > 0) return defaultAnswer(seen);
  return { calls: Array.from({ length: Number(count) }, () => ({ name: 'exec', args: { command } })) };
}

export interface House extends Installation {
  readonly model: ModelServer;
}

/** `hold` decides which requests stay without an answer. */
export async function scriptedHouse(hold: (seen: SeenRequest) => boolean = () => false): Promise<House> {
  const model = await startModelServer({ answer: (seen) => (hold(seen) ? { kind: 'mute' } : answer(seen)) });
  const house = await install({
    config: {
      tools: { exec: { mode: 'full' } },
      agents: { defaults: { model: 'local/scripted' } },
      models: { providers: { local: { baseUrl: model.baseUrl('openai'), apiKey: DEFAULT_KEY, api: 'openai-completions', models: [{ id: 'scripted', contextWindow: 100_000, maxTokens: 4_000 }] } } },
    },
  });
  return { ...house, model, remove: async () => { await house.remove(); await model.close(); } };
}

export interface TurnTimes {
  /** Sent → accepted: the message is on disk. */
  readonly acceptMs: number;
  /** Accepted → final answer. */
  readonly answerMs: number;
}

export async function takeTurn(client: Gateway, message: string, sessionKey = 'main'): Promise<TurnTimes> {
  const sent = performance.now();
  let accepted = sent;
  const final = await client.request<{ readonly status: string }>('agent', { message, sessionKey, idempotencyKey: randomUUID() }, { timeoutMs: 120_000, onAccepted: () => (accepted = performance.now()) });
  if (final.status !== 'ok') throw new Error(`"${message}" ended as ${JSON.stringify(final)}`);
  return { acceptMs: accepted - sent, answerMs: performance.now() - accepted };
}
