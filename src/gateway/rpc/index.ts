/** All methods by name; hello announces exactly these. A new family is a file beside this one and a line here. */
import { agentMethods } from './agent.js';
import { approvalMethods } from './approvals.js';
import { budgetMethods } from './budgets.js';
import { channelMethods } from './channels.js';
import { chatMethods } from './chat.js';
import { configMethods } from './config.js';
import { contactMethods } from './contacts.js';
import { deliveryMethods } from './delivery.js';
import { doctorMethods } from './doctor.js';
import type { Method } from './method.js';
import { modelMethods } from './models.js';
import { noticeMethods } from './notices.js';
import { pairingMethods } from './pairing.js';
import { runMethods } from './runs.js';
import { sessionMethods } from './sessions.js';
import { systemMethods } from './system.js';
import { usageMethods } from './usage.js';

export const METHODS: ReadonlyMap<string, Method> = new Map(
  [systemMethods, agentMethods, chatMethods, sessionMethods, runMethods, modelMethods, configMethods, doctorMethods, usageMethods, budgetMethods, approvalMethods, noticeMethods, channelMethods, deliveryMethods, pairingMethods, contactMethods].flat().map((entry) => [entry.name, entry]),
);

/** Events a client may get. */
export const EVENTS: readonly string[] = ['connect.challenge', 'agent', 'chat', 'tick', 'shutdown', 'exec.approval.requested', 'exec.approval.resolved'];
