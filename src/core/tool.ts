/**
 * What a tool is to the loop. Pure. Implementations live in `activities/tools/`, one file each.
 */

/**
 * `read-only`: calls of a batch run in parallel and repeat freely; `idempotent`: in order, repeat freely;
 * `side-effecting`: in order, behind a claim, never begun twice.
 */
export type ToolPolicy = 'read-only' | 'idempotent' | 'side-effecting';

/** A name a model may have invented becomes an activity type and a UI label only in this shape. */
const TOOL_NAME = /^[A-Za-z][A-Za-z0-9_-]{0,63}$/;
export const INVALID_TOOL_NAME = 'invalid_tool_name';

export const safeToolName = (name: string): string => (TOOL_NAME.test(name) ? name : INVALID_TOOL_NAME);
