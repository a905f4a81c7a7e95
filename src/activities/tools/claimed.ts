/**
 * An effect on a file behind a claim that knows how the file looks before and after.
 *
 * Invariant: the effect happens at most once per call. A retry that finds an open claim looks at the file: as it will be
 * afterwards: done; as it was before: done now; neither: the outcome is unknown, and that is the answer.
 */
import { FAILURES } from '../../core/names.js';
import { problemResult } from './problems.js';
import { textResult, type ToolContext, type ToolResult } from './types.js';

export interface FileEffect {
  /** How the file is now. Stored with the claim; small, no content. */
  readonly facts: Readonly<Record<string, unknown>>;
  /** Compares the file with the facts of the attempt that began. */
  check(facts: Readonly<Record<string, unknown>>): Promise<'before' | 'after' | 'neither'>;
  /** Makes the change. Not called when {@link refusal} is set. */
  apply(): Promise<void>;
  readonly done: ToolResult;
  /** Why there is nothing to apply, as the file is now. */
  readonly refusal?: ToolResult;
}

export async function runClaimed(context: ToolContext, path: string, prepare: () => Promise<FileEffect>): Promise<ToolResult> {
  let effect: FileEffect;
  try {
    effect = await prepare();
  } catch (error) {
    // Nothing was claimed by this attempt; a path is refused again on every retry.
    return problemResult(error);
  }
  const claim = await context.claims.begin(context.key, effect.facts);
  if (claim.state === 'done' && claim.result) return claim.result;
  const result = claim.state === 'begun' ? await perform(effect) : await recover(effect, path, claim.facts);
  await context.claims.finish(context.key, result);
  return result;
}

async function perform(effect: FileEffect): Promise<ToolResult> {
  if (effect.refusal) return effect.refusal;
  try {
    await effect.apply();
  } catch (error) {
    return problemResult(error);
  }
  return effect.done;
}

async function recover(effect: FileEffect, path: string, facts: Readonly<Record<string, unknown>> | undefined): Promise<ToolResult> {
  const found = facts ? await effect.check(facts) : 'neither';
  if (found === 'after') return effect.done;
  if (found === 'before') return perform(effect);
  return {
    ...textResult(`The outcome is unknown: an earlier attempt to change ${path} was cut off, and the file is neither as it was before nor as it should be after. Read it before trying again.`, true, { failure: FAILURES.OutcomeUnknown }),
    outcome: 'unknown',
  };
}
