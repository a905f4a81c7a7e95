/** An installation with the scripted model, what was sent to it, and the files it writes. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import BetterSqlite from 'better-sqlite3';
import { type Installation, install, until } from '../../servers/installation.js';
import { DEFAULT_KEY } from '../../servers/model-server.js';
import { type ScriptedModel, isCommand, scriptedModel } from './script.js';

export interface Sent {
  /** The idempotency key, and so the run id. */
  readonly id: string;
  readonly session: string;
  readonly message: string;
  readonly calls: number;
  readonly queueMode?: 'followup';
}

export interface Scene {
  readonly house: Installation;
  readonly model: ScriptedModel;
  /** Sends, once, and expects acceptance. */
  send(sent: Sent): Promise<Sent>;
  lines(name: string): readonly string[];
  /** Lets the commands of a gated chain end, up to this call. */
  open(sent: Sent, upTo?: number): void;
  /** The command of this call runs. */
  inside(sent: Sent, call: number): boolean;
  /** Reads the store, whoever runs. */
  query<Row>(sql: string, ...values: readonly unknown[]): readonly Row[];
  /** The same over one connection that stays open: for looks that follow each other without a pause. */
  reader(): { readonly query: Scene['query']; close(): void };
  close(options?: { readonly keepFiles?: boolean }): Promise<void>;
}

export const CALLS = 10;
export const chain = (id: string, more: { readonly gated?: boolean; readonly calls?: number; readonly session?: string } = {}): Sent => {
  const calls = more.calls ?? CALLS;
  return { id, session: more.session ?? `chaos-${id}`, calls, message: `chain ${id} ${calls} ${more.gated ? 'gated' : 'free'}` };
};
export const say = (id: string, session: string): Sent => ({ id, session, calls: 0, message: `say ${id}`, queueMode: 'followup' });
export const paramsOf = ({ id, session, message, queueMode }: Sent) => ({ sessionKey: session, message, idempotencyKey: id, ...(queueMode ? { queueMode } : {}) });

export async function openScene(config: Readonly<Record<string, unknown>> = {}): Promise<Scene> {
  const model = await scriptedModel();
  const house = await install({
    config: {
      tools: { exec: { mode: 'full' } },
      agents: { defaults: { model: { primary: 'local/scripted', fallbacks: ['local/spare'] } } },
      models: { providers: { local: { baseUrl: model.server.baseUrl('openai'), apiKey: DEFAULT_KEY, api: 'openai-completions', models: ['scripted', 'spare'].map((id) => ({ id, contextWindow: 100_000, maxTokens: 4_000 })) } } },
      ...config,
    },
  });
  const file = (name: string): string => join(house.workspace, name);
  const lines = (name: string): readonly string[] => (existsSync(file(name)) ? readFileSync(file(name), 'utf8').trim().split('\n') : []);
  const reader = (): ReturnType<Scene['reader']> => {
    const db = new BetterSqlite(join(house.stateDir, 'openclaw.db'), { readonly: true });
    return { query: <Row>(sql: string, ...values: readonly unknown[]) => db.prepare(sql).all(...values) as readonly Row[], close: () => void db.close() };
  };
  await house.start();
  return {
    house, model, lines, reader,
    async send(sent) {
      const client = await house.client();
      await client.request('chat.send', paramsOf(sent));
      client.close();
      return sent;
    },
    open(sent, upTo = sent.calls) {
      for (let call = 1; call <= upTo; call += 1) writeFileSync(file(`${sent.id}.gate${call}`), '');
    },
    inside: (sent, call) => isCommand(call) && lines(`${sent.id}.begun`).includes(`begin-${call}`) && !lines(`${sent.id}.log`).includes(`line-${call}`),
    query<Row>(sql: string, ...values: readonly unknown[]) {
      const once = reader();
      try {
        return once.query<Row>(sql, ...values);
      } finally {
        once.close();
      }
    },
    async close(options = {}) {
      await house.remove(options);
      await model.server.close();
    },
  };
}

export const stateOf = (scene: Scene, { id }: Sent): string | undefined => scene.query<{ state: string }>('select state from inbound where run_id = ?', id)[0]?.state;

/** Keeps looking without a pause: for instants that last a millisecond. Timers and sockets are served in between. */
export async function catchInstant(condition: () => boolean, limitMs: number): Promise<boolean> {
  for (const limit = Date.now() + limitMs; Date.now() < limit; await new Promise((done) => setImmediate(done))) if (condition()) return true;
  return false;
}

export { until };
