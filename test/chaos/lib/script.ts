/**
 * What is said in the chaos tests, and the model that answers it.
 *
 * `chain <id> <calls> free|gated` makes that many calls one after another; each appends `line-<n>` to `<id>.log`. Odd calls are
 * commands (which first append `begin-<n>` to `<id>.begun`; gated ones then wait for the file `<id>.gate<n>`), even ones use
 * `write`. Everything ends with `answer <id>.`
 */
import { type ModelServer, type Reply, type SeenRequest, startModelServer } from '../../servers/model-server.js';

export interface Ask {
  readonly id: string;
  /** How many calls of the run have their results. */
  readonly done: number;
  readonly model: string;
}

/** What to do with a request instead of answering it; undefined: answer. */
export type Hook = (ask: Ask, answer: Answer) => Reply | undefined;
export type Answer = Extract<Reply, { readonly kind?: 'answer' }>;

export interface ScriptedModel {
  readonly server: ModelServer;
  /** Every request, in the order of arrival. */
  readonly asks: readonly Ask[];
  asksOf(id: string): readonly Ask[];
  hook: Hook | undefined;
  /** Drops what was asked so far: a long run must not keep every prompt. */
  forget(): void;
}

const QUESTION = /\b(chain|say) (\S+)(?: (\d+) (free|gated))?$/;

export const answerOf = (id: string): string => `answer ${id}.`;
export const isCommand = (call: number): boolean => call % 2 === 1;

export async function scriptedModel(): Promise<ScriptedModel> {
  const asks: Ask[] = [];
  const server = await startModelServer({ answer });
  const model: ScriptedModel = { server, asks, asksOf: (id) => asks.filter((ask) => ask.id === id), hook: undefined, forget: () => void (asks.length = server.requests.length = 0) };
  return model;

  function answer(seen: SeenRequest): Reply {
    const messages = seen.body['messages'] as readonly { readonly role: string; readonly content: unknown }[];
    // Notices to the model may stand between the question and now.
    const at = messages.findLastIndex(({ role, content }) => role === 'user' && QUESTION.test(textOf(content)));
    if (at === -1) return { text: 'nothing was asked' };
    const said = QUESTION.exec(textOf(messages[at]!.content))!;
    const done = messages.slice(at).filter(({ role }) => role === 'tool').length;
    const ask: Ask = { id: said[2]!, done, model: String(seen.body['model']) };
    asks.push(ask);
    const usual = said[1] === 'chain' && ask.done < Number(said[3]) ? callOf(ask, said[4] === 'gated') : { text: answerOf(ask.id) };
    return model.hook?.(ask, usual) ?? usual;
  }
}

const textOf = (content: unknown): string =>
  typeof content === 'string' ? content : (content as readonly { readonly text?: string }[]).map(({ text }) => text ?? '').join('\n');

function callOf({ id, done }: Ask, gated: boolean): Answer {
  const n = done + 1;
  // With a word before the call, so that there is a middle of the stream.
  const text = `call ${n} of ${id}`;
  if (!isCommand(n)) return { text, calls: [{ name: 'write', args: { path: `${id}.log`, content: `line-${n}\n`, append: true } }] };
  const wait = gated ? `until [ -e ${id}.gate${n} ]; do sleep 0.05; done` : 'sleep 0.1';
  return { text, calls: [{ name: 'exec', args: { command: `echo begin-${n} >> ${id}.begun; ${wait}; echo line-${n} >> ${id}.log; echo out-${n}` } }] };
}
