/** The payload of hello-ok: everything a client may rely on for the life of the connection. Its schema is closed. */
import { hostname } from 'node:os';

import { DEFAULT_AGENT, LIMITS } from '../core/names.js';
import { mainSessionKey } from '../core/session-key.js';
import type { GatewayDeps } from './deps.js';
import { MAX_BUFFERED, MAX_PAYLOAD, PROTOCOL } from './frames.js';
import { EVENTS, METHODS } from './rpc/index.js';
import type { Scope } from './scopes.js';


export interface HelloFacts {
  readonly connId: string;
  readonly bootId: string;
  readonly role: string;
  readonly scopes: readonly Scope[];
  readonly now: number;
  readonly tickMs: number;
  readonly modelConfigured: boolean;
}

export function helloOk(deps: GatewayDeps, facts: HelloFacts): Readonly<Record<string, unknown>> {
  const config = deps.config.get();
  const agent = DEFAULT_AGENT;
  return {
    type: 'hello-ok',
    protocol: PROTOCOL,
    server: { version: deps.version, buildId: deps.version, bootId: facts.bootId, connId: facts.connId },
    features: { methods: [...METHODS.keys()], events: EVENTS, capabilities: [] },
    snapshot: {
      suspension: { phase: 'accepting' },
      presence: [
        {
          host: hostname() || 'localhost',
          ip: '127.0.0.1',
          version: deps.version,
          platform: process.platform,
          mode: 'gateway',
          reason: 'self',
          instanceId: facts.bootId,
          text: `Gateway: ${hostname() || 'localhost'} · app ${deps.version}`,
          ts: facts.now,
        },
      ],
      health: { ok: true, ts: facts.now, channels: {}, channelOrder: [], channelLabels: {}, heartbeatSeconds: 0, defaultAgentId: agent },
      stateVersion: { presence: 1, health: 1 },
      uptimeMs: Math.max(0, facts.now - deps.startedAt),
      appliedConfigHash: config.appliedHash || null,
      configPath: config.path,
      stateDir: deps.stateDir,
      sessionDefaults: {
        defaultAgentId: agent,
        mainKey: 'main',
        mainSessionKey: mainSessionKey(agent),
        scope: 'per-sender',
        modelConfigured: facts.modelConfigured,
        ownership: 'sole',
        selectionRequired: false,
      },
      authMode: 'token',
      updateSchedule: { channel: 'stable', autoEnabled: false },
    },
    auth: { role: facts.role, scopes: facts.scopes },
    policy: {
      maxPayload: MAX_PAYLOAD,
      maxBufferedBytes: MAX_BUFFERED,
      tickIntervalMs: facts.tickMs,
      attachments: { maxBytes: LIMITS.mediaBytes, maxImageBytes: LIMITS.imageBytes },
      allowedSessionVisibilities: [],
    },
  };
}
