/**
 * The namespace: registered, owned by this installation, with its retention and search attributes. Used for the
 * embedded server and for any other Temporal alike.
 *
 * Invariant: two installations never share a namespace. The owner's install id stands in the namespace's data; whoever
 * finds another id there refuses to start, because workflow ids would collide and each would run the other's tools.
 */
import { setTimeout as sleep } from 'node:timers/promises';

import type { Connection } from '@temporalio/client';
import proto from '@temporalio/proto'; // CommonJS: only the default import works under ESM

import { messageOf } from '../../core/errors.js';
import { SEARCH_ATTRIBUTES } from '../../core/names.js';
import { HostError } from '../errors.js';
import type { Log } from './types.js';

/** Key in the namespace's data map. Stands in every namespace ever claimed: never rename. */
const INSTALL_ID_KEY = 'openclaw.installId';
/** Beside it: grows with every start, so that an older copy of the engine's data, or of the store, is known as one. */
const EPOCH_KEY = 'openclaw.epoch';

/** gRPC status codes (grpc-js's enum, which is not a direct dependency). */
const GRPC = { notFound: 5, alreadyExists: 6, permissionDenied: 7, unimplemented: 12 } as const;

const KEYWORD = proto.temporal.api.enums.v1.IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD;

export interface NamespaceOptions {
  readonly namespace: string;
  /** Id of this installation, from `openclaw.db`. */
  readonly installId: string;
  /** Days that closed workflows stay readable; `undefined` leaves an operator's own setting alone. */
  readonly retentionDays?: number | undefined;
  readonly log: Log;
}

/**
 * Registers or updates the namespace and claims it. Idempotent.
 * @throws HostError NAMESPACE_OWNED when another installation's id stands there; NAMESPACE_UNUSABLE when the server
 * refuses to create it.
 */
export async function prepareNamespace(connection: Connection, options: NamespaceOptions): Promise<void> {
  const owner = await readOwner(connection, options.namespace);
  if (owner === 'absent') await register(connection, options);
  else if (owner === undefined || options.retentionDays !== undefined) await update(connection, options, owner);
  // Read back also after our own write: of two installations that claim at once, one must see that it lost.
  const now = await readOwner(connection, options.namespace);
  if (now !== undefined && now !== options.installId) throw owned(options.namespace, now);
  await addSearchAttributes(connection, options);
}

/** The install id in the namespace; `undefined` when nobody claimed it, `'absent'` when there is no such namespace. */
export async function readOwner(connection: Connection, namespace: string): Promise<string | undefined> {
  try {
    const { namespaceInfo } = await connection.workflowService.describeNamespace({ namespace });
    return namespaceInfo?.data?.[INSTALL_ID_KEY] || undefined;
  } catch (error) {
    if (grpcCode(error) === GRPC.notFound) return 'absent';
    throw error;
  }
}

/** The epoch in the namespace; `undefined` when none was ever written. */
export async function readEpoch(connection: Connection, namespace: string): Promise<number | undefined> {
  const { namespaceInfo } = await connection.workflowService.describeNamespace({ namespace });
  const epoch = Number(namespaceInfo?.data?.[EPOCH_KEY]);
  return Number.isSafeInteger(epoch) && epoch > 0 ? epoch : undefined;
}

/** @throws where the server lets nobody change its namespaces */
export async function writeEpoch(connection: Connection, namespace: string, installId: string, epoch: number): Promise<void> {
  await connection.workflowService.updateNamespace({ namespace, updateInfo: { data: { [INSTALL_ID_KEY]: installId, [EPOCH_KEY]: String(epoch) } } });
}

async function register(connection: Connection, options: NamespaceOptions): Promise<void> {
  try {
    await connection.workflowService.registerNamespace({
      namespace: options.namespace,
      description: 'OpenClaw sessions. The install id in the data names the gateway that owns this namespace.',
      workflowExecutionRetentionPeriod: days(options.retentionDays ?? 30),
      data: { [INSTALL_ID_KEY]: options.installId },
    });
  } catch (error) {
    if (grpcCode(error) === GRPC.alreadyExists) return update(connection, options, undefined);
    throw new HostError(
      'NAMESPACE_UNUSABLE',
      `Temporal has no namespace "${options.namespace}" and refused to create it: ${messageOf(error)}`,
      'Create it with your Temporal operator tools, or name another one in temporal.namespace.',
    );
  }
}

async function update(connection: Connection, options: NamespaceOptions, owner: string | undefined): Promise<void> {
  if (owner !== undefined && owner !== options.installId) throw owned(options.namespace, owner);
  try {
    await connection.workflowService.updateNamespace({
      namespace: options.namespace,
      updateInfo: { data: { [INSTALL_ID_KEY]: options.installId } },
      ...(options.retentionDays === undefined
        ? {}
        : { config: { workflowExecutionRetentionTtl: days(options.retentionDays) } }),
    });
  } catch (error) {
    const code = grpcCode(error);
    if (code !== GRPC.permissionDenied && code !== GRPC.unimplemented) throw error;
    // Hosted Temporal lets only its own console change a namespace: usable, but nothing guards it against a second owner.
    options.log('warn', 'this Temporal does not let us write the install id into the namespace: use it for one gateway only', {
      namespace: options.namespace,
    });
  }
}

async function addSearchAttributes(connection: Connection, options: NamespaceOptions): Promise<void> {
  const { namespace } = options;
  try {
    const { customAttributes } = await onceVisible(() => connection.operatorService.listSearchAttributes({ namespace }));
    const missing = Object.values(SEARCH_ATTRIBUTES).filter((name) => customAttributes?.[name] === undefined);
    if (missing.length === 0) return;
    const searchAttributes = Object.fromEntries(missing.map((name) => [name, KEYWORD]));
    await connection.operatorService.addSearchAttributes({ namespace, searchAttributes });
  } catch (error) {
    const code = grpcCode(error);
    if (code === GRPC.alreadyExists) return;
    if (code !== GRPC.permissionDenied && code !== GRPC.unimplemented) throw error;
    options.log('warn', 'this Temporal does not let us add search attributes: add them by hand, or filters in the Web UI stay empty', {
      namespace,
      attributes: Object.values(SEARCH_ATTRIBUTES),
    });
  }
}

/** The server's registry reads a new namespace from its store only every so often; until then it is "not found". */
async function onceVisible<T>(call: () => Promise<T>): Promise<T> {
  const giveUp = Date.now() + 30_000;
  for (;;) {
    try {
      return await call();
    } catch (error) {
      if (grpcCode(error) !== GRPC.notFound || Date.now() > giveUp) throw error;
      await sleep(50);
    }
  }
}

const days = (count: number): { readonly seconds: never } => ({ seconds: (count * 86_400) as never });

const grpcCode = (error: unknown): number | undefined =>
  typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'number' ? error.code : undefined;

function owned(namespace: string, owner: string): HostError {
  return new HostError(
    'NAMESPACE_OWNED',
    `The Temporal namespace "${namespace}" belongs to another OpenClaw installation (${owner}).`,
    'Choose another namespace: openclaw config set temporal.namespace <name>',
    { namespace, owner },
  );
}
