/**
 * The connection to Temporal: the embedded server, or the one that environment or config name.
 * Invariant: the namespace is claimed for this installation before anything is started in it.
 */
import { Client, Connection } from '@temporalio/client';
import { NativeConnection } from '@temporalio/worker';
import { CodedError, messageOf } from '../core/errors.js';
import { DEFAULT_NAMESPACE, sessionWorkflowId } from '../core/names.js';
import type { Logger } from '../core/ports.js';
import type { Config } from '../core/schema/config.js';
import { type ConnectOptions, type Engine, type EngineOptions, externalTemporal, findTemporalCli, prepareNamespace, recordedAddress, startEngine } from './engine/index.js';

export interface TemporalOptions {
  readonly env: NodeJS.ProcessEnv;
  readonly config: Config;
  readonly stateDir: string;
  readonly installId: string;
  readonly log: Logger;
  /** Without it no server is started: then environment, config or 7233 must lead to one. */
  readonly embed: boolean;
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
  /** Leaves an embedded server running. */
  close(): Promise<void>;
}

const DEFAULT_PORTS = { grpc: 7233, ui: 8233 } as const;

/** @throws CodedError ENGINE_…, NAMESPACE_…, TEMPORAL_CONFIG */
export async function connectTemporal(options: TemporalOptions): Promise<Temporal> {
  const { config, log } = options;
  const logLine = (level: 'debug' | 'info' | 'warn' | 'error', message: string, fields: object = {}): void => log[level](fields, message);
  const external = externalTemporal(options.env, { address: config.temporal.address, namespace: config.temporal.namespace === DEFAULT_NAMESPACE ? undefined : config.temporal.namespace });

  let engine: Engine | undefined;
  // Without another word: the gateway's embedded server when it runs, else a `temporal server start-dev` on its usual port.
  let connectionOptions: ConnectOptions = { address: recordedAddress(options.stateDir) ?? `127.0.0.1:${config.temporal.port ?? DEFAULT_PORTS.grpc}` };
  let namespace: string = config.temporal.namespace;
  if (external) ({ connectionOptions, namespace } = external);
  else if (options.embed) {
    engine = await ownEngine(options.stateDir, {
      stateDir: options.stateDir,
      installId: options.installId,
      cliPath: await findTemporalCli(options.env),
      ports: { grpc: config.temporal.port ?? DEFAULT_PORTS.grpc, ui: config.temporal.uiPort ?? DEFAULT_PORTS.ui },
      portsExplicit: { grpc: config.temporal.port !== undefined, ui: config.temporal.uiPort !== undefined },
      synchronous: config.temporal.synchronous,
      retentionDays: config.temporal.retentionDays,
      namespace,
      dynamicConfig: extraDynamicConfig(options.env),
      log: logLine,
    });
    connectionOptions = { address: engine.address };
  }

  const address = connectionOptions.address ?? `127.0.0.1:${DEFAULT_PORTS.grpc}`;
  const connection = await reach(() => Connection.connect(connectionOptions), address);
  // The embedded server's start has done this. An operator's own keeps the retention its operator gave the namespace.
  if (!engine) await prepareNamespace(connection, { namespace, installId: options.installId, log: logLine });
  const native = await reach(() => NativeConnection.connect(connectionOptions), address);
  const uiUrl = config.temporal.uiUrl ?? engine?.uiUrl;
  return {
    connection,
    native,
    namespace,
    address,
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
async function ownEngine(stateDir: string, engine: EngineOptions): Promise<Engine> {
  try {
    return await startEngine(engine);
  } catch (error) {
    if (!(error instanceof CodedError) || error.code !== 'NAMESPACE_OWNED') throw error;
    throw new CodedError(
      'STORE_NOT_THE_ENGINES',
      `${stateDir}/temporal holds the histories of another openclaw.db than the one there now`,
      'Restore that openclaw.db from a backup; to begin anew without the old sessions, move the temporal folder away.',
    );
  }
}

async function reach<T>(connect: () => Promise<T>, address: string): Promise<T> {
  try {
    return await connect();
  } catch (error) {
    throw new CodedError('ENGINE_UNREACHABLE', `Temporal does not answer at ${address}: ${messageOf(error).split('\n')[0]}`, 'Start it, or name another one with TEMPORAL_ADDRESS (or temporal.address).');
  }
}

/** `key=value,…`: server settings for tests and experiments, e.g. lower history limits. */
function extraDynamicConfig(env: NodeJS.ProcessEnv): Record<string, string | number | boolean> {
  const pairs = (env['OPENCLAW_TEMPORAL_DYNAMIC_CONFIG'] ?? '').split(',').filter((pair) => pair.includes('='));
  return Object.fromEntries(pairs.map((pair) => {
    const at = pair.indexOf('=');
    const value = pair.slice(at + 1);
    return [pair.slice(0, at), /^\d+$/.test(value) ? Number(value) : value === 'true' ? true : value === 'false' ? false : value];
  }));
}
