/**
 * The built-in provider `offline/offline`: no model, no network, the same answer to the same prompt. It keeps an
 * installation without any key usable and makes the tests' turns real.
 * Invariant: {@link offlineAnswer} is a pure function of the prompt: an attempt repeated after a crash goes on with the
 * call whose result is missing.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { OMITTED_MARK } from '../../core/context.js';
import type { ModelAnswer, ModelCall, ModelRequest, PromptBlock, PromptMessage } from '../../core/model.js';
import { OFFLINE } from './catalog.js';
import { planOf, type Plan } from './offline-plan.js';
import { estimateUsage } from './prompt.js';
import type { ModelFacts, ModelProvider } from './types.js';

export const OFFLINE_NOTE =
  'I am the built-in offline helper, not a language model: no model key is set up yet. To add one, set ANTHROPIC_API_KEY ' +
  '(or OPENAI_API_KEY, GEMINI_API_KEY, DEEPSEEK_API_KEY, OPENROUTER_API_KEY) and start again, or run ' +
  '`openclaw config set agents.defaults.model anthropic/claude-opus-4-6`.';

const HELP =
  'I understand: `run: <command>`, `read: <path>`, `remember: <text>`, `chain: <N> <command>` (N calls in a row), ' +
  '`parallel: <N> <command>` (N in one step), `slow: <seconds> [text]`.';

const FACTS: ModelFacts = { contextWindow: 1_000_000, maxTokens: 8_192, images: true, reasoning: false, price: { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 } };
/** Of one call's output in the closing answer; the whole is in the call's own row. */
const OUTPUT_CHARS = 2_000;
/** Of the words given back. */
const ECHO_CHARS = 200;
const DELTAS = 6;

export function createOfflineProvider(): ModelProvider {
  return {
    id: OFFLINE.id,
    facts: () => FACTS,
    async stream(request, { signal, onEvent }) {
      signal.throwIfAborted();
      const answer = offlineAnswer(request);
      for (const delta of deltasOf(answer.text)) {
        onEvent({ type: 'text', delta });
        // Real deltas come one by one; whoever aborts in between is heard.
        await sleep(1, undefined, { signal }).catch(() => signal.throwIfAborted());
      }
      signal.throwIfAborted();
      return answer;
    },
  };
}

export function offlineAnswer(request: ModelRequest): ModelAnswer {
  const at = request.messages.findLastIndex((message) => message.role === 'user' && message.blocks.some((block) => !isNotice(block)));
  const question = request.messages[at];
  const blocks = question?.role === 'user' ? question.blocks : [];
  const turn = request.messages.slice(at + 1);
  const text = newestText(blocks);
  const plan = planOf(text);
  const step = turn.filter((message) => message.role === 'assistant' && message.calls.length > 0).length;
  const results = turn.filter((message) => message.role === 'tool');
  const failed = results.some((result) => result.isError);

  const batch = plan && !failed ? plan.steps[step] : undefined;
  const missing = batch?.find((call) => !request.tools.some((tool) => tool.name === call.tool));
  if (batch && !missing) {
    const calls = batch.map((call, i): ModelCall => ({ id: `offline_${step}_${i}`, name: call.tool, args: call.args }));
    return finish(request, step === 0 ? opening(plan!) : '', calls);
  }
  const said = missing ? `I would need the tool \`${missing.tool}\`, which is not available here.` : plan ? closing(plan, results) : idle(text, blocks);
  return finish(request, isFirst(request.messages, at) ? `${OFFLINE_NOTE}\n\n${said}` : said, []);
}

function finish(request: ModelRequest, text: string, calls: readonly ModelCall[]): ModelAnswer {
  return { text, calls, stop: calls.length > 0 ? 'tool_calls' : 'stop', usage: estimateUsage(request, text + (calls.length > 0 ? JSON.stringify(calls) : '')) };
}

/** No answer was given before this turn, and none was cut away. */
function isFirst(messages: readonly PromptMessage[], at: number): boolean {
  return messages.slice(0, Math.max(at, 0)).every((message) => message.role === 'user' && !message.blocks.some((block) => block.type === 'text' && block.text === OMITTED_MARK));
}

/** Descriptions of attachments follow the words they came with. */
const ATTACHMENT = /^\[(?:image|video|voice|audio|document|sticker|location|contact)\b/;

/** What stands in the conversation and no person said (`lostText` in `store-behind.ts`); it may come behind the message, or in the middle of a turn. */
const NOTICE = /^\[The record of this conversation lost /;
const isNotice = (block: PromptBlock): boolean => block.type === 'text' && NOTICE.test(block.text);

/** Messages that got no answer stand before the newest one in the same prompt message. */
function newestText(blocks: readonly PromptBlock[]): string {
  const block = blocks.findLast((candidate) => candidate.type === 'text' && !ATTACHMENT.test(candidate.text) && !isNotice(candidate));
  return block?.type === 'text' ? block.text : '';
}

function opening(plan: Plan): string {
  const calls = plan.steps.flat().length;
  return calls === 1 ? '' : `Making ${calls} calls${plan.kind === 'chain' ? ', one after another' : ' in one step'}.`;
}

type ToolMessage = Extract<PromptMessage, { readonly role: 'tool' }>;

function closing(plan: Plan, results: readonly ToolMessage[]): string {
  const failedAt = results.findIndex((result) => result.isError);
  const total = plan.steps.flat().length;
  const failure = failedAt < 0 ? undefined : `${total === 1 ? 'The call' : `Call ${failedAt + 1} of ${total}`} failed: ${clipped(outputOf(results[failedAt]!))}`;
  if (plan.closing !== undefined) return failure ?? plan.closing;
  if (total === 1) return failure ?? `Output:\n\n${fenced(outputOf(results[0]))}`;
  const lines = results.filter((result) => !result.isError).map((result, i) => `${i + 1}. ${clipped(outputOf(result)).replace(/\n/g, '\n   ')}`);
  return [...(failure === undefined ? [`Done, ${results.length} calls:`] : [failure, 'Before that:']), ...lines].join('\n');
}

function idle(text: string, blocks: readonly PromptBlock[]): string {
  const images = blocks.flatMap((block) => (block.type === 'image' ? [block.mime] : []));
  const seen = images.length === 0 ? '' : `Your message holds ${images.length === 1 ? 'an image' : `${images.length} images`} (${images.join(', ')}); I cannot look at it. `;
  const echo = text.trim() === '' ? '' : `You said: “${text.length <= ECHO_CHARS ? text : `${text.slice(0, ECHO_CHARS)}…`}”. `;
  return `${seen}${echo}${HELP}`;
}

const outputOf = (result: ToolMessage | undefined): string =>
  (result?.blocks ?? []).map((block) => (block.type === 'text' ? block.text : `[image, ${block.mime}]`)).join('\n').trim();
const clipped = (text: string): string => (text.length <= OUTPUT_CHARS ? text : `${text.slice(0, OUTPUT_CHARS)}…`) || '(no output)';
/** A fence longer than any inside. */
function fenced(text: string): string {
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([ticks]) => ticks.length));
  const fence = '`'.repeat(longest + 1);
  return `${fence}\n${clipped(text)}\n${fence}`;
}

function deltasOf(text: string): readonly string[] {
  if (text === '') return [];
  const words = text.match(/\s*\S+\s*/g) ?? [text];
  const size = Math.ceil(words.length / DELTAS);
  return Array.from({ length: Math.ceil(words.length / size) }, (_, i) => words.slice(i * size, (i + 1) * size).join(''));
}
