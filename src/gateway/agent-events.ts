/**
 * Turns run events into the peer's `agent` and `chat` events. Pure but for the map of runs it keeps.
 * Invariants: `seq` counts per run from 1 without a gap; text is cumulative within a step, and a frame that takes text
 * back bears `replace: true`; after a run's end nothing more is said of it.
 */
import type { RunEvent } from '../core/events.js';
import { agentOf } from '../core/session-key.js';

export interface OutEvent {
  readonly event: 'agent' | 'chat';
  readonly payload: Readonly<Record<string, unknown>>;
}

export interface RunNarrator {
  /** What clients hear of a bus event, in order. */
  tell(event: RunEvent): readonly OutEvent[];
  /** A frame of a run that comes from its row: lifecycle and final. */
  close(run: RunName, frames: readonly { readonly stream?: string; readonly data: Readonly<Record<string, unknown>> }[], at: number): readonly OutEvent[];
}

export interface RunName {
  readonly session: string;
  readonly run: string;
  readonly runId: string;
}

interface Told {
  seq: number;
  step: number;
  attempt: number;
  text: string;
  thinking: string;
  /** The next text replaces what clients show. */
  replace: boolean;
  /** Cumulative output of running tools, by call index. */
  readonly outputs: Map<number, string>;
  startedAt?: number;
  ended: boolean;
}

/** Runs kept; the oldest unused one is forgotten first. */
const MAX_RUNS = 1_000;
/** Tail of a tool's live output in each update; deltas are in `command_output`, the whole is in the result. */
const MAX_OUTPUT = 16 * 1024;

export function createNarrator(): RunNarrator {
  const runs = new Map<string, Told>();

  return {
    tell(event) {
      const told = of(event.run);
      if (told.ended) {
        // Late words of a finished run: the row has already spoken.
        return [];
      }
      const out: OutEvent[] = [];
      const agent = (stream: string, data: Readonly<Record<string, unknown>>): number => {
        told.seq += 1;
        out.push({ event: 'agent', payload: { runId: event.runId, stream, data, sessionKey: event.session, agentId: agentOf(event.session), seq: told.seq, ts: event.at } });
        return told.seq;
      };
      const chat = (seq: number, data: Readonly<Record<string, unknown>>): void => {
        out.push({ event: 'chat', payload: { runId: event.runId, sessionKey: event.session, agentId: agentOf(event.session), seq, ...data } });
      };
      const status = (phase: string): void => chat(agent('run_status', { phase }), { state: 'status', phase });

      switch (event.type) {
        case 'accepted':
          status('preparing_workspace');
          break;
        case 'start':
          status('preparing_context');
          told.startedAt ??= event.at;
          agent('lifecycle', { phase: 'start', startedAt: told.startedAt });
          break;
        case 'model':
          // Later steps start models too, but a reader then already sees the turn at work.
          if (told.step === 0) status('starting_model');
          enter(told, event);
          agent('lifecycle', { phase: 'model', provider: event.provider, model: event.model });
          break;
        case 'reset':
          told.replace ||= told.text !== '';
          told.attempt = event.attempt;
          told.step = event.step;
          told.text = '';
          told.thinking = '';
          break;
        case 'text':
          enter(told, event);
          say(told, event.delta);
          break;
        case 'thinking':
          enter(told, event);
          told.thinking += event.delta;
          agent('thinking', { text: told.thinking, delta: event.delta });
          break;
        case 'answer':
          enter(told, event);
          // Deltas that were missed (a restart, a slow socket) are made good by the whole.
          if (event.text !== told.text) {
            if (event.text.startsWith(told.text)) say(told, event.text.slice(told.text.length));
            else {
              told.text = '';
              told.replace = true;
              say(told, event.text);
            }
          }
          agent('usage', { inputTokens: event.usage.input, outputTokens: event.usage.output, cacheReadTokens: event.usage.cacheRead, cacheWriteTokens: event.usage.cacheWrite });
          break;
        case 'tool-start':
          told.outputs.delete(event.index);
          agent('item', { ...item(event), phase: 'start', status: 'running' });
          agent('tool', { phase: 'start', name: event.tool, toolCallId: callId(event), args: event.args });
          break;
        case 'tool-output': {
          const output = ((told.outputs.get(event.index) ?? '') + event.delta).slice(-MAX_OUTPUT);
          told.outputs.set(event.index, output);
          agent('item', { ...item(event), phase: 'update', status: 'running' });
          agent('tool', { phase: 'update', name: event.tool, toolCallId: callId(event), partialResult: { content: [{ type: 'text', text: output }] } });
          if (event.tool === 'exec') agent('command_output', { ...command(event), phase: 'delta', output: event.delta });
          break;
        }
        case 'tool-end':
          told.outputs.delete(event.index);
          agent('item', { ...item(event), phase: 'end', status: event.isError ? 'failed' : 'completed' });
          agent('tool', {
            phase: 'result',
            name: event.tool,
            toolCallId: callId(event),
            isError: event.isError,
            meta: {},
            result: { content: [{ type: 'text', text: event.text }], ...(event.details ? { details: event.details } : {}) },
          });
          if (event.tool === 'exec') {
            agent('command_output', { ...command(event), phase: 'end', output: event.text, exitCode: event.details?.['exitCode'] ?? null, durationMs: event.details?.['durationMs'] ?? null });
          }
          break;
        case 'approval':
          // Who may answer gets the question as an event of its own; who only reads hears that there is one.
          agent('approval', { approvalId: event.id });
          break;
        case 'budget':
          agent('lifecycle', { phase: 'budget', questionId: event.question });
          break;
        case 'failover':
          agent('lifecycle', { phase: 'fallback', from: event.from, to: event.to, reason: event.code });
          break;
        case 'end':
          // The row says how; see close().
          break;
      }
      return out;

      function say(to: Told, delta: string): void {
        if (delta === '') return;
        to.text += delta;
        const replace = to.replace ? { replace: true } : {};
        to.replace = false;
        const seq = agent('assistant', { text: to.text, delta, itemId: `msg:${event.step}`, ...replace });
        const message = { role: 'assistant', content: [{ type: 'text', text: to.text }], timestamp: event.at };
        chat(seq, { state: 'delta', deltaText: 'replace' in replace ? to.text : delta, message, ...replace });
      }
    },

    close(run, frames, at) {
      const told = of(run.run);
      if (told.ended) return [];
      told.ended = true;
      told.outputs.clear();
      told.text = '';
      told.thinking = '';
      return frames.map((frame): OutEvent => {
        const base = { runId: run.runId, sessionKey: run.session, agentId: agentOf(run.session) };
        if (frame.stream === undefined) return { event: 'chat', payload: { ...base, seq: told.seq, ...frame.data } };
        told.seq += 1;
        return { event: 'agent', payload: { runId: run.runId, stream: frame.stream, data: frame.data, sessionKey: run.session, agentId: base.agentId, seq: told.seq, ts: at } };
      });
    },
  };

  function of(run: string): Told {
    const told = runs.get(run) ?? { seq: 0, step: 0, attempt: 0, text: '', thinking: '', replace: false, outputs: new Map<number, string>(), ended: false };
    runs.delete(run);
    runs.set(run, told);
    if (runs.size > MAX_RUNS) runs.delete(runs.keys().next().value!);
    return told;
  }
}

/** Another step, or an attempt whose `reset` was lost, starts its text afresh. What is older does not pass the bus. */
function enter(told: Told, event: RunEvent): void {
  if (event.step === told.step && event.attempt === told.attempt) return;
  told.replace ||= told.text !== '';
  told.text = '';
  told.thinking = '';
  told.step = event.step;
  told.attempt = event.attempt;
}

interface ToolEvent extends Pick<RunEvent, 'run' | 'step'> {
  readonly index: number;
  readonly tool: string;
}

/** Ours, not the provider's: those may be empty and repeat. The same id is in `chat.history`. */
export const toolCallId = (run: string, step: number, index: number): string => `call_${run.slice(0, 12)}_${step}_${index}`;
const callId = (event: ToolEvent): string => toolCallId(event.run, event.step, event.index);
const item = (event: ToolEvent) => ({ itemId: `tool:${callId(event)}`, kind: 'tool', name: event.tool, title: event.tool });
const command = (event: ToolEvent) => ({ itemId: `command:${callId(event)}`, toolCallId: callId(event), name: event.tool });
