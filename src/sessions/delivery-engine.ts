/**
 * Wakes delivery workflows, one a conversation. Everything that reaches Temporal from here is ids.
 */
import { type Client, WorkflowNotFoundError } from '@temporalio/client';
import { SearchAttributeType, defineSearchAttributeKey } from '@temporalio/common';
import type { DeliveryInput, WakeSignal } from '../core/delivery.js';
import { DEFAULT_AGENT, SEARCH_ATTRIBUTES, TASK_QUEUE, TIMINGS, WAKE_SIGNAL, WORKFLOWS, clip, deliveryWorkflowId } from '../core/names.js';
import type { ChannelLine } from '../core/ports.js';
import { idPart } from './keys.js';

export interface DeliveryEngine {
  /** Signals the line's workflow, starting it when it does not run. Safe to repeat. */
  wake(line: ChannelLine, signal: WakeSignal): Promise<void>;
  isRunning(line: ChannelLine): Promise<boolean>;
}

const KEYS = {
  agent: defineSearchAttributeKey(SEARCH_ATTRIBUTES.agent, SearchAttributeType.KEYWORD),
  channel: defineSearchAttributeKey(SEARCH_ATTRIBUTES.channel, SearchAttributeType.KEYWORD),
  kind: defineSearchAttributeKey(SEARCH_ATTRIBUTES.kind, SearchAttributeType.KEYWORD),
  state: defineSearchAttributeKey(SEARCH_ATTRIBUTES.state, SearchAttributeType.KEYWORD),
};
/** As a session's signals: past this the engine counts as away, and the sweeper wakes the line. */
const DEADLINE_MS = 5_000;

export const lineWorkflowId = ({ channel, account, conversation }: ChannelLine): string => deliveryWorkflowId(channel, account, idPart(conversation));

export function createDeliveryEngine(client: Client): DeliveryEngine {
  const within = <T>(call: () => Promise<T>): Promise<T> => client.withDeadline(Date.now() + DEADLINE_MS, call);
  return {
    async wake(line, signal) {
      const { channel, account, conversation } = line;
      const input: DeliveryInput = { v: 1, channel, account, conversation };
      await within(() =>
        client.workflow.signalWithStart(WORKFLOWS.delivery, {
          workflowId: lineWorkflowId(line),
          taskQueue: TASK_QUEUE,
          args: [input],
          signal: WAKE_SIGNAL,
          signalArgs: [signal],
          workflowTaskTimeout: TIMINGS.workflowTask,
          staticSummary: clip(`deliveries · ${channel} (${account}) · ${conversation}`),
          typedSearchAttributes: [
            { key: KEYS.agent, value: DEFAULT_AGENT },
            { key: KEYS.channel, value: channel },
            { key: KEYS.kind, value: 'delivery' },
            { key: KEYS.state, value: 'sending' },
          ],
        }),
      );
    },
    async isRunning(line) {
      try {
        return (await within(() => client.workflow.getHandle(lineWorkflowId(line)).describe())).status.name === 'RUNNING';
      } catch (error) {
        if (error instanceof WorkflowNotFoundError) return false;
        throw error;
      }
    },
  };
}
