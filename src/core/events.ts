/**
 * Events of a run, as the bus carries them. Pure types. The bus is a hint: whoever waits watches the row.
 * `attempt` of model events grows over retries, failovers and new workflow chains of a step; a `reset` tells a reader to drop
 * what it showed of that step.
 */
import type { StopReason, Usage } from './model.js';

export interface RunEventBase {
  readonly session: string;
  /** Hash of the run id; `runId` is what clients know. */
  readonly run: string;
  readonly runId: string;
  readonly step: number;
  readonly attempt: number;
  /** Epoch milliseconds. */
  readonly at: number;
}

export type RunEventBody =
  | { readonly type: 'accepted' }
  /** The turn began (again, after a restart: readers keep what they have). */
  | { readonly type: 'start' }
  | { readonly type: 'model'; readonly provider: string; readonly model: string }
  /** What was streamed of this step is void: a new attempt begins. */
  | { readonly type: 'reset' }
  | { readonly type: 'text'; readonly delta: string }
  | { readonly type: 'thinking'; readonly delta: string }
  | { readonly type: 'answer'; readonly stop: StopReason; readonly usage: Usage; readonly text: string }
  | {
      readonly type: 'tool-start';
      readonly index: number;
      readonly tool: string;
      readonly callId: string;
      readonly args: Readonly<Record<string, unknown>>;
    }
  | { readonly type: 'tool-output'; readonly index: number; readonly tool: string; readonly callId: string; readonly delta: string }
  | {
      readonly type: 'tool-end';
      readonly index: number;
      readonly tool: string;
      readonly callId: string;
      readonly isError: boolean;
      readonly text: string;
      readonly details?: Readonly<Record<string, unknown>>;
    }
  | { readonly type: 'failover'; readonly from: string; readonly to: string; readonly code: string }
  /** An approval of this run was asked for, decided or cancelled. Readers fetch it from its row. */
  | { readonly type: 'approval'; readonly id: string }
  /** The run waits for an answer about a budget, or goes on after it. */
  | { readonly type: 'budget'; readonly question: string }
  /** The row is terminal. Readers fetch the outcome from it. */
  | { readonly type: 'end'; readonly state: 'ok' | 'error' | 'aborted' | 'merged' | 'dropped' };

export type RunEvent = RunEventBase & RunEventBody;
