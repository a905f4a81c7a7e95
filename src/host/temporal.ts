/**
 * The connection to Temporal: the embedded server, or the one that environment or config name.
 * Invariant: the namespace is claimed for this installation before anything is started in it.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import { NativeConnection } from '@temporalio/worker';
import { CodedError, messageOf } from '../core/errors.js';
import { sessionWorkflowId } from '../core/names.js';
import type { Logger } from '../core/ports.js';
import type { Config } from '../core/schema/config.js';
import { type Begun, type ConnectOptions, type Engine, type EngineOptions, findTemporalCli, prepareNamespace, recordedAddress, startEngine } from './engine/index.js';
import { DEFAULT_PORTS, engineSettings, externalOf } from './engine-settings.js';

export interface TemporalOptions {
  readonly env: NodeJS.ProcessEnv;
  readonly config: Config;
  readonly stateDir: string;
  readonly installId: string;
  readonly log: Logger;
  /** Without it no server is started: then environment, config or 7233 must lead to one. */
  readonly embed: boolean;
  /** An embedded server that this start began already. */
  readonly begun?: Begun | undefined;
}

export interface Temporal {
  readonly client: Client;
  readonly connection: Connection;
  readonly native: NativeConnection;
  readonly namespace: string;
  readonly address: string;
  /** Present when the embedded server is used. */
  readonly engine?: Engine;
  readonly uiUrl?: string;
  /** The run's page in the Web UI. */
  webUrl(session: string): string | undefined;
  /** Does a step of a start; when the embedded server dies under it, does it again with the one that is started in its place. */
  outlast<T>(step: () => Promise<T>): Promise<T>;
  /** Leaves an embedded server running. */
  close(): Promise<void>;
}

/** Connections to a server that was started anew need a moment to notice. */
const RECONNECT_MS = 10_000;
const TRY_AGAIN_MS = 200;

/** @throws CodedError ENGINE_…, NAMESPACE_…, TEMPORAL_CONFIG */
export async function connectTemporal(options: TemporalOptions): Promise<Temporal> {
  const { config, log } = options;
  const logLine = (level: 'debug' | 'info' | 'warn' | 'error', message: string, fields: object = {}): void => log[level](fields, message);
  const external = externalOf(options.env, config);

  let engine: Engine | undefined;
  // Without another word: the gateway's embedded server when it runs, else a `temporal server start-dev` on its usual port.
  let connectionOptions: ConnectOptions = { address: recordedAddress(options.stateDir) ?? `127.0.0.1:${config.temporal.port ?? DEFAULT_PORTS.grpc}` };
  let namespace: string = config.temporal.namespace;
  if (external) ({ connectionOptions, namespace } = external);
  else if (options.embed) {
    const settings = engineSettings(options.env, config, options.stateDir, await findTemporalCli(options.env));
    engine = await ownEngine(options.stateDir, { ...settings, installId: options.installId, log: logLine }, options.begun);
    connectionOptions = { address: engine.address };
  }

  const address = connectionOptions.address ?? `127.0.0.1:${DEFAULT_PORTS.grpc}`;
  const outlast = outlasting(engine);
  const connection = await reach(() => outlast(() => Connection.connect(connectionOptions)), address);
  // The embedded server's start has done this. An operator's own keeps the retention its operator gave the namespace.
  if (!engine) await prepareNamespace(connection, { namespace, installId: options.installId, log: logLine });
  const native = await reach(() => outlast(() => NativeConnection.connect(connectionOptions)), address);
  const uiUrl = config.temporal.uiUrl ?? engine?.uiUrl;
  return {
    connection,
    native,
    namespace,
    address,
    outlast,
    client: new Client({ connection, namespace }),
    ...(engine ? { engine } : {}),
    ...(uiUrl === undefined ? {} : { uiUrl }),
    webUrl: (session) => (uiUrl === undefined ? undefined : `${uiUrl.replace(/\/$/, '')}/namespaces/${encodeURIComponent(namespace)}/workflows/${encodeURIComponent(sessionWorkflowId(session))}`),
    async close() {
      engine?.release();
      await connection.close();
      await native.close();
    },
  };
}

/** The embedded server's data and the store are one installation; when they are not, one of them was lost or mixed up. */
async function ownEngine(stateDir: string, engine: EngineOptions, begun: Begun | undefined): Promise<Engine> {
  try {
    return await startEngine(engine, begun);
  } catch (error) {
    if (!(error instanceof CodedError) || error.code !== 'NAMESPACE_OWNED') throw error;
    throw new CodedError(
      'STORE_NOT_THE_ENGINES',
      `${stateDir}/temporal holds the histories of another openclaw.db than the one there now`,
      'Restore that openclaw.db from a backup; to begin anew without the old sessions, move the temporal folder away.',
    );
  }
}

/** The watch starts a dead embedded server again; an operator's own is its operator's, and its failures are told at once. */
function outlasting(engine: Engine | undefined): Temporal['outlast'] {
  let pid = engine?.pid;
  let patientUntil = 0;
  return async (step) => {
    for (;;) {
      try {
        return await step();
      } catch (error) {
        if (pid !== undefined && (await engine?.replaced(pid))) {
          pid = engine?.pid;
          patientUntil = Date.now() + RECONNECT_MS;
        } else if (Date.now() > patientUntil) throw error;
        await sleep(TRY_AGAIN_MS);
      }
    }
  };
}

async function reach<T>(connect: () => Promise<T>, address: string): Promise<T> {
  try {
    return await connect();
  } catch (error) {
    throw new CodedError('ENGINE_UNREACHABLE', `Temporal does not answer at ${address}: ${messageOf(error).split('\n')[0]}`, 'Start it, or name another one with TEMPORAL_ADDRESS (or temporal.address).');
  }
}
