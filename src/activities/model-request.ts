/**
 * What a step asks its model: system prompt, tools its people may use, and as much of the conversation as fits.
 */
import { assembleContext, estimateTokens } from '../core/context.js';
import type { ModelRequest, ToolSpec } from '../core/model.js';
import { LIMITS } from '../core/names.js';
import type { CallModelInput } from '../core/steps.js';
import type { Inbound } from '../storage/inbound.js';
import { mayUse, rightsOfRun } from '../storage/rights.js';
import { sessionSettings } from '../storage/session-settings.js';
import { recentRows } from '../storage/transcript.js';
import type { ActivityDeps } from './deps.js';
import { NO_SPEECH } from './media/speech.js';
import { withTranscripts } from './media/transcripts.js';
import type { ModelFacts } from './models/types.js';
import type { Tool } from './tools/types.js';

/** The part of the window that messages may take, for prompts whose tokens we underestimate. */
const SAFETY = 0.9;
/** More characters than any text of that many tokens has. */
const CHARS_PER_TOKEN = 4;

export async function modelRequest(deps: ActivityDeps, input: CallModelInput, inbound: Inbound | undefined, model: string, known: ModelFacts): Promise<ModelRequest> {
  const asked = inbound?.request;
  const rights = await rightsOfRun(deps.db, input.run);
  const tools = deps.tools().tools.filter((tool) => mayUse(rights, tool.name)).map(toolSpec);
  const system = [await deps.systemPrompt(), asked?.extraSystemPrompt].filter((part) => part !== undefined && part !== '').join('\n\n');
  const room = Math.floor((known.contextWindow - known.maxTokens - estimateTokens(system) - estimateTokens(JSON.stringify(tools))) * SAFETY);
  const stored = await recentRows(deps.db, input.session, input.conversation, room * CHARS_PER_TOKEN);
  const rows = await withTranscripts(deps.db, stored, deps.speech?.() ?? NO_SPEECH);
  const { messages } = assembleContext(
    // A zombie's later row is not part of what this step reads.
    rows.filter((row) => row.seq < input.seq),
    { maxTokens: room, images: known.images, imageBytes: LIMITS.imageBytes, speakers: inbound?.message.conversation.kind !== 'direct' },
  );
  const thinking = known.reasoning ? (asked?.thinking ?? (await sessionSettings(deps.db, input.session)).thinking ?? deps.settings().thinking) : 'off';
  return { model, system, messages, tools, maxTokens: known.maxTokens, thinking };
}

const toolSpec = ({ name, description, parameters }: Tool): ToolSpec => ({ name, description, parameters: parameters as unknown as ToolSpec['parameters'] });
