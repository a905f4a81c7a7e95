/**
 * The port of a tool. One file each; the registry lists those that this config allows.
 */
import type { TObject } from 'typebox';
import type { ApprovalRequest } from '../../core/approval.js';
import type { Address, NewDelivery } from '../../core/channel.js';
import type { Attachment, MediaRef } from '../../core/message.js';
import type { Logger, MediaStore } from '../../core/ports.js';
import type { ToolPolicy } from '../../core/tool.js';
import type { Block } from '../../core/transcript.js';

export interface ToolResult {
  readonly blocks: readonly Block[];
  readonly isError: boolean;
  /** Facts for pages and CLI; small, no secrets. */
  readonly details?: Readonly<Record<string, unknown>>;
  /** Bytes of output before capping. */
  readonly bytes?: number;
  /** `unknown`: begun, its end not known; `aborted`: stopped by the workflow. */
  readonly outcome?: 'ok' | 'error' | 'aborted' | 'unknown';
}

export interface ToolContext {
  /** `<run hash>:<step>.<index>`: the key of claims and jobs; the same for every attempt of one call. */
  readonly key: string;
  readonly session: string;
  readonly attempt: number;
  /** Fires on the workflow's cancellation, a lost attempt or a stopping worker; `cancelled()` tells a stop from the rest. */
  readonly signal: AbortSignal;
  /** True only when the workflow asked for the end: then end the effect. Otherwise leave it running and rethrow. */
  cancelled(): boolean;
  /** Live output for watchers; a hint, may be dropped. */
  emit(delta: string): void;
  /** A person, or a grant, allowed exactly this call. */
  readonly approved: boolean;
  readonly claims: Claims;
  /** Writes a delivery and wakes its line. The same id is sent once. */
  deliver(delivery: NewDelivery): Promise<void>;
  /** Attachments of this session's own messages, by the first digits of their hash; recordings with what was heard. */
  attachments(prefix: string): Promise<readonly SessionMedia[]>;
}

export type SessionMedia = Attachment & { readonly media: MediaRef };

/** Claims of side effects. One row per call key, written before the effect. */
export interface Claims {
  /**
   * `begun`: this attempt may run the effect; `done`: it ran, here is its stored result;
   * `unknown`: an earlier attempt began it and its process is gone. Waits while the earlier attempt's process lives.
   */
  begin(key: string, facts?: Readonly<Record<string, unknown>>): Promise<{ readonly state: 'begun' | 'done' | 'unknown'; readonly result?: ToolResult; readonly facts?: Readonly<Record<string, unknown>> }>;
  finish(key: string, result: ToolResult): Promise<void>;
}

export interface ToolEnv {
  /** Absolute, real path. */
  readonly workspace: string;
  readonly stateDir: string;
  readonly jobsDir: string;
  readonly media: MediaStore;
  readonly log: Logger;
  readonly config: ToolConfig;
  readonly outbound?: ToolOutbound;
  readonly env: NodeJS.ProcessEnv;
}

/** The way out through messengers. */
export interface ToolOutbound {
  /** Configured ones. */
  channels(): readonly string[];
  /** @throws CodedError INVALID_REQUEST when nobody is meant, or several */
  resolve(asked: { readonly to: string; readonly channel?: string }): Promise<{ readonly address: Address; readonly known: boolean; readonly label: string }>;
  /** Is the call one of the owner's, in a session of theirs? @param key of the call */
  isOwners(key: string): Promise<boolean>;
}

export interface ToolConfig {
  readonly exec: { readonly mode: 'deny' | 'allowlist' | 'ask' | 'full'; readonly allow: readonly string[]; readonly timeoutSeconds: number };
  readonly fs: { readonly roots: readonly string[] };
  readonly web: {
    readonly search?: { readonly provider: 'searxng'; readonly baseUrl: string } | { readonly provider: 'brave'; readonly apiKey: string; readonly baseUrl?: string };
    /** `false`: the tool is not offered. */
    readonly fetch?: false | { readonly maxBytes?: number; readonly timeoutSeconds?: number };
  };
}

export interface Tool {
  readonly name: string;
  readonly description: string;
  readonly parameters: TObject;
  readonly policy: ToolPolicy;
  /**
   * What a person must be asked before the call runs, if anything; shown exactly as it will run.
   * @param args checked against `parameters` already @param key of the call: one that was begun is never asked
   */
  approval?(args: Readonly<Record<string, unknown>>, key: string): Promise<ApprovalRequest | undefined>;
  /** @param args checked against `parameters` already */
  run(args: Readonly<Record<string, unknown>>, context: ToolContext): Promise<ToolResult>;
}

export interface ToolRegistry {
  /** In a fixed order, so that the prompt's prefix stays the same. */
  readonly tools: readonly Tool[];
  get(name: string): Tool | undefined;
}

export const textResult = (text: string, isError = false, details?: Readonly<Record<string, unknown>>): ToolResult => ({
  blocks: [{ type: 'text', text }],
  isError,
  ...(details ? { details } : {}),
});
