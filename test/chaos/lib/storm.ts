/**
 * A storm: several sessions at work, each with a chain and messages behind it, while blows fall at random instants. Then
 * calm, and the account: nothing lost, nothing twice.
 * Invariant: a message counts from its acknowledgement on; one that was not acknowledged is sent again with its key, as
 * clients do.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../../../src/core/errors.js';
import { type Blow, strike, untilReady } from './blows.js';
import { type Dice, dice } from './dice.js';
import { type Scene, type Sent, chain, paramsOf, say, stateOf, until } from './scene.js';
import { type Finding, audit } from './whole.js';

export interface Storm {
  /** Makes run ids and sessions unique. */
  readonly name: string;
  readonly random: Dice;
  readonly sessions: number;
  readonly blows: readonly Blow[];
  /** Milliseconds between two blows, at most. */
  readonly pauseMs: number;
}

export interface Account {
  readonly messages: number;
  /** Last words of starts that gave up and were repeated. */
  readonly gaveUp: readonly string[];
  readonly findings: readonly Finding[];
}

const ENDED = ['ok', 'error', 'aborted', 'merged', 'dropped'];
/** After the last blow: a step of a killed process waits 4 s for its heartbeat, and each may have to. */
const CALM_MS = 120_000;

export async function storm(scene: Scene, { name, random, sessions, blows, pauseMs }: Storm): Promise<Account> {
  let over = false;
  const talks: Sent[][] = [];
  const speakers = Array.from({ length: sessions }, (_, i) => speaker(`${name}-${i}`, dice(random.below(2 ** 31))));
  // A failure of one is told at the end, not as an unhandled one in the middle of the storm.
  const spoken = Promise.allSettled(speakers);
  for (const blow of blows) {
    await sleep(random.below(pauseMs));
    await strike(scene.house, blow, random);
  }
  over = true;
  const gaveUp = await untilReady(scene.house);
  const failed = (await spoken).find((end) => end.status === 'rejected');
  if (failed) throw failed.reason;
  const findings: Finding[] = [];
  for (const talk of talks) findings.push(...(await audit(scene, talk, { waitMs: 10_000 })));
  return { messages: talks.flat().length, gaveUp, findings };

  /** One talk after another, each in a session of its own, until the storm is over. With dice of its own: how fast the others speak changes nothing. */
  async function speaker(prefix: string, own: Dice): Promise<void> {
    for (let nth = 0; nth === 0 || !over; nth += 1) {
      const session = `chaos-${prefix}-${nth}`;
      const talk = [chain(`${prefix}-${nth}-c`, { session, calls: own.between(3, 10) }), ...Array.from({ length: own.below(4) }, (_, i) => say(`${prefix}-${nth}-${i}`, session))];
      talks.push(talk);
      for (const sent of talk) await insist(sent);
      const ended = (): boolean => talk.every((sent) => ENDED.includes(stateOf(scene, sent) ?? ''));
      while (!over && !ended()) await sleep(200);
      await until(`${session} is answered`, ended, CALM_MS).catch(() => undefined);
    }
  }

  async function insist(sent: Sent): Promise<void> {
    for (let lastError: unknown, limit = Date.now() + CALM_MS; ; await sleep(100)) {
      if (Date.now() > limit) throw new Error(`${sent.id} was never acknowledged: ${messageOf(lastError)}`);
      try {
        const client = await scene.house.client();
        await client.request('chat.send', paramsOf(sent), { timeoutMs: 5_000 });
        client.close();
        return;
      } catch (error) {
        lastError = error;
      }
    }
  }
}
