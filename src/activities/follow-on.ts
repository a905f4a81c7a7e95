/**
 * A decision that came after its turn: what the run that tells of it does and says.
 */
import type { Approval } from '../core/approval.js';
import type { FollowOn } from '../core/run.js';
import type { RowContent } from '../core/transcript.js';
import type { NewRow } from '../storage/transcript.js';
import { policyIn } from './turn-state.js';
import type { ToolRegistry, ToolResult } from './tools/types.js';

/** Who these rows are from: no person wrote them. */
const SENDER = { id: 'openclaw', name: 'OpenClaw' } as const;

export function followOnOf(approval: Approval, seq: number, tools: ToolRegistry): FollowOn {
  const { call } = approval;
  if (!call) throw new Error(`approval ${approval.id} has no call`);
  const { tool } = approval.request;
  return { approval: approval.id, run: call.run, step: call.step, index: call.index, callSeq: call.callSeq, tool, policy: policyIn(tools)(tool), seq };
}

const about = (approval: Approval): string => `[approval ${approval.id}] In run ${approval.call?.runId ?? '?'} you asked to run: ${approval.request.command}`;

export const deniedText = (approval: Approval): string =>
  `${about(approval)}\nThe owner said no${approval.reason === undefined ? '' : ` (${approval.reason})`}: it has not run. Tell the owner briefly what this means for what they wanted.`;

/** Where a call's result goes: its own row, or the first row of the run that tells of it. */
export const placeOf = (at: { readonly run: string; readonly step: number; readonly index: number; readonly enters?: { readonly run: string } }): Pick<NewRow, 'run' | 'step' | 'kind'> =>
  at.enters ? { run: at.enters.run, step: 0, kind: 'user' } : { run: at.run, step: at.step, kind: `tool.${at.index}` };

/** The result as the first row of the run that tells of it. */
export function resultContent(approval: Approval | undefined, result: ToolResult): RowContent {
  const text = result.blocks.map((block) => (block.type === 'text' ? block.text : `[${block.mime}]`)).join('\n');
  const head = approval ? `${about(approval)}\nThe owner allowed it and it was run.` : 'An approved call was run.';
  return { type: 'user', text: `${head} ${result.isError ? 'It failed' : 'Its result'}:\n${text}`, sender: SENDER, attachments: [] };
}
