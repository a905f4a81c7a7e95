/** Rows that answer a call in its tool's place. */
import { type Tx } from '../storage/fence.js';
import { type NewRow, rowAt } from '../storage/transcript.js';

/** A result row for a call that did not run, or nothing when the call itself is unknown. */
export async function resultRow(
  tx: Tx,
  at: { readonly session: string; readonly run: string; readonly step: number },
  callSeq: number,
  call: { readonly index: number; readonly seq: number },
  text: string,
  details: Readonly<Record<string, unknown>>,
): Promise<NewRow | undefined> {
  const content = (await rowAt(tx, at.session, callSeq))?.content;
  const asked = content?.type === 'assistant' ? content.calls.find((other) => other.index === call.index) : undefined;
  if (!asked) return undefined;
  return {
    seq: call.seq, run: at.run, step: at.step, kind: `tool.${call.index}`,
    content: { type: 'tool', index: call.index, tool: asked.tool, callId: asked.callId, isError: true, blocks: [{ type: 'text', text }], details },
  };
}
