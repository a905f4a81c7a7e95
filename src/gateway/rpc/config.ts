/**
 * `config.get|set|patch|schema`.
 * Invariant: a write names the content it was made from, so two editors never overwrite each other unseen.
 */
import { validateConfigGetParams, validateConfigPatchParams, validateConfigSchemaParams, validateConfigSetParams } from '@openclaw/gateway-protocol';

import { invalidRequest } from '../../core/errors.js';
import type { ConfigChange, ConfigSnapshot } from '../deps.js';
import { refuseUnavailable } from './accept.js';
import { method } from './method.js';

export const configGet = method({
  name: 'config.get',
  scope: 'operator.read',
  params: validateConfigGetParams,
  handler: (_params, { deps }) => wireSnapshot(deps.config.get()),
});

export const configSet = method({
  name: 'config.set',
  scope: 'operator.admin',
  params: validateConfigSetParams,
  handler: async (params, { deps }) => wireChange(await deps.config.set(params.raw, checkBase(params.baseHash, deps.config.get()))),
});

export const configPatch = method({
  name: 'config.patch',
  scope: 'operator.admin',
  params: validateConfigPatchParams,
  async handler(params, { deps }) {
    // They promise a message after the restart, and arrays replaced as wholes: neither is kept yet.
    refuseUnavailable('config.patch', params, ['deliveryContext', 'replacePaths']);
    return wireChange(await deps.config.patch(params.raw, checkBase(params.baseHash, deps.config.get())));
  },
});

export const configSchema = method({
  name: 'config.schema',
  scope: 'operator.read',
  params: validateConfigSchemaParams,
  handler: (_params, { deps }) => ({ schema: deps.config.schema(), uiHints: {}, version: deps.version, generatedAt: new Date(deps.startedAt).toISOString() }),
});

/** @throws CodedError INVALID_REQUEST, in the peer's words */
function checkBase(base: string | undefined, now: ConfigSnapshot): string {
  // A file that does not exist yet has nothing to overwrite.
  if (base === undefined && !now.exists) return now.hash;
  if (base === undefined) throw invalidRequest('config base hash required; re-run config.get and retry');
  if (base !== now.hash) throw invalidRequest('config changed since last load; re-run config.get and retry');
  return base;
}

/** In the peer's fields; several of its names are one thing here. */
function wireSnapshot(snapshot: ConfigSnapshot): Readonly<Record<string, unknown>> {
  return {
    path: snapshot.path,
    exists: snapshot.exists,
    raw: snapshot.raw,
    parsed: snapshot.parsed,
    sourceConfig: snapshot.parsed,
    resolved: snapshot.parsed,
    valid: snapshot.valid,
    runtimeConfig: snapshot.config,
    config: snapshot.config,
    hash: snapshot.hash,
    configRevisionHash: snapshot.hash,
    appliedConfigHash: snapshot.appliedHash,
    issues: snapshot.issues,
    warnings: snapshot.warnings,
    legacyIssues: [],
  };
}

const wireChange = (change: ConfigChange) => ({
  ok: true,
  path: change.snapshot.path,
  hash: change.snapshot.hash,
  config: change.snapshot.config,
  changedPaths: change.changedPaths,
  restartRequired: change.restartRequired,
  warnings: change.snapshot.warnings,
});

export const configMethods = [configGet, configSet, configPatch, configSchema];
