/**
 * Signals and asks pairing workflows, one a stranger. Everything that reaches Temporal from here is ids.
 */
import { type Client, WithStartWorkflowOperation, WorkflowUpdateFailedError, WorkflowUpdateRPCTimeoutOrCancelledError } from '@temporalio/client';
import { ApplicationFailure, SearchAttributeType, type Workflow, defineSearchAttributeKey } from '@temporalio/common';
import type { IdentityKey } from '../core/contact.js';
import { CodedError, invalidRequest, messageOf } from '../core/errors.js';
import { DECIDE_UPDATE, DEFAULT_AGENT, HELD_SIGNAL, SEARCH_ATTRIBUTES, TASK_QUEUE, TIMINGS, WORKFLOWS, clip, pairingWorkflowId } from '../core/names.js';
import type { DecideAnswer, DecideOrder, HeldSignal, PairingInput } from '../core/pairing.js';
import { idPart } from './keys.js';

export interface PairingEngine {
  /** Says that a message is held, or (without one) that the rows have something to do. Safe to repeat. */
  held(key: IdentityKey, inboundId?: string): Promise<void>;
  /** The owner's word, answered when it is carried out. Repeating it changes nothing. @throws CodedError PAIRING_TIMEOUT, INVALID_REQUEST */
  decide(key: IdentityKey, order: DecideOrder): Promise<DecideAnswer>;
}

const KEYS = {
  agent: defineSearchAttributeKey(SEARCH_ATTRIBUTES.agent, SearchAttributeType.KEYWORD),
  channel: defineSearchAttributeKey(SEARCH_ATTRIBUTES.channel, SearchAttributeType.KEYWORD),
  kind: defineSearchAttributeKey(SEARCH_ATTRIBUTES.kind, SearchAttributeType.KEYWORD),
  state: defineSearchAttributeKey(SEARCH_ATTRIBUTES.state, SearchAttributeType.KEYWORD),
};
/** As a session's signals: past this the engine counts as away, and the sweep signals again. */
const SIGNAL_DEADLINE_MS = 5_000;
/** Handing over is some store transactions and signals; past this something is down, and it goes on once that is up again. */
const DECIDE_DEADLINE_MS = 20_000;

export function createPairingEngine(client: Client, options: { readonly decideMs?: number } = {}): PairingEngine {
  const start = (key: IdentityKey) => {
    const input: PairingInput = { v: 1, channel: key.channel, account: key.account, sender: key.sender };
    return {
      workflowId: pairingWorkflowId(key.channel, key.account, idPart(key.sender)),
      taskQueue: TASK_QUEUE,
      args: [input] as [PairingInput],
      workflowTaskTimeout: TIMINGS.workflowTask,
      staticSummary: clip(`pairing · ${key.channel} (${key.account}) · ${key.sender}`),
      typedSearchAttributes: [
        { key: KEYS.agent, value: DEFAULT_AGENT },
        { key: KEYS.channel, value: key.channel },
        { key: KEYS.kind, value: 'pairing' },
        { key: KEYS.state, value: 'waiting-approval' },
      ],
    };
  };
  return {
    async held(key, inboundId = '') {
      const signal: HeldSignal = { inboundId };
      await client.withDeadline(Date.now() + SIGNAL_DEADLINE_MS, () => client.workflow.signalWithStart(WORKFLOWS.pairing, { ...start(key), signal: HELD_SIGNAL, signalArgs: [signal] }));
    },
    async decide(key, order) {
      try {
        return await client.withDeadline(Date.now() + (options.decideMs ?? DECIDE_DEADLINE_MS), () =>
          client.workflow.executeUpdateWithStart<Workflow, DecideAnswer, [DecideOrder]>(DECIDE_UPDATE, {
            args: [order],
            startWorkflowOperation: new WithStartWorkflowOperation(WORKFLOWS.pairing, { ...start(key), workflowIdConflictPolicy: 'USE_EXISTING' }),
          }),
        );
      } catch (error) {
        throw translated(error);
      }
    },
  };
}

function translated(error: unknown): Error {
  if (error instanceof WorkflowUpdateFailedError && error.cause instanceof ApplicationFailure && error.cause.type === 'AlreadyDecided') {
    return invalidRequest(`this stranger is ${error.cause.message}`, { code: 'ALREADY_DECIDED' });
  }
  const slow = error instanceof WorkflowUpdateRPCTimeoutOrCancelledError;
  return new CodedError('PAIRING_TIMEOUT', slow ? 'the engine did not carry it out in time' : `the engine did not take it: ${messageOf(error)}`, 'Try again: deciding twice does it once. See: openclaw doctor.');
}
