/** Tells a session's model, once, where the conversation of a person is who was linked to it. */
import type { Fence } from '../core/steps.js';
import { takeUntold } from '../storage/aliases.js';
import { contactById } from '../storage/contacts.js';
import type { Tx } from '../storage/fence.js';
import { appendRows, highestSeq } from '../storage/transcript.js';

/** In the transaction that begins a run. @returns whether there was something to tell */
export async function tellLinked(tx: Tx, at: Fence & { readonly run: string }, step: number): Promise<boolean> {
  const untold = await takeUntold(tx, at.session);
  for (const { session, contact } of untold) {
    const name = (await contactById(tx, contact))?.name ?? 'This person';
    const text = `${name} was linked: until now they were also spoken with in session ${session}. That conversation is not part of this one; it can be read there.`;
    await appendRows(tx, at, [{ seq: (await highestSeq(tx, at.session)) + 1, run: at.run, step, kind: 'notice', content: { type: 'notice', text, forModel: true } }]);
  }
  return untold.length > 0;
}
