/** The session workflow as a careless change would make it: it works, but histories of before do not fit it. */
import { sleep } from '@temporalio/workflow';
import type { SessionEnd, SessionInput } from '../../src/core/run.js';
import { session as unchanged } from '../../src/workflows/session.js';

export async function session(input: SessionInput): Promise<SessionEnd> {
  await sleep(1);
  return unchanged(input);
}
