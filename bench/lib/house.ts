/**
 * An installation to measure, with a scripted model that answers at once, and turns in it.
 * Invariant: a turn that did not end `ok` is no sample; it ends the bench.
 */
import { randomUUID } from 'node:crypto';
import { type Installation, install } from '../../test/servers/installation.js';
import { DEFAULT_KEY, type ModelServer, type Reply, type SeenRequest, defaultAnswer, startModelServer } from '../../test/servers/model-server.js';
import type { Gateway } from '../../src/cli/lib/client.js';

/** Decides which requests stay without an answer. */
export type Hold = (seen: SeenRequest) => boolean;

/** `batch: N <command>` calls exec N times in one answer; the rest as the tests' model does. */
function answer(seen: SeenRequest): Reply {
  const [, count, command] = /(?:^|\n|: )batch: (\d+) ([^\n]+)/.exec(seen.text) ?? [];
  if (count === undefined || command === undefined || seen.results.length > 0) return defaultAnswer(seen);
  return { calls: Array.from({ length: Number(count) }, () => ({ name: 'exec', args: { command } })) };
}

export interface House extends Installation {
  readonly model: ModelServer;
}

export const scriptedAnswer = (hold: Hold = () => false) => (seen: SeenRequest): Reply => (hold(seen) ? { kind: 'mute' } : answer(seen));

/** Commands run unasked: nobody sits at a bench. */
export const UNASKED = { tools: { exec: { mode: 'full' } } } as const;

export async function scriptedHouse(hold?: Hold): Promise<House> {
  const model = await startModelServer({ answer: scriptedAnswer(hold) });
  const house = await install({
    config: {
      ...UNASKED,
      agents: { defaults: { model: 'local/scripted' } },
      models: { providers: { local: { baseUrl: model.baseUrl('openai'), apiKey: DEFAULT_KEY, api: 'openai-completions', models: [{ id: 'scripted', contextWindow: 100_000, maxTokens: 4_000 }] } } },
    },
  });
  return { ...house, model, remove: async () => { await house.remove(); await model.close(); } };
}

export interface TurnTimes {
  /** On `performance.now()`'s clock. */
  readonly sent: number;
  readonly final: number;
  /** Sent → accepted: the message is on disk. */
  readonly acceptMs: number;
  /** Accepted → final answer. */
  readonly answerMs: number;
}

/** `chat.send` and `agent.wait`: any gateway of the protocol has them, so figures of two gateways mean the same. */
export async function takeTurn(client: Gateway, message: string, sessionKey: string): Promise<TurnTimes> {
  const sent = performance.now();
  const { runId } = await client.request<{ readonly runId: string }>('chat.send', { message, sessionKey, idempotencyKey: randomUUID() }, { timeoutMs: 60_000 });
  const accepted = performance.now();
  const outcome = await client.request<{ readonly status: string }>('agent.wait', { runId, timeoutMs: 120_000 }, { timeoutMs: 125_000 });
  const final = performance.now();
  if (outcome.status !== 'ok') throw new Error(`"${message}" ended as ${JSON.stringify(outcome)}`);
  return { sent, final, acceptMs: accepted - sent, answerMs: final - accepted };
}
